/**
 * The one seam between the API server and the store (etcd's data model: a flat ordered map from
 * byte keys to values, with history). Implemented by `replica/replicated-store.ts`, and over the
 * network by `wire/kv-client.ts`; `kv-conformance.ts` is what every implementation must pass.
 *
 * Expected outcomes are values (`succeeded: false`); failures are `KeelsonError`s of `errors.ts`.
 * Byte strings given to a call must not be changed until it ends; those in answers are the
 * receiver's. Every answer carries the store's revision at which it is true.
 */
import type { Brand } from '../base/brand';

/** Rises by one per mutating transaction. An empty store has 1, the first write makes 2. */
export type Revision = Brand<number, 'Revision'>;

/** A key's current or past state. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Counts writes since creation, from 1. */
  readonly version: number;
  /** 16 hex digits; `NO_ID` of `base/hex-id` for none. */
  readonly leaseId: string;
}

/** Keys from `start` up to but without `end`; without `end`, up to the end of the key space. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** Options of every read. */
export interface ReadOptions {
  /** Read the state as of this revision; 0 or absent means the latest. */
  readonly revision?: Revision;
  /** Read what this replica has, a real past state, instead of asking the leader. */
  readonly serializable?: boolean;
  readonly signal?: AbortSignal;
}

/** Options of a list. */
export interface ListOptions extends ReadOptions {
  /** The most pairs wanted; 0 or absent means all. An answer may hold fewer and say `more`. */
  readonly limit?: number;
  /** Leave the values out. */
  readonly keysOnly?: boolean;
  /** Also count the whole range, whatever the limit. */
  readonly withCount?: boolean;
}

/** An answer about one key. */
export interface GetResult {
  readonly revision: Revision;
  readonly keyValue: KeyValue | undefined;
}

/** An answer about a range: pairs in key order, all of one revision. */
export interface ListResult {
  /** The store's current revision, not the one read at. */
  readonly revision: Revision;
  readonly keyValues: readonly KeyValue[];
  /** More keys of the range follow the last one: go on at `keyAfter` of it, same revision. */
  readonly more: boolean;
  /** All keys of the range, if asked for. */
  readonly count: number | undefined;
}

/** A number of keys. */
export interface CountResult {
  readonly revision: Revision;
  readonly count: number;
}

/** The outcome of a compare-and-set: done, or the state that was found instead. */
export type OptimisticResult =
  | {
      readonly succeeded: true;
      readonly revision: Revision;
      /** What was there before; undefined if nothing was. */
      readonly previous: KeyValue | undefined;
    }
  | {
      readonly succeeded: false;
      readonly revision: Revision;
      /** What is there instead; undefined if the key does not exist. */
      readonly keyValue: KeyValue | undefined;
    };

/** A change of a key. */
export interface WatchEvent {
  readonly kind: 'put' | 'delete';
  /** After a put the new state; after a delete key and modRevision of the deletion, no value. */
  readonly keyValue: KeyValue;
  /** The state before: present for every event but a creation (S31). */
  readonly previous: KeyValue | undefined;
}

/** What a watch delivers, in order. A revision is never split between batches. */
export type WatchBatch =
  | { readonly kind: 'events'; readonly revision: Revision; readonly events: readonly WatchEvent[] }
  /** Every event up to `revision` was delivered before this. */
  | { readonly kind: 'progress'; readonly revision: Revision };

/** Options of a watch. */
export interface WatchOptions {
  /** The first revision wanted, itself included; 0 or absent: what follows the present. */
  readonly startRevision?: Revision;
  readonly signal?: AbortSignal;
}

/**
 * A running watch: ordered batches, no gap, no repetition, across changes of leader and replica.
 * Iterate once. Leaving the loop ends the watch; so does the signal (the iteration then just
 * ends). Fails with `STORE_COMPACTED` if history it still needs is gone.
 */
export interface KvWatch extends AsyncIterable<WatchBatch> {
  /**
   * Resolves with a revision R that was current at some moment after the call (linearizable), and
   * puts a progress batch of at least R into this stream behind all events up to R. So a cache fed
   * by this watch is known to be current once it has seen R, without polling.
   */
  requestProgress(): Promise<Revision>;
  close(): void;
}

/** A granted lease. */
export interface LeaseGrant {
  readonly revision: Revision;
  readonly leaseId: string;
  /** May be more than was asked for: the minimum covers an election. */
  readonly ttlSeconds: number;
}

/** What a Kubernetes API server needs of a store. */
export interface Kv {
  get(key: Uint8Array, options?: ReadOptions): Promise<GetResult>;
  list(range: KeyRange, options?: ListOptions): Promise<ListResult>;
  count(range: KeyRange, options?: ReadOptions): Promise<CountResult>;
  /** Writes if the key's modRevision is `expectedModRevision` (0: if the key does not exist). */
  optimisticPut(
    key: Uint8Array,
    value: Uint8Array,
    expectedModRevision: Revision,
    options?: { readonly leaseId?: string },
  ): Promise<OptimisticResult>;
  /** Deletes if the key's modRevision is `expectedModRevision`. */
  optimisticDelete(key: Uint8Array, expectedModRevision: Revision): Promise<OptimisticResult>;
  watch(range: KeyRange, options?: WatchOptions): KvWatch;
  grantLease(ttlSeconds: number): Promise<LeaseGrant>;
  /** Forgets history below `revision`: reads and watches below it then fail, at it they work. */
  compact(revision: Revision): Promise<{ readonly revision: Revision }>;
  /** The revision that a linearizable read would see. */
  currentRevision(): Promise<Revision>;
}

/** One condition of a transaction. With `end` it must hold for all keys of the range (S24). */
export type Compare = {
  readonly range: KeyRange | { readonly key: Uint8Array };
  readonly operator: 'equal' | 'notEqual' | 'greater' | 'less';
} & (
  | { readonly target: 'version' | 'createRevision' | 'modRevision'; readonly number: number }
  | { readonly target: 'value'; readonly value: Uint8Array }
  | { readonly target: 'leaseId'; readonly leaseId: string }
);

/** One operation of a transaction. */
export type Operation =
  | {
      readonly kind: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly leaseId: string;
      readonly withPrevious: boolean;
    }
  | {
      readonly kind: 'deleteRange';
      readonly range: KeyRange | { readonly key: Uint8Array };
      readonly withPrevious: boolean;
    }
  | {
      readonly kind: 'range';
      readonly range: KeyRange | { readonly key: Uint8Array };
      /** 0 means the latest, including earlier operations of the same transaction. */
      readonly revision: Revision;
      readonly limit: number;
      readonly keysOnly: boolean;
      readonly countOnly: boolean;
    }
  | { readonly kind: 'txn'; readonly txn: Txn };

/** If all of `compare` hold, then `success`, else `failure` (§ S20 to S25). */
export interface Txn {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** The answer to one operation, in the order of the operations. */
export type OperationResult =
  | { readonly kind: 'put'; readonly previous: KeyValue | undefined }
  | {
      readonly kind: 'deleteRange';
      readonly deleted: number;
      readonly previous: readonly KeyValue[];
    }
  | {
      readonly kind: 'range';
      readonly keyValues: readonly KeyValue[];
      readonly more: boolean;
      readonly count: number;
    }
  | { readonly kind: 'txn'; readonly result: TxnResult };

/** The answer to a transaction. */
export interface TxnResult {
  readonly revision: Revision;
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

/** Why leadership did not move (Raft §3.10). */
export type TransferReason =
  /** The member asked does not lead. */
  | 'notLeader'
  /** The member wanted leads already. */
  | 'alreadyLeader'
  /** The member wanted is no voter. */
  | 'notVoter'
  /** There is no other voter. */
  | 'noTarget'
  /** A transfer to another member is under way. */
  | 'busy'
  /** The member wanted did not take over within an election timeout. */
  | 'timeout'
  /** The old leader stepped down, and no new one is known yet. */
  | 'noLeader'
  /** The member asked stops. */
  | 'stopped';

/** What became of a transfer of leadership. */
export interface TransferResult {
  /** Undefined: another member leads now. */
  readonly reason: TransferReason | undefined;
  /** Who leads, as far as the member asked knows. */
  readonly leaderId: string | undefined;
  readonly term: number;
}

/** One member as `keelson status` shows it. */
export interface MemberStatus {
  readonly name: string;
  readonly memberId: string;
  readonly clusterId: string;
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';
  readonly leaderId: string | undefined;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly databaseBytes: number;
  readonly address: string;
}

/** `Kv` and the general operations under it, for other faces and for the command line. */
export interface TxnKv extends Kv {
  txn(txn: Txn): Promise<TxnResult>;
  /** Ends a lease and deletes its keys in one revision. */
  revokeLease(leaseId: string): Promise<{ readonly revision: Revision }>;
  /** Renews a lease: its full TTL, or 0 if there is no such lease (S44). */
  keepAliveLease(
    leaseId: string,
  ): Promise<{ readonly revision: Revision; readonly ttlSeconds: number }>;
  /** About the member that answers. */
  status(): Promise<MemberStatus>;
}
