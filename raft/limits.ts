/** Raft's limits (spec: raft 6). The ones that a configuration may change are in core/config.ts. */
export const RAFT_LIMITS = {
  /** Voters of one configuration; beyond it every commit waits for too many disks. */
  votersMax: 9,
  /** Entries of one append; bounds the work of one step whatever the size of the entries. */
  entriesPerMessageMax: 4_096,
  /** Appends to one follower in one Ready: the rest follows with the next. */
  appendsPerReadyMax: 16,
  /** Reads waiting on one member for an answer of the leader, and on the leader for a round. */
  pendingReadsMax: 65_536,
  /** Command of one entry; a request of the store with its header is below it. */
  entryBytesMax: 2 * 1024 * 1024,
  /** One frame between peers (`maxPayload`). */
  frameBytesMax: 16 * 1024 * 1024,
  /** Messages of one frame. */
  messagesPerFrameMax: 4_096,
  /** What waits for one peer: beyond it appends are dropped, newest first (T5). */
  peerQueueBytesMax: 32 * 1024 * 1024,
  peerQueueMessagesMax: 4_096,
  /** One batch of the log on disk; one larger entry forms its own batch. */
  walBatchBytesMax: 1024 * 1024,
  walBatchEntriesMax: 512,
  walSegmentBytes: 64 * 1024 * 1024,
} as const;
