/**
 * Counters (term, index, revision) are numbers up to 2^53-1, checked at every codec edge. At a
 * million writes a second that range lasts 285 years; random 64-bit ids use `hex-id.ts` instead.
 */
import { assert } from './assert';

const TWO_32 = 0x1_0000_0000;

/** Adds two safe integers; the sum must be safe too. */
export function addSafe(a: number, b: number): number {
  const sum = a + b;
  assert(Number.isSafeInteger(sum), 'a sum of counters is a safe integer', { a, b });
  return sum;
}

/** Whether `value` is an integer in [0, 2^53-1]. */
export function isCounter(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Writes a counter as eight big-endian bytes, so that byte order is numeric order. */
export function writeU64(
  view: DataView,
  offset: number,
  value: number,
  littleEndian = false,
): void {
  assert(isCounter(value), 'a stored counter is a safe integer', { value });
  const high = Math.floor(value / TWO_32);
  const low = value % TWO_32;
  view.setUint32(offset, littleEndian ? low : high, littleEndian);
  view.setUint32(offset + 4, littleEndian ? high : low, littleEndian);
}

/** Reads eight bytes as a counter. Throws a `RangeError` above 2^53-1: such bytes are damaged. */
export function readU64(view: DataView, offset: number, littleEndian = false): number {
  const first = view.getUint32(offset, littleEndian);
  const second = view.getUint32(offset + 4, littleEndian);
  const value = littleEndian ? second * TWO_32 + first : first * TWO_32 + second;
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot read a counter above 2^53-1: received ${String(value)}`);
  }
  return value;
}
