/** Variable-length integers of stored records: seven bits a byte, lowest first. */
import { assert } from './assert';
import { isCounter } from './safe-integer';

/** The most bytes that a counter takes: ceil(53 / 7). */
export const VARINT_BYTES_MAX = 8;

/** How many bytes `value` takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Writes a counter at `offset` and returns the offset after it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  assert(isCounter(value), 'a stored counter is a safe integer', { value });
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}

/** Reads counters one after the other; throws a `RangeError` for bytes that hold none. */
export class VarintReader {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  next(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.bytes[this.offset++];
      if (byte === undefined) throw new RangeError('Cannot read a varint: the bytes end inside it');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 0x80;
    }
    throw new RangeError(`Cannot read a varint above 2^53-1 at byte ${String(this.offset)}`);
  }
}
