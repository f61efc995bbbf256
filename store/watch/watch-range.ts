/** Ranges of keys as watches use them. */
import { bytesId } from '../../base/bytes';
import type { KeyRange } from '../kv';

/** Whether a key is in a range. */
export function isInRange(key: Uint8Array, range: KeyRange): boolean {
  if (Buffer.compare(key, range.start) < 0) return false;
  return range.end === undefined || Buffer.compare(key, range.end) < 0;
}

/** Whether no key can be in a range. */
export function isEmptyRange({ start, end }: KeyRange): boolean {
  return end !== undefined && Buffer.compare(start, end) >= 0;
}

/** The key of a range that holds just one key; undefined for others. */
export function singleKey({ start, end }: KeyRange): Uint8Array | undefined {
  const isSingle =
    end?.length === start.length + 1 &&
    end[start.length] === 0 &&
    Buffer.compare(start, end.subarray(0, start.length)) === 0;
  return isSingle ? start : undefined;
}

/** A text that is equal for equal ranges. */
export function rangeId({ start, end }: KeyRange): string {
  const from = `${String(start.length)}:${bytesId(start)}`;
  return end === undefined ? from : `${from}-${bytesId(end)}`;
}
