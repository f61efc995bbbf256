/** Gets and lists at the latest or an older revision. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { CountResult, GetResult, KeyRange, ListResult, Revision } from '../kv';

/** What to read of a range. */
export interface RangeRead {
  /** 0: the latest. Below the compact revision `STORE_COMPACTED`, above the current
   *  `STORE_FUTURE_REVISION`. */
  readonly revision?: Revision;
  /** 0: all, as far as `bytesMax` allows. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly withCount?: boolean;
  /** The answer is cut behind the pair that reaches it. */
  readonly bytesMax?: number;
}

/** Reads one moment of the state, beside writes. */
export class RangeReader {
  get(_key: Uint8Array, _revision?: Revision): Promise<GetResult> {
    return unreachable('being written');
  }

  list(_range: KeyRange, _read?: RangeRead): Promise<ListResult> {
    return unreachable('being written');
  }

  count(_range: KeyRange, _revision?: Revision): Promise<CountResult> {
    return unreachable('being written');
  }
}
