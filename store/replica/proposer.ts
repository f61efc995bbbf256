/**
 * What the store asks of consensus. Two implementations: `raft-proposer.ts`, and later one without
 * a log for the embedded mode.
 */

/** Who leads, as far as this member knows. */
export interface Leadership {
  readonly term: number;
  readonly isLeader: boolean;
  readonly leaderId: string | undefined;
}

/** Replicates commands and confirms reads. */
export interface Proposer {
  /**
   * Offers a command to the log, here or at the leader. Resolves when it was handed over, which
   * says nothing about its commit; the caller waits for it to be applied. Rejects with
   * `RAFT_NO_LEADER` or `RAFT_PROPOSAL_DROPPED` only if it certainly was not appended.
   */
  propose(command: Uint8Array): Promise<void>;
  /**
   * An index that covers every write acknowledged before the call (ReadIndex, §6.4). Rejects with
   * `RAFT_LEADER_CHANGED` or `RAFT_NO_LEADER`: ask again.
   */
  readIndex(signal?: AbortSignal): Promise<number>;
  leadership(): Leadership;
  /** Tells each change of term, role or leader; returns the way to stop. */
  onLeadershipChange(tell: (leadership: Leadership) => void): () => void;
}
