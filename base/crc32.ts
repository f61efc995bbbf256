/**
 * CRC-32 (IEEE, as zlib computes it) of everything kept or sent. The native function is injected
 * by `node/`, since it is three to ten times faster; the fallback here gives the same values where
 * there is no `node:zlib`.
 */

/** The checksum of `bytes`, continued from `start` (that of what came before, 0 at first). */
export type Crc32 = (bytes: Uint8Array, start?: number) => number;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  return value;
});

/** The pure form, one table look-up a byte. */
export const pureCrc32: Crc32 = (bytes, start = 0) => {
  let crc = ~start;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
};

let current: Crc32 = pureCrc32;

/** The checksum with the fastest function there is: both give the same values. */
export const crc32: Crc32 = (bytes, start = 0) => current(bytes, start);

/** Sets the native function once per process; it must agree with {@link pureCrc32}. */
export function useNativeCrc32(native: Crc32): void {
  current = native;
}
