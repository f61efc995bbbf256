/**
 * JSON in and out. Bodies of clients go through the exact parser of `json-parser.ts`; what this
 * server wrote itself goes through `JSON.parse`, unless it holds a number that needs its digits.
 */
import { JsonParser, JsonSyntaxError } from './json-parser';
import { bigNumberMark, JsonNumber, type Json, type JsonObject } from './object';

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

// The mark of byte order is kept: it is no JSON, and Kubernetes refuses it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Parses a request body: duplicate fields are reported, int64 is exact (K32, K50). */
export function parseJson(bytes: Uint8Array): JsonParseResult {
  return parseJsonText(decoder.decode(bytes));
}

/** {@link parseJson} of a text. */
export function parseJsonText(text: string): JsonParseResult {
  const parser = new JsonParser(text);
  try {
    const value = parser.parse();
    return { kind: 'parsed', value, duplicateFields: parser.duplicateFields };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { kind: 'invalid', message: error.message, offset: error.offset };
  }
}

/** Digits that a double may not hold; in a string they only cost the slower way. */
const longDigits = /\d{16}/;

/** Parses JSON that this server wrote itself: no duplicates, no errors, int64 exact. */
export function parseTrustedJson(bytes: Uint8Array): Json {
  const text = decoder.decode(bytes);
  return longDigits.test(text) ? new JsonParser(text).parse() : (JSON.parse(text) as Json);
}

/** The text of a value; big numbers keep their digits. `indent` 2 is `pretty=true`. */
export function stringifyJson(value: Json, indent = 0): string {
  const text = JSON.stringify(value, undefined, indent);
  // The mark may also be a client's own text: then the exact way only costs more.
  return text.includes(bigNumberMark) ? exactText(value, indent, '\n') : text;
}

/** As `JSON.stringify`, with the digits of big numbers. */
function exactText(value: Json, indent: number, newline: string): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = indent === 0 ? '' : newline + ' '.repeat(indent);
  const parts = isJsonArray(value)
    ? value.map((item) => exactText(item, indent, inner))
    : Object.entries(value).flatMap(([name, field]) => {
        if (field === undefined) return [];
        const colon = indent === 0 ? ':' : ': ';
        return [`${JSON.stringify(name)}${colon}${exactText(field, indent, inner)}`];
      });
  const [open, close] = isJsonArray(value) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  const outer = indent === 0 ? '' : newline;
  return `${open}${inner}${parts.join(`,${inner}`)}${outer}${close}`;
}

/** The UTF-8 bytes of {@link stringifyJson}. */
export function encodeJson(value: Json, indent = 0): Uint8Array {
  return encoder.encode(stringifyJson(value, indent));
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
