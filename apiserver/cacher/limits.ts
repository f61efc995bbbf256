/** Every bound of the watch cache, with its unit; tests pass smaller ones. */

/** The limits of one resource's watch cache. */
export interface CacherLimits {
  /** The ring of events holds at least and at most so many (K14). */
  readonly historyEventsMin: number;
  readonly historyEventsMax: number;
  /** The ring does not grow beyond its present size while its objects take more than this. */
  readonly historyBytesMax: number;
  /** The ring doubles when it is full of events younger than this: bookmark period and 15 s. */
  readonly historyFreshMs: number;
  /** How long a read waits for the cache to reach a revision (K7, K8). */
  readonly freshnessWaitMs: number;
  /** While a read waits for N, the store is asked for progress this often (K7). */
  readonly progressPeriodMs: number;
  /** An exact read undoes at most so many events; beyond that the store answers (K22). */
  readonly exactUndoEventsMax: number;
  /** A watcher with more than this queued is slow and gets the grace … */
  readonly watcherQueueSoft: number;
  /** … to get below it again; a watcher with this many is cut at once (K20). */
  readonly watcherQueueMax: number;
  /** … and so is one whose queued objects take more than this. */
  readonly watcherQueueBytesMax: number;
  readonly slowWatcherGraceMs: number;
  readonly bookmarkPeriodMs: number;
  /** An idle cache learns this often how far the store is; well below what compaction keeps. */
  readonly idleProgressMs: number;
  /** Pairs read at a time when the cache is filled. */
  readonly listPageSize: number;
  /** Between attempts to reach a store that fails: doubles from the first to the second. */
  readonly retryMsMin: number;
  readonly retryMsMax: number;
}

/** Kubernetes' numbers where it has them. */
export const DEFAULT_CACHER_LIMITS: CacherLimits = {
  historyEventsMin: 100,
  historyEventsMax: 102_400,
  historyBytesMax: 128 * 1024 * 1024,
  historyFreshMs: 75_000,
  freshnessWaitMs: 3_000,
  progressPeriodMs: 100,
  exactUndoEventsMax: 20_000,
  watcherQueueSoft: 1_000,
  watcherQueueMax: 10_000,
  watcherQueueBytesMax: 64 * 1024 * 1024,
  slowWatcherGraceMs: 1_000,
  bookmarkPeriodMs: 60_000,
  idleProgressMs: 60_000,
  listPageSize: 10_000,
  retryMsMin: 50,
  retryMsMax: 2_000,
};
