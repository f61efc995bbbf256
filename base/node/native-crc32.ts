/** Tells `base/crc32.ts` of zlib's function, where this Node has it (20.15, 22.2 and later). */
import * as zlib from 'node:zlib';
import { useNativeCrc32, type Crc32 } from '../crc32';

/** Uses zlib's CRC-32 from now on; false if there is none and the slower form stays. */
export function installNativeCrc32(): boolean {
  const native = (zlib as { readonly crc32?: Crc32 }).crc32;
  if (native === undefined) return false;
  useNativeCrc32((bytes, start = 0) => native(bytes, start));
  return true;
}
