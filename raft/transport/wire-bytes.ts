/**
 * Protobuf fields written into, and read from, one buffer. Frames between members carry a nested
 * message for each entry, so here lengths are computed first and everything is written once, and a
 * nested message is read without a reader of its own. The bytes are the same as protobufjs's: the
 * codec's test compares them.
 */
import { EMPTY_BYTES } from '../../base/bytes';
import { hexIdFromReversed, reverse8, writeHexId } from '../../base/hex-id';
import { isCounter } from '../../base/safe-integer';
import { VARINT_BYTES_MAX, varintLength, writeVarint } from '../../base/varint';
import { WIRE } from '../../base/protobuf';

/** Bytes of a counter field with a field number below 16; nothing for 0, as proto3 has it. */
export function counterBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

/** Bytes of a length-delimited field: its tag, its length, its content. */
export function nestedBytes(field: number, length: number): number {
  return (field < 16 ? 1 : 2) + varintLength(length) + length;
}

/** Writes fields into a buffer whose size was computed before. */
export class WireWriter {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(length: number) {
    this.bytes = length === 0 ? EMPTY_BYTES : new Uint8Array(length);
  }

  /** Where the next byte goes. */
  get length(): number {
    return this.#at;
  }

  fixed32(field: number, value: number): void {
    const { bytes } = this;
    bytes[this.#at++] = (field << 3) | WIRE.fixed32;
    for (let shift = 0; shift < 32; shift += 8) bytes[this.#at++] = (value >>> shift) & 0xff;
  }

  /** An id as `fixed64`, the reverse of its text form. */
  id(field: number, id: string): void {
    this.bytes[this.#at++] = (field << 3) | WIRE.fixed64;
    this.rawId(id);
  }

  /** The eight bytes of an id, in a packed list. */
  rawId(id: string): void {
    writeHexId(this.bytes, this.#at, id);
    reverse8(this.bytes, this.#at);
    this.#at += 8;
  }

  counter(field: number, value: number): void {
    if (value === 0) return;
    this.bytes[this.#at++] = (field << 3) | WIRE.varint;
    this.#at = writeVarint(this.bytes, this.#at, value);
  }

  flag(field: number, value: boolean): void {
    this.counter(field, value ? 1 : 0);
  }

  /** Tag and length of a nested message or byte string; its content follows. */
  nested(field: number, length: number): void {
    this.#at = writeVarint(this.bytes, this.#at, (field << 3) | WIRE.bytes);
    this.#at = writeVarint(this.bytes, this.#at, length);
  }

  data(field: number, data: Uint8Array): void {
    if (data.length === 0) return;
    this.nested(field, data.length);
    this.bytes.set(data, this.#at);
    this.#at += data.length;
  }
}

/** Reads fields: `while (reader.next())`. Anything malformed throws a `RangeError` (R93). */
export class WireReader {
  readonly bytes: Uint8Array;
  #at: number;
  #end: number;
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  /** The offset of the next byte. */
  get offset(): number {
    return this.#at;
  }

  next(): boolean {
    if (this.#at >= this.#end) return false;
    const key = this.#varint();
    this.field = Math.floor(key / 8);
    this.wireType = key % 8;
    if (this.field === 0 || this.field > 0x1fff_ffff) {
      throw new RangeError(`Cannot decode a field: received number ${String(this.field)}`);
    }
    return true;
  }

  counter(): number {
    this.#expect(WIRE.varint);
    return this.#varint();
  }

  flag(): boolean {
    return this.counter() !== 0;
  }

  fixed32(): number {
    this.#expect(WIRE.fixed32);
    const at = this.#take(4);
    const { bytes } = this;
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
    return value;
  }

  id(): string {
    this.#expect(WIRE.fixed64);
    return this.#idAt(this.#take(8));
  }

  /** A packed list of ids. */
  packedIds(): string[] {
    this.#expect(WIRE.bytes);
    const length = this.#varint();
    if (length % 8 !== 0) throw new RangeError('Cannot decode a list of ids: it is cut short');
    const at = this.#take(length);
    const ids: string[] = [];
    for (let i = 0; i < length; i += 8) ids.push(this.#idAt(at + i));
    return ids;
  }

  /** A view on the input. */
  data(): Uint8Array {
    this.#expect(WIRE.bytes);
    const length = this.#varint();
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Enters a nested message: reads go on inside it until {@link leave} with the result. */
  enter(): number {
    this.#expect(WIRE.bytes);
    const length = this.#varint();
    const outer = this.#end;
    if (length > outer - this.#at) throw tooShort();
    this.#end = this.#at + length;
    return outer;
  }

  /** Ends a nested message whose fields are all read. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    switch (this.wireType) {
      case WIRE.varint:
        this.#varint();
        break;
      case WIRE.fixed64:
        this.#take(8);
        break;
      case WIRE.bytes:
        this.#take(this.#varint());
        break;
      case WIRE.fixed32:
        this.#take(4);
        break;
      default:
        throw new RangeError(`Cannot decode a field: received wire type ${String(this.wireType)}`);
    }
  }

  #idAt(at: number): string {
    return hexIdFromReversed(this.bytes, at);
  }

  #expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new RangeError(
        `Cannot decode field ${String(this.field)}: received wire type ${String(this.wireType)}`,
      );
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw tooShort();
    this.#at = at + length;
    return at;
  }

  #varint(): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.#at >= this.#end) throw tooShort();
      const byte = bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (isCounter(value)) return value;
        break;
      }
      scale *= 128;
    }
    throw new RangeError('Cannot decode a number above 2^53-1');
  }
}

function tooShort(): RangeError {
  return new RangeError('Cannot decode a frame: it ends inside a field');
}
