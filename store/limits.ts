/** The store's limits (spec: store 5). Each is tested at the limit and one beyond. */
export const STORE_LIMITS = {
  /** Operations of a transaction, nested ones included. */
  operationsPerTxnMax: 128,
  /** Key, value and all else of one request. */
  requestBytesMax: 1_572_864,
  keyBytesMax: 64 * 1024,
  /** One list answer is cut at this size and says `more`. */
  listBytesMax: 4 * 1024 * 1024,
  leaseTtlSecondsMax: 9_000_000_000,
  /** What one slow watcher may hold in memory before it is fed from the engine again. */
  watchQueueBytesMax: 8 * 1024 * 1024,
  watchQueueBatchesMax: 128,
  /** New requests are refused while this many entries wait for apply. */
  commitApplyGapMax: 5_000,
} as const;
