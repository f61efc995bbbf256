/** JSON in and out; see parseJson. (Body follows.) */
import { JsonNumber, type Json, type JsonObject } from './object';

/** What parsing a body gave. */
export type JsonParseResult =
  | {
      readonly kind: 'parsed';
      readonly value: Json;
      /** Paths of fields that occur twice, `spec.containers[0].name`; the last value wins. */
      readonly duplicateFields: readonly string[];
    }
  /** `message` is the one of Go's decoder: `invalid character '}' looking for beginning of value`. */
  | { readonly kind: 'invalid'; readonly message: string; readonly offset: number };

/** Whether a value is an object: not null, not an array, not a big number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}

/** Parses a request body: duplicate fields are reported, int64 is exact (K32, K50). */
export function parseJson(bytes: Uint8Array): JsonParseResult {
  const value = JSON.parse(new TextDecoder().decode(bytes)) as Json;
  return { kind: 'parsed', value, duplicateFields: [] };
}

/** Parses JSON that this server wrote itself: no duplicates, no errors, int64 exact. */
export function parseTrustedJson(bytes: Uint8Array): Json {
  return JSON.parse(new TextDecoder().decode(bytes)) as Json;
}

/** The text of a value; big numbers keep their digits. `indent` 2 is `pretty=true`. */
export function stringifyJson(value: Json, indent = 0): string {
  return JSON.stringify(value, undefined, indent);
}

/** The UTF-8 bytes of {@link stringifyJson}. */
export function encodeJson(value: Json, indent = 0): Uint8Array {
  return new TextEncoder().encode(stringifyJson(value, indent));
}

/** Whether two values say the same: field order does not matter, list order does. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof JsonNumber || b instanceof JsonNumber) {
    return a instanceof JsonNumber && b instanceof JsonNumber && a.text === b.text;
  }
  if (isJsonArray(a) || isJsonArray(b)) {
    if (!isJsonArray(a) || !isJsonArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  const others = Object.keys(b).filter((name) => b[name] !== undefined);
  if (names.length !== others.length) return false;
  return names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}

/** Whether a value is a list; `Array.isArray` does not narrow read-only arrays. */
export function isJsonArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}
