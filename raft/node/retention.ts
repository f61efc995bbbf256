/**
 * How much of the applied log is kept for members that were away (R40). While there are no
 * snapshots, a member that needs an entry which every other has released cannot catch up; so the
 * log is kept by memory, not by count.
 */
import type { Index } from '../core';

/** Bounds of the log that is held in memory and on disk. */
export interface LogRetention {
  /** Above this the log is released, down to half of it. Counted with 200 bytes for each entry. */
  readonly bytesMax: number;
  /** The last applied entries are kept whatever their size. */
  readonly entriesMin: number;
}

/** 64 MiB, and at least 16 entries: with 2 MiB each at most, half of it. */
export const DEFAULT_LOG_RETENTION: LogRetention = {
  bytesMax: 64 * 1024 * 1024,
  entriesMin: 16,
};

/** What an entry costs in memory beside its data. */
const ENTRY_OVERHEAD_BYTES = 200;

/** The log as the rule sees it. */
export interface HeldLog {
  readonly firstIndex: Index;
  readonly lastIndex: Index;
  readonly dataBytes: number;
  /** Only up to here may the log be released, whatever it weighs (R40). */
  readonly durableAppliedIndex: Index;
}

/** The index up to which the log is to be released now; undefined for not yet. */
export function releasableIndex(log: HeldLog, retention: LogRetention): Index | undefined {
  const count = log.lastIndex - log.firstIndex + 1;
  const weight = log.dataBytes + count * ENTRY_OVERHEAD_BYTES;
  if (weight <= retention.bytesMax || count === 0) return undefined;
  // By the average entry: exact sizes would cost a walk, and half is no exact number anyway.
  const surplus = Math.ceil(((weight - retention.bytesMax / 2) / weight) * count);
  const wanted = log.firstIndex - 1 + surplus;
  const allowed = Math.min(wanted, log.durableAppliedIndex - retention.entriesMin);
  return allowed >= log.firstIndex ? (allowed as Index) : undefined;
}
