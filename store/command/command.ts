/**
 * What the log carries: the closed union of replicated commands, and what applying each gives
 * (spec: store 3.2). Apply is a function of the log alone (S2), so a command holds everything that
 * decides about its effect. Optimistic puts and deletes are transactions (`optimistic.ts`).
 */
import type { KeyRange, KeyValue, Revision, Txn, TxnResult } from '../kv';
import type { StoreError } from '../errors';

/** Which member asked, in which of its lives, and which of its requests: never used twice. */
export interface RequestId {
  readonly memberId: string;
  /** Rises with each start of the member. */
  readonly incarnation: number;
  readonly counter: number;
}

/** A lease and the seconds it had left when that was recorded. */
export interface LeaseCheckpoint {
  readonly leaseId: string;
  readonly remainingSeconds: number;
}

/** What a command does, without who asked. */
export type CommandBody =
  | {
      readonly kind: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      /** `NO_ID` for none. */
      readonly leaseId: string;
      readonly withPrevious: boolean;
    }
  | { readonly kind: 'deleteRange'; readonly range: KeyRange; readonly withPrevious: boolean }
  | { readonly kind: 'txn'; readonly txn: Txn }
  /** Sets the compact revision and nothing else; records are removed later (spec: store 2.4). */
  | { readonly kind: 'compact'; readonly revision: Revision }
  /** The front draws a 63-bit id; if it exists, `STORE_LEASE_EXISTS` and the front draws again. */
  | { readonly kind: 'leaseGrant'; readonly leaseId: string; readonly ttlSeconds: number }
  /** By a client. */
  | { readonly kind: 'leaseRevoke'; readonly leaseId: string }
  /** By the leader: counts only if `term` is the term of the entry that carries it (S40). */
  | { readonly kind: 'leaseExpire'; readonly leaseIds: readonly string[]; readonly term: number }
  /** By the leader, as `leaseExpire`: what a new leader starts from (S41). */
  | {
      readonly kind: 'leaseCheckpoint';
      readonly checkpoints: readonly LeaseCheckpoint[];
      readonly term: number;
    };

/** One replicated command. */
export type Command = CommandBody & { readonly requestId: RequestId };

/** What applying a command gave. A refused command changed nothing, on any member. */
export type CommandResult =
  | {
      readonly kind: 'put';
      readonly revision: Revision;
      /** Only if asked for. */
      readonly previous: KeyValue | undefined;
    }
  | {
      readonly kind: 'deleteRange';
      readonly revision: Revision;
      readonly deleted: number;
      readonly previous: readonly KeyValue[];
    }
  | { readonly kind: 'txn'; readonly result: TxnResult }
  | { readonly kind: 'compact'; readonly revision: Revision }
  | {
      readonly kind: 'leaseGrant';
      readonly revision: Revision;
      readonly leaseId: string;
      readonly ttlSeconds: number;
    }
  | { readonly kind: 'leaseRevoke'; readonly revision: Revision; readonly deleted: number }
  | {
      readonly kind: 'leaseExpire';
      readonly revision: Revision;
      /** Those that existed and are gone now; none if the term did not fit. */
      readonly expired: readonly string[];
    }
  | { readonly kind: 'leaseCheckpoint'; readonly revision: Revision }
  | { readonly kind: 'failed'; readonly revision: Revision; readonly error: StoreError };
