/**
 * Objects to stored bytes and back (K2, K78). Stored is canonical JSON: kind, apiVersion, metadata
 * first, every other name in order, no resourceVersion, so that equal objects have equal bytes
 * (K44). Read back, the revision is spliced into the bytes: nothing is serialised again to answer
 * a request, and an answer is made of the very bytes the cache holds.
 *
 *   stored   {"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{}}
 *   served   {"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"},…
 */
import { assert, InvariantError } from '../../base/assert';
import { equalBytes, utf8 } from '../../base/bytes';
import type { Revision } from '../../store/index';
import { isJsonObject, parseTrustedJson } from '../machinery/json';
import { JsonNumber, type Json, type JsonObject, type KubernetesObject } from '../machinery/object';
import { resourceVersionOf } from './resource-version';
import type { StoredObject } from './storage';

const HEAD = /^\{"kind":"[^"\\]*","apiVersion":"[^"\\]*","metadata":\{/;
/** Kind, apiVersion and punctuation of the longest group and kind names fit well into this. */
const HEAD_BYTES_MAX = 512;

/** A stored value that is not an object (K81). */
export class UndecodableValue extends Error {}

/** Bytes with the place of the spliced resourceVersion, which is `length` bytes at `offset`. */
interface Splice {
  readonly json: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** An object as bytes, parsed when asked. The parsed form lives as long as somebody holds it. */
export class EncodedObject implements StoredObject {
  readonly path: string;
  readonly revision: Revision;
  readonly json: Uint8Array;
  readonly #offset: number;
  readonly #length: number;
  /** Whether the stored bytes are what this server would write (else an update writes, K78). */
  readonly #isCanonical: boolean;
  #parsed: WeakRef<KubernetesObject> | undefined;

  constructor(path: string, revision: Revision, splice: Splice, isCanonical: boolean) {
    this.path = path;
    this.revision = revision;
    this.json = splice.json;
    this.#offset = splice.offset;
    this.#length = splice.length;
    this.#isCanonical = isCanonical;
  }

  get resourceVersion(): string {
    return this.revision === 0 ? '' : resourceVersionOf(this.revision);
  }

  get object(): KubernetesObject {
    const parsed = this.#parsed?.deref();
    if (parsed !== undefined) return parsed;
    const object = parseObject(this.json);
    this.#parsed = new WeakRef(object);
    return object;
  }

  /** Whether storing `value` would change nothing (K44). */
  isStoredAs(value: Uint8Array): boolean {
    if (!this.#isCanonical || value.length !== this.json.length - this.#length) return false;
    const end = this.#offset + this.#length;
    return (
      equalBytes(value.subarray(0, this.#offset), this.json.subarray(0, this.#offset)) &&
      equalBytes(value.subarray(this.#offset), this.json.subarray(end))
    );
  }

  /** The same state under another revision: a deletion carries its own (K18). */
  withRevision(revision: Revision): EncodedObject {
    const end = this.#offset + this.#length;
    const parts = [this.json.subarray(0, this.#offset), this.json.subarray(end)] as const;
    return new EncodedObject(
      this.path,
      revision,
      join(parts[0], revision, parts[1]),
      this.#isCanonical,
    );
  }
}

function join(head: Uint8Array, revision: Revision, tail: Uint8Array): Splice {
  const isEmpty = tail[0] === 0x7d;
  const text = revision === 0 ? '' : `"resourceVersion":"${String(revision)}"`;
  const length = text === '' ? 0 : text.length + (isEmpty ? 0 : 1);
  const json = new Uint8Array(head.length + length + tail.length);
  json.set(head);
  for (let at = 0; at < text.length; at++) json[head.length + at] = text.charCodeAt(at);
  if (length > text.length) json[head.length + text.length] = 0x2c;
  json.set(tail, head.length + length);
  return { json, offset: head.length, length };
}

function parseObject(json: Uint8Array): KubernetesObject {
  const value = parseStored(json);
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) {
    throw new UndecodableValue('Cannot decode a stored value as an object');
  }
  return value as KubernetesObject;
}

function parseStored(json: Uint8Array): Json {
  try {
    return parseTrustedJson(json);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    throw new UndecodableValue('Cannot decode a stored value as JSON', { cause: error });
  }
}

/** Where the members of metadata begin, or 0 if the bytes do not begin as this server writes. */
function headLength(value: Uint8Array): number {
  const length = Math.min(value.length, HEAD_BYTES_MAX);
  const text = Buffer.from(value.buffer, value.byteOffset, length).toString('latin1');
  return HEAD.exec(text)?.[0].length ?? 0;
}

/** A stored value read: the object, and its parsed form for the reader's use. */
export interface Decoded {
  readonly encoded: EncodedObject;
  readonly parsed: KubernetesObject;
}

/**
 * Reads a stored value; the bytes are copied. Throws {@link UndecodableValue}. The parsed form is
 * not kept in the object: a cache that is being filled would hold all of them at once otherwise.
 */
export function decodeStored(path: string, value: Uint8Array, revision: Revision): Decoded {
  const canonicalHead = headLength(value);
  const bytes = canonicalHead > 0 ? value : encodeForStore(parseObject(value));
  const head = canonicalHead > 0 ? canonicalHead : headLength(bytes);
  if (head === 0) throw new UndecodableValue('Cannot decode a stored value without its kind');
  const splice = join(bytes.subarray(0, head), revision, bytes.subarray(head));
  const parsed = parseObject(splice.json);
  return { encoded: new EncodedObject(path, revision, splice, canonicalHead > 0), parsed };
}

/** An object that this server has just written: the bytes are known to be good. */
export function writtenObject(path: string, value: Uint8Array, revision: Revision): EncodedObject {
  const head = headLength(value);
  assert(head > 0, 'a value that is written has kind, apiVersion and metadata', { path });
  const splice = join(value.subarray(0, head), revision, value.subarray(head));
  return new EncodedObject(path, revision, splice, true);
}

/** The canonical bytes of an object; its resourceVersion is left out (K2). */
export function encodeForStore(object: KubernetesObject): Uint8Array {
  const { kind = '', apiVersion = '', metadata } = object;
  const parts = [`{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}`];
  parts.push(`,"metadata":${text(withoutResourceVersion(metadata))}`);
  for (const name of Object.keys(object).sort()) {
    const value = object[name];
    if (value === undefined || HEAD_NAMES.has(name)) continue;
    parts.push(`,${JSON.stringify(name)}:${text(value)}`);
  }
  parts.push('}');
  return utf8(parts.join(''));
}

const HEAD_NAMES = new Set(['kind', 'apiVersion', 'metadata']);

function withoutResourceVersion(metadata: JsonObject): JsonObject {
  return { ...metadata, resourceVersion: undefined };
}

/** JSON with names in order, so that it depends on the content alone. */
function text(value: Json): string {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => text(item)).join(',')}]`;
  const members: string[] = [];
  const object = value as JsonObject;
  for (const name of Object.keys(object).sort()) {
    const member = object[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${text(member)}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * The bytes of an object as an item of a list of a built-in type, which omits kind and apiVersion
 * (K9): what follows an opening brace that the caller writes. No copy.
 */
export function withoutKind(json: Uint8Array): Uint8Array {
  const head = headLength(json);
  assert(head > 0, 'served bytes begin with kind, apiVersion and metadata', { head });
  return json.subarray(head - '"metadata":{'.length);
}
