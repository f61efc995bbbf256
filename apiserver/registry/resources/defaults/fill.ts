/** How defaults are filled in: only where a field is absent, at the place and order of the rest. */
import { isJsonArray, isJsonObject } from '../../../machinery/json';
import type { Json, JsonObject, KubernetesObject } from '../../../machinery/object';

/** Fills in one object; returns the same object if nothing is missing. */
export type Fill = (object: JsonObject) => JsonObject;

/** Sets fields that are absent. */
export function absent(defaults: JsonObject): Fill {
  return (object) => {
    const missing = Object.entries(defaults).filter(
      ([name]) => object[name] === undefined || object[name] === null,
    );
    return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
  };
}

/** Sets fields that are absent or empty text: Go cannot tell the two apart. */
export function emptyText(defaults: Readonly<Record<string, string>>): Fill {
  return (object) => {
    const missing = Object.entries(defaults).filter(([name]) => {
      const value = object[name];
      return value === undefined || value === null || value === '';
    });
    return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
  };
}

/** Goes into a field that is there. */
export function inside(name: string, ...fills: readonly Fill[]): Fill {
  return (object) => {
    const value = object[name];
    return isJsonObject(value) ? withField(object, name, all(...fills)(value)) : object;
  };
}

/** Goes into a field, making it where it is absent. */
export function ensured(name: string, ...fills: readonly Fill[]): Fill {
  return (object) => {
    const value = object[name];
    if (value !== undefined && value !== null && !isJsonObject(value)) return object;
    return withField(object, name, all(...fills)(isJsonObject(value) ? value : {}));
  };
}

/** Goes into each object of a list that is there. */
export function each(name: string, ...fills: readonly Fill[]): Fill {
  const fill = all(...fills);
  return (object) => {
    const value = object[name];
    if (!isJsonArray(value)) return object;
    return withField(
      object,
      name,
      value.map((item) => (isJsonObject(item) ? fill(item) : item)),
    );
  };
}

/** One after the other. */
export function all(...fills: readonly Fill[]): Fill {
  return (object) => fills.reduce((filled, fill) => fill(filled), object);
}

/** Only where a condition on the object holds. */
export function when(condition: (object: JsonObject) => boolean, ...fills: readonly Fill[]): Fill {
  const fill = all(...fills);
  return (object) => (condition(object) ? fill(object) : object);
}

/**
 * The fill of a whole object. Fields come out in the order that decoding gives them, so that the
 * same object has the same bytes whether a default was filled in now or came with the request
 * (K44).
 */
export function ofObject(fill: Fill): (object: KubernetesObject) => KubernetesObject {
  return (object) => inFieldOrder({ ...fill(object), metadata: object.metadata });
}

/** Kind, apiVersion and metadata first, everything else by name, at every depth. */
export function inFieldOrder(object: KubernetesObject): KubernetesObject {
  const { kind, apiVersion, metadata, ...rest } = object;
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    metadata,
    ...(sorted(rest) as JsonObject),
  };
}

/** The same value where everything is in order already. */
function sorted(value: Json): Json {
  if (isJsonArray(value)) {
    const items = value.map(sorted);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value);
  let isSame = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
  const entries = names.map((name) => {
    const field = value[name] ?? null;
    const inner = sorted(field);
    if (inner !== field) isSame = false;
    return [name, inner] as const;
  });
  if (isSame) return value;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withField(object: JsonObject, name: string, value: Json): JsonObject {
  return object[name] === value ? object : { ...object, [name]: value };
}
