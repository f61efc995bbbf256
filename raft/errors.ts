/** The closed table of Raft's operational failures: core, log, transport and driver share it. */
import { KeelsonError, type KeelsonErrorOptions, type Outcome } from '../base/error';

/** What each code means: whether a retry may help, and what is then known about a proposal. */
export const RAFT_ERRORS = {
  /** No leader is known: nothing was appended or asked. */
  RAFT_NO_LEADER: { retriable: true, outcome: 'none' },
  /** Another member leads and forwarding is off. */
  RAFT_NOT_LEADER: { retriable: true, outcome: 'none' },
  /** Refused before it reached a log: over the cap of uncommitted bytes (R30), or handing over. */
  RAFT_PROPOSAL_DROPPED: { retriable: true, outcome: 'none' },
  /** The leader changed while an answer was awaited: a proposal may be in the log or not (R83). */
  RAFT_LEADER_CHANGED: { retriable: true, outcome: 'unknown' },
  /** The node is closing or closed. */
  RAFT_STOPPED: { retriable: true, outcome: 'unknown' },
  /** A setting is outside of what the protocol allows. */
  RAFT_CONFIG_INVALID: { retriable: false, outcome: 'none' },
  /** The log belongs to another cluster or member. */
  RAFT_LOG_FOREIGN: { retriable: false, outcome: 'none' },
  /** The log cannot be proven whole, so its member must not vote (R63, R66). */
  RAFT_LOG_DAMAGED: { retriable: false, outcome: 'none' },
  /** The log was written by a newer format. */
  RAFT_LOG_VERSION: { retriable: false, outcome: 'none' },
  /** A write or sync of the log failed; the process must end (R61). */
  RAFT_LOG_WRITE_FAILED: { retriable: false, outcome: 'unknown' },
  /** The first frame of a peer names another cluster, member or log (T2). */
  RAFT_HELLO_REFUSED: { retriable: false, outcome: 'none' },
  /** A frame of a peer cannot be decoded or breaks a limit; its link closes (R93). */
  RAFT_FRAME_INVALID: { retriable: false, outcome: 'none' },
} as const satisfies Record<string, { readonly retriable: boolean; readonly outcome: Outcome }>;

/** A code of the table. */
export type RaftErrorCode = keyof typeof RAFT_ERRORS;

/** A failure of Raft. */
export type RaftError = KeelsonError<RaftErrorCode>;

/** Makes a failure; retriable and outcome come from the table. */
export function raftError(
  code: RaftErrorCode,
  message: string,
  options: Pick<KeelsonErrorOptions, 'cause' | 'details'> = {},
): RaftError {
  return new KeelsonError(code, message, { ...RAFT_ERRORS[code], ...options });
}

/** Whether `error` is one of Raft's, with any code of the table. */
export function isRaftError(error: unknown): error is RaftError {
  return error instanceof KeelsonError && Object.hasOwn(RAFT_ERRORS, (error as KeelsonError).code);
}
