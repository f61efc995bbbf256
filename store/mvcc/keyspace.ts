/**
 * The namespaces of the engine and their keys (docs/keyspace.md): the one place that knows the
 * first byte. Numbers in keys are big-endian, so that byte order is numeric order; `u64` of a
 * complement puts the newest first.
 *
 *   00 name                                   meta
 *   01 u64(lastIndex)                         journal
 *   10 key                                    current column
 *   20 u64(main) u32(sub)                     revision log
 *   30 esc(key) 00 01 u64(~main) u32(~sub)    history
 *   40 u64(supMain) u32(supSub)               garbage queue
 *   50 u64(leaseId)   51 u64(leaseId) key     leases and the keys attached to them
 */
import { assert } from '../../base/assert';
import { prefixRangeEnd, utf8 } from '../../base/bytes';
import { hexIdFromBytes, writeHexId } from '../../base/hex-id';
import { isCounter } from '../../base/safe-integer';
import type { KeyRange, Revision } from '../kv';

/** First bytes of engine keys. */
export const NAMESPACE = {
  meta: 0x00,
  journal: 0x01,
  current: 0x10,
  revisionLog: 0x20,
  history: 0x30,
  garbage: 0x40,
  lease: 0x50,
  leaseKey: 0x51,
} as const;

/** What an engine range is made of; as `EngineRange`, which lives a floor above. */
export interface Bounds {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** Bytes of a revision in a key. */
export const REVISION_BYTES = 12;

const U32_MAX = 0xffff_ffff;
const TWO_32 = 2 ** 32;

/** `00 name`. */
export function metaKey(name: string): Uint8Array {
  return prefixed(NAMESPACE.meta, utf8(name));
}

/** `01 u64(lastIndex)`. */
export function journalKey(lastIndex: number): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = NAMESPACE.journal;
  writeU64(key, 1, lastIndex);
  return key;
}

/** `10 key`. */
export function currentKey(key: Uint8Array): Uint8Array {
  return prefixed(NAMESPACE.current, key);
}

/** The engine's part that holds the current column of a range of keys. */
export function currentBounds(range: KeyRange): Bounds {
  return {
    start: currentKey(range.start),
    end: range.end === undefined ? after(NAMESPACE.current) : currentKey(range.end),
  };
}

/** `20 u64(main) u32(sub)`. */
export function revisionLogKey(main: number, sub: number): Uint8Array {
  return revisionKey(NAMESPACE.revisionLog, main, sub);
}

/** `40 u64(supMain) u32(supSub)`. */
export function garbageKey(main: number, sub: number): Uint8Array {
  return revisionKey(NAMESPACE.garbage, main, sub);
}

/** All records of a namespace with `from` <= main < `to`; without `to`, to the namespace's end. */
export function revisionBounds(namespace: number, from: number, to?: number): Bounds {
  const start = revisionKey(namespace, from, 0);
  return { start, end: to === undefined ? after(namespace) : revisionKey(namespace, to, 0) };
}

/** The revision of a key of the revision log or the garbage queue. */
export function revisionOfKey(engineKey: Uint8Array): { main: Revision; sub: number } {
  assert(engineKey.length === 1 + REVISION_BYTES, 'a revision key has 13 bytes', {
    length: engineKey.length,
  });
  const main = readU32(engineKey, 1) * TWO_32 + readU32(engineKey, 5);
  assert(isCounter(main), 'a stored revision is a safe integer', { main });
  return { main: main as Revision, sub: readU32(engineKey, 9) };
}

/** `30 esc(key) 00 01 u64(~main) u32(~sub)`. */
export function historyKey(key: Uint8Array, main: number, sub: number): Uint8Array {
  const length = 1 + escapedLength(key) + REVISION_BYTES;
  const engineKey = new Uint8Array(length);
  engineKey[0] = NAMESPACE.history;
  const at = writeEscaped(engineKey, 1, key);
  writeInverted(engineKey, at, main, sub);
  return engineKey;
}

/** The engine's part that holds the history of a range of keys. */
export function historyBounds(range: KeyRange): Bounds {
  return {
    start: escapedPrefix(range.start),
    end: range.end === undefined ? after(NAMESPACE.history) : escapedPrefix(range.end),
  };
}

/** The parts of a history key. */
export function parseHistoryKey(engineKey: Uint8Array): {
  key: Uint8Array;
  main: Revision;
  sub: number;
} {
  const end = engineKey.length - REVISION_BYTES;
  const main =
    (U32_MAX - readU32(engineKey, end)) * TWO_32 + (U32_MAX - readU32(engineKey, end + 4));
  assert(isCounter(main), 'a stored revision is a safe integer', { main });
  const sub = U32_MAX - readU32(engineKey, end + 8);
  return { key: unescape(engineKey.subarray(1, end - 2)), main: main as Revision, sub };
}

/** `50 u64(leaseId)`. */
export function leaseKey(leaseId: string): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = NAMESPACE.lease;
  writeHexId(key, 1, leaseId);
  return key;
}

/** The id in a lease's key. */
export function leaseIdOfKey(engineKey: Uint8Array): string {
  return hexIdFromBytes(engineKey, 1);
}

/** `51 u64(leaseId) key`. */
export function leaseAttachmentKey(leaseId: string, key: Uint8Array): Uint8Array {
  const engineKey = new Uint8Array(9 + key.length);
  engineKey[0] = NAMESPACE.leaseKey;
  writeHexId(engineKey, 1, leaseId);
  engineKey.set(key, 9);
  return engineKey;
}

/** The engine's part that names the keys attached to a lease. */
export function leaseAttachmentBounds(leaseId: string): Bounds {
  const start = leaseAttachmentKey(leaseId, new Uint8Array(0));
  return { start, end: prefixRangeEnd(start) };
}

/** The key in an attachment's key. */
export function keyOfLeaseAttachment(engineKey: Uint8Array): Uint8Array {
  return engineKey.subarray(9);
}

/** A whole namespace. */
export function namespaceBounds(namespace: number): Bounds {
  return { start: Uint8Array.of(namespace), end: after(namespace) };
}

/** How many bytes {@link writeEscaped} writes. */
export function escapedLength(key: Uint8Array): number {
  let length = key.length + 2;
  for (let i = 0; i < key.length; i++) if (key[i] === 0) length += 1;
  return length;
}

/**
 * Writes `key` so that the order of keys survives a suffix: 00 becomes 00 FF, and 00 01 ends it
 * (00 01 < 00 FF < any other continuation). Returns the offset after it.
 */
export function writeEscaped(target: Uint8Array, offset: number, key: Uint8Array): number {
  let at = offset;
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    target[at++] = byte;
    if (byte === 0) target[at++] = 0xff;
  }
  target[at++] = 0;
  target[at++] = 1;
  return at;
}

/** Writes `u64(~main) u32(~sub)`: the newest version sorts first. */
export function writeInverted(target: Uint8Array, offset: number, main: number, sub: number): void {
  writeU32(target, offset, ~Math.floor(main / TWO_32));
  writeU32(target, offset + 4, ~(main % TWO_32));
  writeU32(target, offset + 8, ~sub);
}

/** Where the history of keys from `key` on begins: its escaped form without the terminator. */
function escapedPrefix(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + escapedLength(key));
  bytes[0] = NAMESPACE.history;
  const end = writeEscaped(bytes, 1, key);
  return bytes.subarray(0, end - 2);
}

function unescape(escaped: Uint8Array): Uint8Array {
  if (!escaped.includes(0)) return escaped;
  const key = new Uint8Array(escaped.length);
  let length = 0;
  for (let i = 0; i < escaped.length; i++) {
    const byte = escaped[i] as number;
    key[length++] = byte;
    if (byte === 0) i += 1;
  }
  return key.subarray(0, length);
}

function revisionKey(namespace: number, main: number, sub: number): Uint8Array {
  const key = new Uint8Array(1 + REVISION_BYTES);
  key[0] = namespace;
  writeU64(key, 1, main);
  writeU32(key, 9, sub);
  return key;
}

function prefixed(namespace: number, rest: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + rest.length);
  key[0] = namespace;
  key.set(rest, 1);
  return key;
}

function after(namespace: number): Uint8Array {
  return Uint8Array.of(namespace + 1);
}

/** Bytes one by one: making a `DataView` for each key costs more than writing the key. */
function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function writeU64(bytes: Uint8Array, at: number, value: number): void {
  assert(isCounter(value), 'a stored counter is a safe integer', { value });
  writeU32(bytes, at, Math.floor(value / TWO_32));
  writeU32(bytes, at + 4, value % TWO_32);
}

function readU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return high * 2 ** 16 + low;
}
