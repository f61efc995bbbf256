/**
 * The current column: the newest state of every live key, in key order, with its value. A list of
 * the present is one sequential scan of it; there is no index in memory.
 *
 *   key    10 ‖ key
 *   body   varint create · varint mod · varint modSub · varint version · lease · value
 */
import { assert } from '../../base/assert';
import { crc32 } from '../../base/crc32';
import { addHash128, hash128, subtractHash128, type Hash128 } from '../../base/hash128';
import { NO_ID, writeHexId } from '../../base/hex-id';
import { writeVarint } from '../../base/varint';
import type { KeyValue, Revision } from '../kv';
import { decodeBody } from './checked-record';
import { NAMESPACE } from './keyspace';

/** A live key as the engine has it. */
export interface CurrentRecord {
  readonly keyValue: KeyValue;
  /** Which change of its revision wrote it. */
  readonly modSub: number;
  readonly engineKey: Uint8Array;
  readonly engineValue: Uint8Array;
}

/** What a record says, before it has bytes. */
export type CurrentFields = KeyValue & { readonly modSub: number };

/** Four varints of at most 8 bytes, a lease, a checksum. */
const OVERHEAD_BYTES_MAX = 4 * 8 + 9 + 4;
const SLAB_BYTES = 32 * 1024;

/**
 * Makes records whose bytes are their own: they outlive the log entry that brought them, in caches
 * and watch queues. Small ones share slabs that hold nothing else (R94).
 */
export class CurrentRecordMaker {
  #slab = new Uint8Array(0);
  #used = 0;

  make(fields: CurrentFields): CurrentRecord {
    const { key, value } = fields;
    const most = 1 + key.length + OVERHEAD_BYTES_MAX + value.length;
    const isLarge = most > SLAB_BYTES / 4;
    if (!isLarge) this.#makeRoom(most);
    const bytes = isLarge ? new Uint8Array(most) : this.#slab;
    const start = isLarge ? 0 : this.#used;
    bytes[start] = NAMESPACE.current;
    const keyStart = start + 1;
    bytes.set(key, keyStart);
    const bodyStart = keyStart + key.length;
    let at = writeVarint(bytes, bodyStart, fields.createRevision);
    at = writeVarint(bytes, at, fields.modRevision);
    at = writeVarint(bytes, at, fields.modSub);
    at = writeVarint(bytes, at, fields.version);
    if (fields.leaseId === NO_ID) bytes[at++] = 0;
    else {
      bytes[at++] = 1;
      writeHexId(bytes, at, fields.leaseId);
      at += 8;
    }
    const valueStart = at;
    bytes.set(value, at);
    at += value.length;
    writeU32(bytes, at, crc32(bytes.subarray(start, at)));
    at += 4;
    assert(at <= start + most, 'a record fits into what was reserved for it', { at, most });
    if (!isLarge) this.#used = at;
    return {
      keyValue: {
        key: bytes.subarray(keyStart, bodyStart),
        value: bytes.subarray(valueStart, valueStart + value.length),
        createRevision: fields.createRevision,
        modRevision: fields.modRevision,
        version: fields.version,
        leaseId: fields.leaseId,
      },
      modSub: fields.modSub,
      engineKey: bytes.subarray(start, bodyStart),
      engineValue: bytes.subarray(bodyStart, at),
    };
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    this.#slab = new Uint8Array(SLAB_BYTES);
    this.#used = 0;
  }
}

/** Checks and reads a record of the current column. */
export function decodeCurrent(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): CurrentRecord {
  return decodeBody(location, engineKey, engineValue, (body) => {
    const createRevision = body.next() as Revision;
    const modRevision = body.next() as Revision;
    const modSub = body.next();
    const version = body.next();
    const leaseId = body.optionalId();
    const keyValue = {
      key: engineKey.subarray(1),
      value: body.rest(),
      createRevision,
      modRevision,
      version,
      leaseId,
    };
    return { keyValue, modSub, engineKey, engineValue };
  });
}

const lanes: Hash128 = new Int32Array(4);

/** Adds a record to a state hash (spec: store 6, point 3). */
export function addToStateHash(sum: Hash128, record: CurrentRecord): void {
  hashRecord(record);
  addHash128(sum, lanes);
}

/** Takes a record out of a state hash. */
export function removeFromStateHash(sum: Hash128, record: CurrentRecord): void {
  hashRecord(record);
  subtractHash128(sum, lanes);
}

/** Key, then body: the encoding is canonical, so equal states have equal bytes. */
function hashRecord(record: CurrentRecord): void {
  lanes.fill(0);
  hash128(record.engineKey, lanes);
  hash128(record.engineValue, lanes);
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
