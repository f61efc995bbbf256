/** Raft: a pure core, its log on disk, its transport and the driver that joins them. */
export * from './core';
export { isRaftError, RAFT_ERRORS, raftError, type RaftError, type RaftErrorCode } from './errors';
export { RAFT_LIMITS } from './limits';
export type { AppliedState, StateMachine } from './node/state-machine';
export {
  RaftNode,
  type Leadership,
  type RaftNodeOptions,
  type RaftNodeStatus,
} from './node/raft-node';
export {
  PeerTransport,
  type PeerOptions,
  type PeerTransportOptions,
} from './transport/peer-transport';
export type { PeerStatus, Transport, TransportReceiver } from './transport/transport';
export { openWal, type Wal, type WalIdentity, type WalOptions } from './wal/wal';
