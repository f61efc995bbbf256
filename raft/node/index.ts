/** The driver of one member. */
export type { Leadership } from './leadership';
export { RaftNode, type RaftNodeOptions, type RaftNodeStatus } from './raft-node';
export { DEFAULT_LOG_RETENTION, type LogRetention } from './retention';
export type { TransferAbort, TransferOutcome } from './transfers';
export type { AppliedState, StateMachine } from './state-machine';
