/**
 * Records of the engine: value = body ‖ crc32(full key ‖ body), so that rot is found, and also a
 * good value that turned up under the wrong key (spec: store 2.1, 6). The engine checks nothing
 * of this: with classic-level a flipped byte in a table file is returned as a good value.
 */
import { assert } from '../../base/assert';
import { bytesId } from '../../base/bytes';
import { crc32 } from '../../base/crc32';
import { hexIdFromBytes, NO_ID, writeHexId } from '../../base/hex-id';
import { writeU64 } from '../../base/safe-integer';
import { VarintReader, writeVarint } from '../../base/varint';
import { storeError, type StoreError } from '../errors';

const CRC_BYTES = 4;

/** Where encoded records go. Both byte strings are copied at once. */
export interface RecordSink {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

/**
 * Builds key and value of one record after the other in one buffer: `key`, its fields, `body`, its
 * fields, then `putInto`. One pass of the checksum covers both, and nothing is allocated.
 */
export class RecordWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #bodyStart = 0;

  /** Starts a record; what follows belongs to its key. */
  key(namespace: number): this {
    this.#length = 0;
    this.#bodyStart = 0;
    return this.u8(namespace);
  }

  /** Ends the key; what follows belongs to the body. */
  body(): this {
    this.#bodyStart = this.#length;
    return this;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  u64(value: number): this {
    this.#reserve(8);
    writeU64(this.#view, this.#length, value);
    this.#length += 8;
    return this;
  }

  varint(value: number): this {
    this.#reserve(8);
    if (value < 0x80 && value >= 0) this.#bytes[this.#length++] = value;
    else this.#length = writeVarint(this.#bytes, this.#length, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Length, then bytes. */
  lengthAndRaw(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  /** One byte for "none", nine for an id. */
  optionalId(id: string): this {
    if (id === NO_ID) return this.u8(0);
    return this.u8(1).id(id);
  }

  /** Eight bytes. */
  id(id: string): this {
    this.#reserve(8);
    writeHexId(this.#bytes, this.#length, id);
    this.#length += 8;
    return this;
  }

  /** Lets `write` write at most `bytes` bytes itself; it returns the offset after them. */
  write(bytes: number, write: (target: Uint8Array, offset: number) => number): this {
    this.#reserve(bytes);
    this.#length = write(this.#bytes, this.#length);
    return this;
  }

  /** A view on the body so far, valid until the next call. */
  bodySoFar(): Uint8Array {
    return this.#bytes.subarray(this.#bodyStart, this.#length);
  }

  /** Adds the checksum and hands the record over. */
  putInto(sink: RecordSink): void {
    const { key, value } = this.finish();
    sink.put(key, value);
  }

  /** The record as views on the buffer, valid until the next call. */
  finish(): { readonly key: Uint8Array; readonly value: Uint8Array } {
    assert(this.#bodyStart > 0, 'a record has a key before its body');
    this.u32(crc32(this.#bytes.subarray(0, this.#length)));
    return {
      key: this.#bytes.subarray(0, this.#bodyStart),
      value: this.#bytes.subarray(this.#bodyStart, this.#length),
    };
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads fields of a body, in the order they were written. */
export class BodyReader extends VarintReader {
  u8(): number {
    const byte = this.bytes[this.offset++];
    if (byte === undefined) throw new RangeError('Cannot read a byte: the body ends before it');
    return byte;
  }

  u32(): number {
    const at = this.offset;
    this.offset += 4;
    if (this.offset > this.bytes.length) throw new RangeError('Cannot read a u32: body too short');
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(at);
  }

  optionalId(): string {
    return this.u8() === 0 ? NO_ID : this.id();
  }

  id(): string {
    const id = hexIdFromBytes(this.bytes, this.offset);
    this.offset += 8;
    return id;
  }

  /** The next `length` bytes, a view. */
  raw(length: number): Uint8Array {
    const start = this.offset;
    this.offset += length;
    if (this.offset > this.bytes.length) throw new RangeError('Cannot read bytes: body too short');
    return this.bytes.subarray(start, this.offset);
  }

  /** All that is left, a view. */
  rest(): Uint8Array {
    return this.raw(this.bytes.length - this.offset);
  }
}

/**
 * Checks a record as it came from the engine at `location` and returns its body, a view. Throws
 * `STORE_CORRUPT`, saying where and what to do, if key and value do not belong together.
 */
export function checkedBody(location: string, key: Uint8Array, value: Uint8Array): Uint8Array {
  const length = value.length - CRC_BYTES;
  if (length >= 0) {
    const body = value.subarray(0, length);
    const stored =
      ((value[length] as number) * 0x100_0000 +
        ((value[length + 1] as number) << 16) +
        ((value[length + 2] as number) << 8) +
        (value[length + 3] as number)) >>>
      0;
    if (crc32(body, crc32(key)) === stored) return body;
  }
  throw corrupt(location, `record ${describeKey(key)} does not match its checksum`);
}

/** Reads a checked body; bytes that do not decode are damage too. */
export function decodeBody<T>(
  location: string,
  key: Uint8Array,
  value: Uint8Array,
  decode: (body: BodyReader) => T,
): T {
  const body = checkedBody(location, key, value);
  try {
    return decode(new BodyReader(body));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw corrupt(location, `record ${describeKey(key)} cannot be decoded`, error);
  }
}

/** The failure of a damaged engine directory. Never repaired in place: guessing hides loss. */
export function corrupt(location: string, what: string, cause?: unknown): StoreError {
  return storeError(
    'STORE_CORRUPT',
    `Cannot trust the store in ${location} as it is damaged: ${what}. Nothing was changed. ` +
      'Keep a copy and leave this member stopped: the others serve while they are a majority. ' +
      'Rebuilding it from them needs snapshots, which this version does not have',
    cause === undefined ? { details: { location } } : { details: { location }, cause },
  );
}

/** A key for messages: printable characters as they are, the rest in hex. */
export function describeKey(key: Uint8Array): string {
  const text = bytesId(key.subarray(1, 200)).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `${(key[0] ?? 0).toString(16).padStart(2, '0')} "${text}"`;
}
