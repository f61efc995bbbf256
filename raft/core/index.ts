/** The pure core: what the log, the transport and the driver may use. */
export {
  checkConfig,
  RAFT_DEFAULTS,
  RAFT_FAST,
  RAFT_UP,
  type RaftConfig,
  type RaftSettings,
  type RaftTiming,
} from './config';
export type { LogReader } from './log-reader';
export { MemoryLog } from './memory-log';
export {
  carriesTerm,
  MESSAGE_KINDS,
  type AppendEntries,
  type AppendEntriesResponse,
  type AppendResult,
  type Heartbeat,
  type HeartbeatResponse,
  type InstallSnapshot,
  type InstallSnapshotResponse,
  type Message,
  type MessageKind,
  type PreVote,
  type PreVoteResponse,
  type Proposal,
  type Propose,
  type ReadIndex,
  type ReadIndexResponse,
  type ReadKey,
  type RequestVote,
  type RequestVoteResponse,
  type TimeoutNow,
  type TimeoutNowResponse,
} from './message';
export { RawNode, type ProposeResult, type RawNodeOptions } from './raw-node';
export type { ReadIndexResult } from './read-index';
export type { ReadState, Ready, StorageAppendAck } from './ready';
export type { ProgressStatus, RaftStatus } from './status';
export type { TransferRefusal, TransferStart } from './transfer';
export {
  simpleConfState,
  type ConfState,
  type Entry,
  type EntryKind,
  type HardState,
  type Index,
  type MemberId,
  type Role,
  type SnapshotMeta,
  type SoftState,
  type Term,
} from './types';
