/**
 * Random 64-bit ids (cluster, member, log, lease) as 16 lower-case hex digits: they never pass
 * through a double (rule R90). Eight raw bytes on disk and on the wire.
 */
import type { Random } from './random';

const PATTERN = /^[0-9a-f]{16}$/;
const { hexSlice } = Buffer.prototype as unknown as {
  readonly hexSlice: (this: Uint8Array, start: number, end: number) => string;
};
/** The value of each digit by its character code; all else has the sign bit set. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => {
  const text = String.fromCharCode(code);
  return /[0-9a-f]/.test(text) ? Number.parseInt(text, 16) : -1;
});

/** The id that stands for "none": zero. */
export const NO_ID = '0000000000000000';

/** Whether `value` has the form of an id. */
export function isHexId(value: unknown): value is string {
  return typeof value === 'string' && PATTERN.test(value);
}

/** Draws an id that is not {@link NO_ID}. `bits` 63 keeps it positive as a signed integer. */
export function randomHexId(random: Random, bits: 63 | 64 = 64): string {
  for (;;) {
    const bytes = random.bytes(8);
    if (bits === 63) bytes[0] = (bytes[0] ?? 0) & 0x7f;
    const id = hexIdFromBytes(bytes, 0);
    if (id !== NO_ID) return id;
  }
}

/** Reads eight bytes as an id. */
export function hexIdFromBytes(bytes: Uint8Array, offset = 0): string {
  if (offset + 8 > bytes.length) {
    throw new RangeError(
      `Cannot read an id at ${String(offset)}: received ${String(bytes.length)} bytes`,
    );
  }
  return hexSlice.call(bytes, offset, offset + 8);
}

/** Writes an id as eight bytes at `offset`. */
export function writeHexId(target: Uint8Array, offset: number, id: string): void {
  let all = id.length === 16 ? 0 : -1;
  for (let i = 0; i < 8 && all >= 0; i++) {
    const high = DIGITS[id.charCodeAt(i * 2)] ?? -1;
    const low = DIGITS[id.charCodeAt(i * 2 + 1)] ?? -1;
    all |= high | low;
    target[offset + i] = (high << 4) | low;
  }
  if (all < 0) throw new RangeError(`Cannot encode an id: received ${JSON.stringify(id)}`);
}

const reversed = new Uint8Array(8);

/** Reads eight bytes, the last one first, as an id: protobuf's `fixed64`. */
export function hexIdFromReversed(bytes: Uint8Array, offset: number): string {
  for (let i = 0; i < 8; i++) reversed[i] = bytes[offset + 7 - i] as number;
  return hexIdFromBytes(reversed);
}

/** Turns eight bytes around: from an id's order to that of protobuf's `fixed64`. */
export function reverse8(bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < 4; i++) {
    const byte = bytes[offset + i] as number;
    bytes[offset + i] = bytes[offset + 7 - i] as number;
    bytes[offset + 7 - i] = byte;
  }
}

/** The eight bytes of an id. */
export function hexIdToBytes(id: string): Uint8Array {
  const bytes = new Uint8Array(8);
  writeHexId(bytes, 0, id);
  return bytes;
}
