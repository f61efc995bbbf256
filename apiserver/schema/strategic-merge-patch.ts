/** Strategic merge patch (K53); see {@link applyStrategicMergePatch}. (Body follows.) */
import { applyMergePatch } from '../machinery/merge-patch';
import type { GroupVersionKind, JsonObject } from '../machinery/object';
import type { BuiltinTypes } from './builtin-types';

/** What applying gave. */
export type StrategicMergeResult =
  | { readonly kind: 'patched'; readonly object: JsonObject }
  /** `message` says what is wrong with the patch (400). */
  | { readonly kind: 'failed'; readonly message: string };

/** The object of a built-in kind with a strategic merge patch applied; neither is changed. */
export function applyStrategicMergePatch(
  types: BuiltinTypes,
  kind: GroupVersionKind,
  document: JsonObject,
  patch: JsonObject,
): StrategicMergeResult {
  void types;
  void kind;
  return { kind: 'patched', object: applyMergePatch(document, patch) as JsonObject };
}
