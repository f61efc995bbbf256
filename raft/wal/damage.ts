/**
 * What the bytes after the last whole batch of the last segment are (spec: raft 4.5 step 3; R63).
 * The verdict decides between data that was never acknowledged and data that was:
 *
 *   all zero ............................... end        nothing was written
 *   a proven record of a later batch ....... rot        batch N was synced: never cut
 *   a sector that must be written is zero .. torn       the sync of batch N never returned: cut
 *   otherwise .............................. suspect    may be an acknowledged batch: never cut
 *
 * A batch is not written before the sync of the one before has returned, and a whole batch contains
 * no sector of zeros (record.ts masks them): the two facts that this rests on.
 */
import {
  alignSector,
  isZero,
  readHeader,
  readPayload,
  RECORD_HEADER_BYTES,
  recordBytes,
  SECTOR_BYTES,
  viewOf,
} from './record';
import type { SegmentHeader, SegmentScan } from './segment';

/** What is at the end of the last segment. */
export type TailVerdict =
  | { readonly kind: 'end'; readonly highestBatch: number }
  /** Bytes of [from, to) belong to a batch that was never acknowledged. */
  | { readonly kind: 'torn'; readonly to: number; readonly highestBatch: number }
  | { readonly kind: 'suspect'; readonly at: number }
  /** `laterAt`: where a record of a later batch stands. */
  | { readonly kind: 'rot'; readonly at: number; readonly laterAt: number };

/** Judges what follows the last whole batch. */
export function judgeTail(
  bytes: Uint8Array,
  header: SegmentHeader,
  scan: SegmentScan,
): TailVerdict {
  const { badAt, end } = scan;
  const batch = header.firstBatch + scan.batches.length;
  if (badAt === undefined) return { kind: 'end', highestBatch: batch - 1 };
  const view = viewOf(bytes);
  const lastNonZero = findLastNonZero(bytes, end);
  for (let at = badAt; at <= lastNonZero; at += 8) {
    const found = readHeader(bytes, view, at, header.salt);
    if (found === undefined || found.batch <= batch) continue;
    if (readPayload(bytes, at, found, false) !== undefined) {
      return { kind: 'rot', at: badAt, laterAt: at };
    }
  }
  const bad = readHeader(bytes, view, badAt, header.salt);
  const coveredEnd = Math.max(
    lastNonZero + 1,
    badAt + RECORD_HEADER_BYTES,
    bad === undefined ? 0 : badAt + recordBytes(bad.payloadLength),
  );
  for (let sector = end; sector < alignSector(coveredEnd); sector += SECTOR_BYTES) {
    if (isZero(bytes, sector, Math.min(sector + SECTOR_BYTES, bytes.length))) {
      const to = Math.min(alignSector(coveredEnd), bytes.length);
      return { kind: 'torn', to, highestBatch: batch };
    }
  }
  return { kind: 'suspect', at: badAt };
}

function findLastNonZero(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  const step = 65_536;
  while (end - step > from && isZero(bytes, end - step, end)) end -= step;
  let at = end - 1;
  while (at >= from && bytes[at] === 0) at -= 1;
  return at;
}
