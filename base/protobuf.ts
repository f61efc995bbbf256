/**
 * The one door to protobufjs: its wire reader, with 64-bit fields as safe integers or
 * hex ids instead of Long objects or doubles (R90). protobufjs's global configuration is left
 * alone, since an embedding program may share it. Codecs are written by hand on this class and
 * `proto-writer.ts`; a `.proto` beside each says the same, and its test compares the bytes.
 */
import { Reader } from 'protobufjs/minimal';
import { hexIdFromReversed } from './hex-id';
import { VarintReader } from './varint';

/** Wire types of the protobuf encoding. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Reads fields in a loop of `while (reader.next()) switch (reader.field)`. Byte strings are views
 * on the input: copy before keeping them (R94). Malformed input throws a `RangeError`.
 */
export class ProtoReader {
  readonly #reader: Reader;
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new Reader(bytes);
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    const reader = this.#reader;
    if (reader.pos >= reader.len) return false;
    const key = reader.uint32();
    this.field = key >>> 3;
    this.wireType = key & 7;
    if (this.field === 0) throw new RangeError('Cannot decode a message with field number 0');
    if (this.wireType > WIRE.fixed32 || this.wireType === 3 || this.wireType === 4) {
      throw new RangeError(`Cannot decode a message with wire type ${this.wireType}`);
    }
    return true;
  }

  counter(): number {
    this.#expect(WIRE.varint);
    // Read by hand: protobufjs would make a Long of it, or a number that may be rounded.
    const varint = new VarintReader(this.#reader.buf, this.#reader.pos);
    const value = varint.next();
    if (varint.offset > this.#reader.len) {
      throw new RangeError(`Cannot decode field ${String(this.field)}: input too short`);
    }
    this.#reader.pos = varint.offset;
    return value;
  }

  flag(): boolean {
    this.#expect(WIRE.varint);
    return this.#reader.bool();
  }

  id(): string {
    this.#expect(WIRE.fixed64);
    const reader = this.#reader;
    if (reader.pos + 8 > reader.len) throw new RangeError('Cannot decode an id: input too short');
    reader.pos += 8;
    return hexIdFromReversed(reader.buf, reader.pos - 8);
  }

  /** A view on the input. */
  bytes(): Uint8Array {
    this.#expect(WIRE.bytes);
    const reader = this.#reader;
    const length = reader.uint32();
    if (reader.pos + length > reader.len) {
      throw new RangeError(`Cannot decode field ${String(this.field)}: input too short`);
    }
    const start = reader.pos;
    reader.pos += length;
    return reader.buf.subarray(start, start + length);
  }

  text(): string {
    this.#expect(WIRE.bytes);
    return this.#reader.string();
  }

  /** A reader of the nested message. */
  message(): ProtoReader {
    return new ProtoReader(this.bytes());
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    this.#reader.skipType(this.wireType);
  }

  /** Refuses a field that this version does not know, where skipping it would be divergence. */
  refuse(message: string): never {
    throw new RangeError(`Cannot decode ${message}: unknown field ${String(this.field)}`);
  }

  #expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new RangeError(
        `Cannot decode field ${String(this.field)}: received wire type ${String(this.wireType)}`,
      );
    }
  }
}
