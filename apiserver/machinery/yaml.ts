/**
 * YAML in and out (K30, K32). A body means what its JSON form would mean; booleans are YAML 1.1's
 * (`on`, `yes`), as kubectl and Kubernetes read them, and duplicate keys are reported as in JSON.
 */
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  parseAllDocuments,
  stringify,
  type Document,
  type Node,
} from 'yaml';
import { isJsonArray, isJsonObject, type JsonParseResult } from './json';
import { fieldPath, jsonDepthMax, numberOf, setField } from './json-parser';
import { JsonNumber, type Json } from './object';
import { isYamlTooDeep } from './yaml-depth';

/** Aliases may be resolved this often: a small text could else become a huge object. */
const aliasesMax = 100;

const decoder = new TextDecoder();

/** Parses the first document of a YAML body into the value its JSON form would have. */
export function parseYaml(bytes: Uint8Array): JsonParseResult {
  const text = decoder.decode(bytes);
  if (isYamlTooDeep(new Lexer().lex(text))) {
    return { kind: 'invalid', message: 'yaml: exceeded max depth', offset: 0 };
  }
  const documents = parseAllDocuments(text, {
    version: '1.1',
    // As in k8s: timestamps, binaries, sets and numbers to base 60 are just text.
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || isPlain(tag)),
    merge: false, // Done by hand: the library's merge hides duplicates.
    uniqueKeys: false,
    intAsBigInt: true,
    logLevel: 'silent',
  });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (document === undefined) return { kind: 'parsed', value: null, duplicateFields: [] };
  const error = document.errors[0];
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    const reason = error.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? '';
    const place = line === undefined ? '' : `line ${String(line)}: `;
    return { kind: 'invalid', message: `yaml: ${place}${reason}`, offset: error.pos[0] };
  }
  return new YamlReader(document).read();
}

function isPlain(tag: { readonly tag: string; readonly format?: string }): boolean {
  return tag.format !== 'TIME' && !/:(timestamp|binary|omap|pairs|set|merge)$/.test(tag.tag);
}

class YamlError extends Error {
  override readonly name = 'YamlError';
}

class YamlReader {
  readonly #document: Document;
  readonly #path: (string | number)[] = [];
  readonly #duplicateFields: string[] = [];
  #aliases = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  read(): JsonParseResult {
    try {
      const value = this.#value(this.#document.contents);
      return { kind: 'parsed', value, duplicateFields: this.#duplicateFields };
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      return { kind: 'invalid', message: `yaml: ${error.message}`, offset: 0 };
    }
  }

  #value(node: unknown): Json {
    if (this.#path.length > jsonDepthMax) throw new YamlError('exceeded max depth');
    if (node === null || node === undefined) return null;
    if (isAlias(node)) {
      this.#aliases++;
      if (this.#aliases > aliasesMax) throw new YamlError('document contains excessive aliasing');
      return this.#value(node.resolve(this.#document));
    }
    if (isMap(node)) return this.#map(node.items);
    if (isSeq(node)) {
      return node.items.map((item, index) => this.#at(index, () => this.#value(item)));
    }
    if (isScalar(node)) return scalarValue(node.value, node.source);
    throw new YamlError('the document is neither a map, a list nor a scalar');
  }

  #map(items: readonly unknown[]): Json {
    const object: Record<string, Json> = {};
    const merged: Json[] = [];
    for (const pair of items) {
      if (!isPair(pair)) continue;
      if (isScalar(pair.key) && pair.key.source === '<<' && pair.key.type === 'PLAIN') {
        merged.push(this.#value(pair.value));
        continue;
      }
      const name = keyText(pair.key as Node | null);
      this.#at(name, () => {
        if (Object.hasOwn(object, name)) this.#duplicateFields.push(fieldPath(this.#path));
        setField(object, name, this.#value(pair.value));
      });
    }
    // What a map says itself goes before what it merges in.
    for (const source of merged.flatMap((each) => (isJsonArray(each) ? each : [each]))) {
      if (!isJsonObject(source)) throw new YamlError('map merge requires map or sequence of maps');
      for (const [name, value] of Object.entries(source)) {
        if (!Object.hasOwn(object, name)) setField(object, name, value ?? null);
      }
    }
    return object;
  }

  #at<Result>(step: string | number, run: () => Result): Result {
    this.#path.push(step);
    const result = run();
    this.#path.pop();
    return result;
  }
}

function keyText(key: Node | null): string {
  if (!isNode(key)) return String(key);
  if (!isScalar(key)) throw new YamlError('a key of a map is not a scalar');
  const { value } = key;
  return typeof value === 'string' ? value : (key.source ?? String(value));
}

function scalarValue(value: unknown, source: string | undefined): Json {
  switch (typeof value) {
    case 'bigint':
      return numberOf(value.toString(), true);
    case 'number':
      if (Number.isFinite(value)) return value;
      return source ?? String(value);
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined ? null : (source ?? '');
  }
}

/** The YAML text of a value. */
export function stringifyYaml(value: Json): string {
  // Version 1.1 quotes what its readers would take for a boolean or a number.
  return stringify(plain(value), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** Big numbers become bigints, which the library writes as digits. */
function plain(value: Json): unknown {
  if (value instanceof JsonNumber) return BigInt(value.text);
  if (isJsonArray(value)) return value.map(plain);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, plain(field ?? null)]));
}
