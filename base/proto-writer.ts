/**
 * Protobuf bytes written into one growing buffer, which is used again for the next message.
 * protobufjs's own writer makes an object for each field; at a thousand requests in flight that
 * would be the larger half of the wire's cost, and a list of 1,000 pairs takes 80 µs here against
 * 460 µs. The bytes are the same: the tests of the codecs compare them with protobufjs.
 */
import { NO_ID, reverse8, writeHexId } from './hex-id';
import { isCounter } from './safe-integer';
import { VARINT_BYTES_MAX, varintLength } from './varint';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const INITIAL_BYTES = 4 * 1024;
/** A buffer that grew beyond this for one large message is given back afterwards. */
const KEPT_BYTES_MAX = 512 * 1024;

const TEXT_ENCODER = new TextEncoder();

/** Writes fields one after the other; zero values are left out, as proto3 does. */
export class ProtoWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #at = 0;

  /** Bytes written since the last {@link take}. */
  get length(): number {
    return this.#at;
  }

  /** A counter as `uint64`; left out if 0. */
  counter(field: number, value: number): this {
    return value === 0 ? this : this.counterAlways(field, value);
  }

  /** A counter as `uint64`, also if 0: for optional fields, repeated fields and oneofs. */
  counterAlways(field: number, value: number): this {
    if (!isCounter(value)) {
      throw new RangeError(`Cannot encode field ${field}: received ${String(value)}`);
    }
    this.#reserve(16);
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
    return this;
  }

  /** A boolean; left out if false. */
  flag(field: number, value: boolean): this {
    if (!value) return this;
    this.#reserve(8);
    this.#varint((field << 3) | VARINT);
    this.#bytes[this.#at++] = 1;
    return this;
  }

  /** An id as `fixed64`; left out if it is {@link NO_ID}. */
  id(field: number, id: string): this {
    return id === NO_ID ? this : this.idAlways(field, id);
  }

  /** An id as `fixed64`, also {@link NO_ID}. */
  idAlways(field: number, id: string): this {
    this.#reserve(16);
    this.#varint((field << 3) | FIXED64);
    writeHexId(this.#bytes, this.#at, id);
    // fixed64 is little-endian, an id is kept with its highest digits first.
    reverse8(this.#bytes, this.#at);
    this.#at += 8;
    return this;
  }

  /** A byte string; left out if empty. */
  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.bytesAlways(field, value);
  }

  /** A byte string, also if empty. */
  bytesAlways(field: number, value: Uint8Array): this {
    this.#reserve(16 + value.length);
    this.#varint((field << 3) | BYTES);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** A text; left out if empty. */
  text(field: number, value: string): this {
    return value === '' ? this : this.textAlways(field, value);
  }

  /** A text, also if empty. */
  textAlways(field: number, value: string): this {
    return this.bytesAlways(field, TEXT_ENCODER.encode(value));
  }

  /** Counters as one packed field; left out if there are none. */
  packed(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const start = this.open(field);
    this.#reserve(values.length * 8);
    for (const value of values) this.#varint(value);
    this.close(start);
    return this;
  }

  /** Begins a nested message; its fields follow until {@link close} is given the result. */
  open(field: number): number {
    this.#reserve(8);
    this.#varint((field << 3) | BYTES);
    return ++this.#at;
  }

  /** Ends a nested message: writes its length before it, shifting it if that takes more bytes. */
  close(start: number): void {
    const length = this.#at - start;
    const more = varintLength(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#at);
    }
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
  }

  /** A nested message, also when empty. */
  message(field: number, write: (writer: this) => void): this {
    const start = this.open(field);
    write(this);
    this.close(start);
    return this;
  }

  /** A bare varint, which belongs to no field. */
  varint(value: number): this {
    this.#reserve(VARINT_BYTES_MAX);
    this.#varint(value);
    return this;
  }

  /** Drops everything behind `length`: undoes a message that was begun. */
  rewind(length: number): void {
    this.#at = length;
  }

  /** A copy of what was written, which the caller owns; the writer is empty again. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at);
    this.#empty();
    return taken;
  }

  /** As {@link take}, in memory shared with others: for bytes that live about as long (R94). */
  takePooled(): Uint8Array {
    const taken = Buffer.allocUnsafe(this.#at);
    taken.set(this.#bytes.subarray(0, this.#at));
    this.#empty();
    return taken;
  }

  #empty(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(INITIAL_BYTES);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#at++] = rest;
  }
}
