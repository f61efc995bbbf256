/** JSON merge patches (RFC 7386, K52): null deletes, objects merge, everything else replaces. */
import { isJsonObject } from './json';
import { setField } from './json-parser';
import type { Json } from './object';

/** The document with the patch merged in; neither is changed. */
export function applyMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json> = {};
  if (isJsonObject(document)) {
    for (const [name, value] of Object.entries(document)) setField(merged, name, value ?? null);
  }
  for (const [name, change] of Object.entries(patch)) {
    if (change === undefined) continue;
    if (change === null) Reflect.deleteProperty(merged, name);
    else {
      const current = Object.hasOwn(merged, name) ? merged[name] : undefined;
      setField(merged, name, applyMergePatch(current, change));
    }
  }
  return merged;
}
