/**
 * Protobuf read from one cursor over the input, with 64-bit fields as safe integers or hex ids
 * instead of Long objects or doubles (R90). protobufjs's own reader is one more object, and a view
 * on the input, for each nested message: that was a quarter of what applying a write allocated.
 * Codecs are written by hand on this class and on `proto-writer.ts`; a `.proto` beside each says
 * the same, and its test compares with protobufjs.
 */
import { hexIdFromReversed } from './hex-id';

/** Wire types of the protobuf encoding. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const TEXT_DECODER = new TextDecoder('utf-8', { fatal: true });

/** Which part of the input a reader reads, and what it gives for byte strings. */
export interface ProtoReaderOptions {
  /** Byte strings with memory of their own; without it they are views on the input. */
  readonly isCopying?: boolean;
  readonly start?: number;
}

/**
 * Reads fields in a loop of `while (reader.next()) switch (reader.field)`. Byte strings are views
 * on the input unless copies are asked for: copy before keeping them (R94). Malformed input throws
 * a `RangeError`.
 */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  readonly #isCopying: boolean;
  #at: number;
  #end: number;
  field = 0;
  wireType = 0;

  constructor(bytes: Uint8Array, { isCopying = false, start = 0 }: ProtoReaderOptions = {}) {
    this.#bytes = bytes;
    this.#isCopying = isCopying;
    this.#at = start;
    this.#end = bytes.length;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag & 7;
    if (this.field === 0) throw new RangeError('Cannot decode a message with field number 0');
    return true;
  }

  counter(): number {
    this.#expect(WIRE.varint);
    return this.#varint();
  }

  flag(): boolean {
    return this.counter() !== 0;
  }

  id(): string {
    this.#expect(WIRE.fixed64);
    return hexIdFromReversed(this.#bytes, this.#take(8));
  }

  /** A view on the input, or a copy. */
  bytes(): Uint8Array {
    this.#expect(WIRE.bytes);
    const length = this.#varint();
    const start = this.#take(length);
    if (!this.#isCopying) return this.#bytes.subarray(start, start + length);
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
    if (this.wireType === WIRE.varint) {
      target.push(this.#varint());
      return;
    }
    const packed = this.message();
    while (packed.#at < packed.#end) target.push(packed.#varint());
  }

  /** A reader of the nested message. */
  message(): ProtoReader {
    this.#expect(WIRE.bytes);
    const length = this.#varint();
    const start = this.#take(length);
    const nested = new ProtoReader(this.#bytes, { isCopying: this.#isCopying, start });
    nested.#end = start + length;
    return nested;
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    if (this.wireType === WIRE.varint) this.#varint();
    else if (this.wireType === WIRE.fixed64) this.#take(8);
    else if (this.wireType === WIRE.bytes) this.#take(this.#varint());
    else if (this.wireType === WIRE.fixed32) this.#take(4);
    else throw this.#malformed(`wire type ${this.wireType}`);
  }

  /** Refuses a field that this version does not know, where skipping it would be divergence. */
  refuse(message: string): never {
    throw new RangeError(`Cannot decode ${message}: unknown field ${String(this.field)}`);
  }

  #take(length: number): number {
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
    if (this.wireType !== wireType) throw this.#malformed(`wire type ${this.wireType}`);
  }

  #malformed(received: string): RangeError {
    return new RangeError(`Cannot decode field ${this.field}: received ${received}`);
  }
}
