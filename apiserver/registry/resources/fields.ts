/** Reading fields of objects whose form is known from their kind: absent and wrong mean nothing. */
import { isJsonArray, isJsonObject } from '../../machinery/json';
import { JsonNumber, type Json, type JsonObject } from '../../machinery/object';

const empty: JsonObject = {};

/** The object at a path; an empty one if there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(value, ...path);
  return isJsonObject(found) ? found : empty;
}

/** The list at a path; an empty one if there is none. */
export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(value, ...path);
  return isJsonArray(found) ? found : [];
}

/** The string at a path; empty if there is none. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The number at a path; undefined if there is none. */
export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = valueAt(value, ...path);
  if (found instanceof JsonNumber) return Number(found.text);
  return typeof found === 'number' ? found : undefined;
}

/** Whether there is `true` at a path. */
export function isTrueAt(value: Json | undefined, ...path: readonly string[]): boolean {
  return valueAt(value, ...path) === true;
}

/** Whatever is at a path; null counts as nothing. */
export function valueAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) {
    if (!isJsonObject(found)) return undefined;
    found = found[name];
  }
  return found ?? undefined;
}

/** The object without some of its fields. */
export function withoutFields(object: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** A value as a field selector compares it: numbers and booleans as text, absent as empty. */
export function selectableText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return '';
}
