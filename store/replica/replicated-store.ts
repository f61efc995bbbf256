/**
 * `TxnKv` on replicated state: checks a request, replicates it or confirms the read, and waits for
 * the outcome. The same code serves a replica's clients and the embedded mode; the difference is
 * the `Proposer`.
 */
import { assert } from '../../base/assert';
import { NO_ID, randomHexId } from '../../base/hex-id';
import { hasCode } from '../../base/error';
import type { Random } from '../../base/random';
import {
  optimisticDeleteTxn,
  optimisticPutTxn,
  optimisticResult,
  type CommandBody,
  type CommandResult,
} from '../command';
import { isStoreError, storeError, type StoreError } from '../errors';
import type {
  CountResult,
  GetResult,
  KeyRange,
  KvWatch,
  LeaseGrant,
  ListOptions,
  ListResult,
  MemberStatus,
  OptimisticResult,
  ReadOptions,
  Revision,
  TransferResult,
  Txn,
  TxnResult,
  WatchOptions,
} from '../kv';
import { STORE_LIMITS } from '../limits';
import { checkKey, checkRequestBytes, checkTxn } from '../mvcc';
import type { StateStore } from '../state';
import type { ServedStore, WatchHandle, WatchSink } from '../wire';
import type { LeaseKeeper, Renewed } from './lease-keeper';
import type { LinearizableRead } from './linearizable-read';
import { openLocalWatch } from './local-watch';
import type { PendingProposals } from './pending-proposals';
import type { WatchFeed } from './watch-feed';

/** What a store is made of. */
export interface ReplicatedStoreOptions {
  readonly state: StateStore;
  readonly proposals: PendingProposals;
  readonly reads: LinearizableRead;
  readonly feed: WatchFeed;
  readonly leases: LeaseKeeper;
  readonly random: Random;
  /** The shortest lease: it must outlast an election (S41). */
  readonly leaseTtlSecondsMin: number;
  /** Entries committed and not yet applied here. */
  readonly commitApplyGap: () => number;
  /** Told of damage that a read met: this member must not go on serving (S7). */
  readonly onDamage: (error: StoreError) => void;
  /** Asks the member that leads, for what only it can answer. */
  readonly renewAtLeader: (leaseId: string) => Promise<Renewed>;
  readonly status: () => Promise<MemberStatus>;
  readonly transfer: (targetId: string | undefined) => Promise<TransferResult>;
}

const LEASE_ID_ATTEMPTS = 8;

/** The store of one replica. */
export class ReplicatedStore implements ServedStore {
  readonly #options: ReplicatedStoreOptions;

  constructor(options: ReplicatedStoreOptions) {
    this.#options = options;
  }

  async get(key: Uint8Array, options: ReadOptions = {}): Promise<GetResult> {
    refuse(checkKey(key));
    await this.#beforeRead(options);
    const { ranges } = this.#options.state;
    return abortable(options.signal, this.#checked(ranges.get(key, options.revision)));
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    await this.#beforeRead(options);
    const { revision, limit, keysOnly, withCount } = options;
    const read = {
      ...(revision !== undefined && { revision }),
      ...(limit !== undefined && { limit }),
      ...(keysOnly !== undefined && { keysOnly }),
      ...(withCount !== undefined && { withCount }),
      bytesMax: STORE_LIMITS.listBytesMax,
    };
    return abortable(options.signal, this.#checked(this.#options.state.ranges.list(range, read)));
  }

  async count(range: KeyRange, options: ReadOptions = {}): Promise<CountResult> {
    await this.#beforeRead(options);
    const { ranges } = this.#options.state;
    return abortable(options.signal, this.#checked(ranges.count(range, options.revision)));
  }

  optimisticPut(
    key: Uint8Array,
    value: Uint8Array,
    expectedModRevision: Revision,
    { leaseId = NO_ID }: { readonly leaseId?: string } = {},
  ): Promise<OptimisticResult> {
    const refusal = checkKey(key) ?? checkRequestBytes(key.length + value.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    const txn = optimisticPutTxn(key, value, expectedModRevision, leaseId);
    return this.#submit({ kind: 'txn', txn }).then(toOptimisticResult);
  }

  optimisticDelete(key: Uint8Array, expectedModRevision: Revision): Promise<OptimisticResult> {
    const refusal = checkKey(key);
    if (refusal !== undefined) return Promise.reject(refusal);
    const txn = optimisticDeleteTxn(key, expectedModRevision);
    return this.#submit({ kind: 'txn', txn }).then(toOptimisticResult);
  }

  watch(range: KeyRange, options: WatchOptions = {}): KvWatch {
    const host = { source: this, currentRevision: () => this.currentRevision() };
    return openLocalWatch(host, range, options);
  }

  async txn(txn: Txn): Promise<TxnResult> {
    refuse(checkTxn(txn));
    return pick(await this.#submit({ kind: 'txn', txn }), 'txn').result;
  }

  async grantLease(ttlSeconds: number): Promise<LeaseGrant> {
    const isWhole = Number.isSafeInteger(ttlSeconds) && ttlSeconds > 0;
    if (!isWhole || ttlSeconds > STORE_LIMITS.leaseTtlSecondsMax) {
      throw storeError(
        'STORE_INVALID',
        'Cannot grant a lease as its TTL is no whole number of seconds from 1 to ' +
          `${STORE_LIMITS.leaseTtlSecondsMax}: received ${ttlSeconds}`,
      );
    }
    const { random, leaseTtlSecondsMin } = this.#options;
    const ttl = Math.max(ttlSeconds, leaseTtlSecondsMin);
    for (let attempt = 1; ; attempt++) {
      const leaseId = randomHexId(random, 63);
      try {
        const result = await this.#submit({ kind: 'leaseGrant', leaseId, ttlSeconds: ttl });
        const granted = pick(result, 'leaseGrant');
        return { revision: granted.revision, leaseId, ttlSeconds: granted.ttlSeconds };
      } catch (error) {
        // Somebody drew the same 63 bits: another draw, and a sign of a broken source of chance.
        if (!hasCode(error, 'STORE_LEASE_EXISTS') || attempt === LEASE_ID_ATTEMPTS) throw error;
      }
    }
  }

  async revokeLease(leaseId: string): Promise<{ readonly revision: Revision }> {
    const { leases } = this.#options;
    leases.revoking(leaseId);
    try {
      const { revision } = pick(
        await this.#submit({ kind: 'leaseRevoke', leaseId }),
        'leaseRevoke',
      );
      return { revision };
    } catch (error) {
      if (isStoreError(error) && error.outcome === 'none') leases.notRevoked(leaseId);
      throw error;
    }
  }

  async keepAliveLease(leaseId: string): Promise<Renewed> {
    const { leases, renewAtLeader } = this.#options;
    return leases.isRunning ? leases.renew(leaseId) : renewAtLeader(leaseId);
  }

  /** Renews a lease if this member leads; fails with `RAFT_NOT_LEADER` otherwise. */
  renewHere(leaseId: string): Promise<Renewed> {
    return this.#options.leases.renew(leaseId);
  }

  async compact(revision: Revision): Promise<{ readonly revision: Revision }> {
    const result = pick(await this.#submit({ kind: 'compact', revision }), 'compact');
    return { revision: result.revision };
  }

  async currentRevision(): Promise<Revision> {
    await this.#options.reads.confirm();
    return this.#options.state.revision();
  }

  status(): Promise<MemberStatus> {
    return this.#options.status();
  }

  transferLeadership(targetId: string | undefined): Promise<TransferResult> {
    return this.#options.transfer(targetId);
  }

  localRevision(): Revision {
    return this.#options.feed.localRevision();
  }

  openWatch(range: KeyRange, startRevision: Revision, sink: WatchSink): WatchHandle {
    return this.#options.feed.openWatch(range, startRevision, sink);
  }

  /** No `async` here and in the optimistic calls: each would cost a write one promise more. */
  #submit(body: CommandBody): Promise<CommandResult> {
    const overload = this.#overload();
    if (overload !== undefined) return Promise.reject(overload);
    return this.#options.proposals.submit(body);
  }

  async #beforeRead({ serializable, signal }: ReadOptions): Promise<void> {
    refuse(this.#overload());
    if (signal?.aborted === true) throw signal.reason;
    if (serializable !== true) await abortable(signal, this.#options.reads.confirm());
  }

  /** A reader of damaged data is better served by another member; so is everybody else. */
  #checked<T>(read: Promise<T>): Promise<T> {
    return read.catch((error: unknown) => {
      if (isStoreError(error) && error.code === 'STORE_CORRUPT') this.#options.onDamage(error);
      throw error;
    });
  }

  #overload(): StoreError | undefined {
    const gap = this.#options.commitApplyGap();
    if (gap <= STORE_LIMITS.commitApplyGapMax) return undefined;
    return storeError(
      'STORE_OVERLOADED',
      `Cannot take requests as too many entries wait to be applied: received ${gap}`,
    );
  }
}

function toOptimisticResult(result: CommandResult): OptimisticResult {
  return optimisticResult(pick(result, 'txn').result);
}

function refuse(error: StoreError | undefined): void {
  if (error !== undefined) throw error;
}

/** The result of the kind that its command gives. */
function pick<Kind extends CommandResult['kind']>(
  result: CommandResult,
  kind: Kind,
): Extract<CommandResult, { readonly kind: Kind }> {
  assert(result.kind === kind, 'a command gives a result of its kind', { kind: result.kind });
  return result as Extract<CommandResult, { readonly kind: Kind }>;
}

/** `promise`, or the signal's reason as soon as it aborts. */
function abortable<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
