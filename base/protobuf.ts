/**
 * The one door to protobufjs: its wire reader and writer, with 64-bit fields as safe integers or
 * hex ids instead of Long objects or doubles (R90). protobufjs's global configuration is left
 * alone, since an embedding program may share it. Codecs are written by hand on these two classes;
 * a `.proto` beside each says the same, and its test compares the bytes.
 */
import { Reader, Writer } from 'protobufjs/minimal';
import { hexIdFromBytes, writeHexId } from './hex-id';
import { isCounter } from './safe-integer';
import { VarintReader } from './varint';

/** Wire types of the protobuf encoding. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Writes fields; zero values are left out, as proto3 does. */
export class ProtoWriter {
  readonly #writer = Writer.create();

  /** A counter as `uint64`. */
  counter(field: number, value: number): this {
    if (!isCounter(value)) {
      throw new RangeError(`Cannot encode field ${String(field)}: received ${String(value)}`);
    }
    if (value !== 0) this.#writer.uint32(tag(field, WIRE.varint)).uint64(value);
    return this;
  }

  /** A boolean. */
  flag(field: number, value: boolean): this {
    if (value) this.#writer.uint32(tag(field, WIRE.varint)).bool(true);
    return this;
  }

  /** An id as `fixed64`, big-endian bytes of the id reversed as the encoding asks. */
  id(field: number, id: string): this {
    const bytes = new Uint8Array(8);
    writeHexId(bytes, 0, id);
    if (bytes.every((byte) => byte === 0)) return this;
    bytes.reverse();
    const view = new DataView(bytes.buffer);
    this.#writer.uint32(tag(field, WIRE.fixed64));
    this.#writer.fixed64({
      low: view.getInt32(0, true),
      high: view.getInt32(4, true),
      unsigned: true,
    });
    return this;
  }

  /** A byte string; empty ones are left out. */
  bytes(field: number, value: Uint8Array): this {
    if (value.length > 0) this.#writer.uint32(tag(field, WIRE.bytes)).bytes(value);
    return this;
  }

  /** A byte string, also when empty: for optional fields, repeated fields and oneofs. */
  bytesAlways(field: number, value: Uint8Array): this {
    this.#writer.uint32(tag(field, WIRE.bytes)).bytes(value);
    return this;
  }

  /** A text; empty ones are left out. */
  text(field: number, value: string): this {
    if (value !== '') this.#writer.uint32(tag(field, WIRE.bytes)).string(value);
    return this;
  }

  /** A nested message, also when empty. */
  message(field: number, write: (writer: ProtoWriter) => void): this {
    const nested = new ProtoWriter();
    write(nested);
    return this.bytesAlways(field, nested.finish());
  }

  /** The encoded message; the writer is spent afterwards. */
  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

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
    const bytes = Uint8Array.from(reader.buf.subarray(reader.pos, reader.pos + 8)).reverse();
    reader.pos += 8;
    return hexIdFromBytes(bytes);
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

function tag(field: number, wireType: number): number {
  return ((field << 3) | wireType) >>> 0;
}
