/**
 * Random 64-bit ids (cluster, member, log, lease) as 16 lower-case hex digits: they never pass
 * through a double (rule R90). Eight raw bytes on disk and on the wire.
 */
import type { Random } from './random';

const PATTERN = /^[0-9a-f]{16}$/;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

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
  let id = '';
  for (let i = 0; i < 8; i++) id += HEX[bytes[offset + i] ?? 0] ?? '';
  return id;
}

/** Writes an id as eight bytes at `offset`. */
export function writeHexId(target: Uint8Array, offset: number, id: string): void {
  if (!isHexId(id)) throw new RangeError(`Cannot encode an id: received ${JSON.stringify(id)}`);
  for (let i = 0; i < 8; i++) target[offset + i] = Number.parseInt(id.slice(i * 2, i * 2 + 2), 16);
}

/** The eight bytes of an id. */
export function hexIdToBytes(id: string): Uint8Array {
  const bytes = new Uint8Array(8);
  writeHexId(bytes, 0, id);
  return bytes;
}
