/**
 * The only place where a revision of the store becomes a resourceVersion and back (K1): a decimal
 * uint64 without leading zero to clients, a safe integer below.
 */
import { assert } from '../../base/assert';
import type { Revision } from '../../store/index';

/** The text clients see. */
export function resourceVersionOf(revision: Revision): string {
  assert(Number.isSafeInteger(revision) && revision > 0, 'a revision is a positive integer', {
    revision,
  });
  return String(revision);
}

/**
 * The revision a client names; the text was checked by `machinery/list-options.ts` (K3). Numbers
 * that no store can reach become the largest revision, which is as far in the future as any.
 */
export function revisionOf(resourceVersion: string): Revision {
  const value = Number(resourceVersion);
  assert(value >= 0, 'a resourceVersion is a decimal number', { resourceVersion });
  return Math.min(value, Number.MAX_SAFE_INTEGER) as Revision;
}

/** No revision: "must not exist" in a compare, "the latest" in a read. */
export const NO_REVISION = 0 as Revision;

/** The revision that follows. */
export function revisionAfter(revision: Revision): Revision {
  return Math.min(revision + 1, Number.MAX_SAFE_INTEGER) as Revision;
}
