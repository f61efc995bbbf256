/**
 * What travels between a client and a replica, as values. `codec.ts` turns them into frames and
 * back; `kv-wire.proto` says the same in protobuf.
 */
import type {
  KeyRange,
  KeyValue,
  MemberStatus,
  Revision,
  TransferResult,
  Txn,
  TxnResult,
  WatchEvent,
} from '../kv';

/** Raised when old and new cannot talk any more; both ends must have the same. */
export const PROTOCOL_VERSION = 1;

/** How a read is made. */
export interface WireRead {
  readonly revision: Revision;
  readonly serializable: boolean;
  /** The newest revision the client has seen: a serializable answer must not be older (S50). */
  readonly seenRevision: Revision;
}

/** What a client asks for, once its number is taken off. */
export type ClientBody =
  | { readonly kind: 'get'; readonly key: Uint8Array; readonly read: WireRead }
  | {
      readonly kind: 'list';
      readonly range: KeyRange;
      readonly read: WireRead;
      readonly limit: number;
      readonly keysOnly: boolean;
      readonly withCount: boolean;
    }
  | { readonly kind: 'count'; readonly range: KeyRange; readonly read: WireRead }
  | {
      readonly kind: 'optimisticPut';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly expectedModRevision: Revision;
      readonly leaseId: string;
    }
  | {
      readonly kind: 'optimisticDelete';
      readonly key: Uint8Array;
      readonly expectedModRevision: Revision;
    }
  | { readonly kind: 'txn'; readonly txn: Txn }
  | { readonly kind: 'compact'; readonly revision: Revision }
  | { readonly kind: 'currentRevision' }
  | { readonly kind: 'grantLease'; readonly ttlSeconds: number }
  | { readonly kind: 'revokeLease'; readonly leaseId: string }
  | {
      readonly kind: 'keepAliveLease';
      readonly leaseId: string;
      /** Asked by a member of the one it takes for the leader: answer here or refuse. */
      readonly atLeader: boolean;
    }
  | { readonly kind: 'status' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'watch'; readonly range: KeyRange; readonly startRevision: Revision }
  | { readonly kind: 'cancelWatch' }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'progress'; readonly watchIds: readonly number[] }
  /** Without a target to whom the leader thinks best. Only the leader can. */
  | { readonly kind: 'transferLeadership'; readonly targetId: string | undefined };

/** One message of a client: its number, and what is asked. */
export interface ClientMessage {
  readonly id: number;
  readonly body: ClientBody;
}

/** A failure as it travels; code and details make it whole again at the other end. */
export interface WireFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/** What a replica says. */
export type ServerBody =
  | {
      readonly kind: 'hello';
      readonly protocolVersion: number;
      readonly clusterId: string;
      readonly memberId: string;
      readonly hasLeader: boolean;
    }
  | { readonly kind: 'health'; readonly hasLeader: boolean }
  | { readonly kind: 'failure'; readonly failure: WireFailure }
  | { readonly kind: 'get'; readonly revision: Revision; readonly keyValue: KeyValue | undefined }
  | {
      readonly kind: 'list';
      readonly revision: Revision;
      readonly keyValues: readonly KeyValue[];
      readonly more: boolean;
      readonly count: number | undefined;
    }
  | { readonly kind: 'count'; readonly revision: Revision; readonly count: number }
  | {
      readonly kind: 'optimistic';
      readonly revision: Revision;
      readonly succeeded: boolean;
      /** What was there before, or is there instead. */
      readonly keyValue: KeyValue | undefined;
    }
  | { readonly kind: 'txn'; readonly result: TxnResult }
  | { readonly kind: 'revision'; readonly revision: Revision }
  | {
      readonly kind: 'lease';
      readonly revision: Revision;
      readonly leaseId: string;
      readonly ttlSeconds: number;
    }
  | { readonly kind: 'status'; readonly status: MemberStatus }
  | { readonly kind: 'pong' }
  | { readonly kind: 'watchStarted'; readonly startRevision: Revision }
  | {
      readonly kind: 'events';
      readonly revision: Revision;
      readonly events: readonly WatchEvent[];
      readonly more: boolean;
    }
  | {
      readonly kind: 'progress';
      readonly revision: Revision;
      readonly watchIds: readonly number[];
    }
  | { readonly kind: 'watchEnded'; readonly failure: WireFailure | undefined }
  | { readonly kind: 'transfer'; readonly result: TransferResult }
  /** The replica stops: whatever is new goes elsewhere. Answers still come. */
  | { readonly kind: 'goodbye' };

/** One message of a replica: what it answers (0: nothing), and what it says. */
export interface ServerMessage {
  readonly id: number;
  readonly body: ServerBody;
}
