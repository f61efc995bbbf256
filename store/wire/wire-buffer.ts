/**
 * Protobuf bytes read from one cursor over a frame: `base/protobuf.ts` makes a reader of protobufjs
 * for each nested message, which at a thousand requests in flight is half of the wire's cost.
 */
import { hexIdFromReversed } from '../../base/hex-id';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const TEXT_DECODER = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads fields in a loop of `while (reader.next()) switch (reader.field)`. Malformed input throws
 * a `RangeError`. By default byte strings are copies: a kept key must not pin the frame that
 * brought it (R94). With `isView` they are views, for an input that the reader owns and soon
 * forgets.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  readonly #isView: boolean;
  field = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array, isView = false, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#isView = isView;
    this.#at = start;
    this.#end = end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#wireType = tag & 7;
    if (this.field === 0) throw new RangeError('Cannot decode a message with field number 0');
    return true;
  }

  counter(): number {
    this.#expect(VARINT);
    return this.#varint();
  }

  flag(): boolean {
    return this.counter() !== 0;
  }

  id(): string {
    this.#expect(FIXED64);
    const start = this.#skipBytes(8);
    return hexIdFromReversed(this.#bytes, start);
  }

  /** A copy that the caller owns, or a view. */
  bytes(): Uint8Array {
    this.#expect(BYTES);
    const length = this.#varint();
    const start = this.#skipBytes(length);
    if (this.#isView) return this.#bytes.subarray(start, start + length);
    // Not bytes.slice(): of a Buffer that would be a view.
    return Uint8Array.prototype.slice.call(this.#bytes, start, start + length);
  }

  text(): string {
    const bytes = this.bytes();
    try {
      return TEXT_DECODER.decode(bytes);
    } catch (error) {
      throw new RangeError(`Cannot decode field ${this.field} as text`, { cause: error });
    }
  }

  /** Appends counters to `target`, packed or not. */
  counters(target: number[]): void {
    if (this.#wireType === VARINT) {
      target.push(this.#varint());
      return;
    }
    const packed = this.message();
    while (packed.#at < packed.#end) target.push(packed.#varint());
  }

  /** A reader of the nested message. */
  message(): WireReader {
    this.#expect(BYTES);
    const length = this.#varint();
    const start = this.#skipBytes(length);
    return new WireReader(this.#bytes, this.#isView, start, start + length);
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    if (this.#wireType === VARINT) this.#varint();
    else if (this.#wireType === FIXED64) this.#skipBytes(8);
    else if (this.#wireType === BYTES) this.#skipBytes(this.#varint());
    else if (this.#wireType === FIXED32) this.#skipBytes(4);
    else throw this.#malformed(`wire type ${this.#wireType}`);
  }

  #skipBytes(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw this.#malformed('input too short');
    this.#at = start + length;
    return start;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.#at >= this.#end) throw this.#malformed('input too short');
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 0x80;
    }
    throw this.#malformed('a number above 2^53-1');
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw this.#malformed(`wire type ${this.#wireType}`);
  }

  #malformed(received: string): RangeError {
    return new RangeError(`Cannot decode field ${this.field}: received ${received}`);
  }
}
