/** Raft: a pure core, its log on disk, its transport and the driver that joins them. */
export * from './core';
export { isRaftError, RAFT_ERRORS, raftError, type RaftError, type RaftErrorCode } from './errors';
export { RAFT_LIMITS } from './limits';
export * from './node';
export * from './transport';
export * from './wal';
