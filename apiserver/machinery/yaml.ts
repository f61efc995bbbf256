/** YAML bodies (K30, K32). */
import { parseJson, type JsonParseResult } from './json';
import type { Json } from './object';

/** Parses the first document of a YAML body into the value its JSON form would have. */
export function parseYaml(bytes: Uint8Array): JsonParseResult {
  return parseJson(bytes);
}

/** The YAML text of a value. */
export function stringifyYaml(value: Json): string {
  return JSON.stringify(value);
}
