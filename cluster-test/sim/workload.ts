/**
 * What the clients of a simulated run do: writes with values never used twice, conditional and not,
 * reads of all kinds, leases that are renewed and then forgotten, compactions. Every answer goes
 * into a history; failures must be of the closed table and keep their word about the outcome.
 */
import { fromUtf8, utf8 } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import type { Random } from '../../base/random';
import { isStoreError } from '../../store/errors';
import type { KeyValue, Revision, TxnKv } from '../../store/kv';
import type { ReadCall, WriteCall } from '../check/revision-order';
import type { FaultyProcess } from './faulty-process';
import type { ObservedCluster } from './observed-cluster';
import { seenState } from './seen-values';

/** All that clients saw, for `judgeRevisionOrder`; counts for the report. */
export class Calls {
  readonly writes: WriteCall[] = [];
  readonly reads: ReadCall[] = [];
  answered = 0;
  unknown = 0;
  refused = 0;
}

const ALL = { start: utf8('k'), end: utf8('l') };

/** One client and what it knows. */
export class WorkloadClient {
  readonly #cluster: ObservedCluster;
  readonly #calls: Calls;
  readonly #name: string;
  readonly #random: Random;
  readonly #kv: TxnKv;
  readonly #process: FaultyProcess;
  readonly #known = new Map<string, number>();
  #seenRevision = 1;
  #values = 0;
  isStopped = false;

  constructor(cluster: ObservedCluster, calls: Calls, name: string) {
    this.#cluster = cluster;
    this.#calls = calls;
    this.#name = name;
    this.#random = cluster.simulator.random.fork(`work of ${name}`);
    const endpoints = cluster.members.map(({ address }) => address);
    const { kv, process } = cluster.client(name, endpoints);
    this.#kv = kv;
    this.#process = process;
  }

  /** Calls until stopped. */
  async run(): Promise<void> {
    while (!this.isStopped) {
      await this.#sleep(this.#random.unit() * 2 * this.#cluster.swarm.thinkMs);
      try {
        await this.#call();
        this.#calls.answered += 1;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#process.clock.after(ms, resolve));
  }

  #now(): number {
    return this.#cluster.simulator.nowMs;
  }

  #failed(error: unknown): void {
    if (!isStoreError(error)) {
      this.#cluster.complaints.add('failures are of the closed table', {
        ...{ client: this.#name, error: String(error) },
        stack: error instanceof Error ? error.stack?.split('\n').slice(1, 5) : undefined,
      });
      this.isStopped = true;
    } else if (error.outcome === 'unknown') this.#calls.unknown += 1;
    else this.#calls.refused += 1;
  }

  #call(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 25) return this.#put();
    if (chance < 50) return this.#optimisticPut(NO_ID);
    if (chance < 58) return this.#optimisticDelete();
    if (chance < 70) return this.#get();
    if (chance < 80) return this.#serializableGet();
    if (chance < 86) return this.#list(false);
    if (chance < 90) return this.#list(true);
    if (chance < 94) return this.#pastGet();
    if (chance < 97) return this.#compact();
    return this.#startLease();
  }

  #key(): string {
    return `k${this.#random.below(this.#cluster.swarm.keys)}`;
  }

  #value(): string {
    return `${this.#name}.${++this.#values}`.padEnd(this.#cluster.swarm.valueBytes, '.');
  }

  /** Notes a write however it ends. */
  async #write(
    write: Pick<WriteCall, 'kind' | 'key' | 'value' | 'expected'>,
    send: () => Promise<WriteCall['outcome']>,
  ): Promise<void> {
    const startMs = this.#now();
    const note = (outcome: WriteCall['outcome'], endMs: number): void => {
      this.#calls.writes.push({ ...write, startMs, endMs, outcome });
      this.#cluster.note(`${this.#name} ${write.kind} ${write.key} ${outcome.kind}`);
    };
    try {
      const outcome = await send();
      note(outcome, this.#now());
      if ('revision' in outcome) this.#saw(outcome.revision);
    } catch (error) {
      const isUnknown = !isStoreError(error) || error.outcome === 'unknown';
      note({ kind: isUnknown ? 'unknown' : 'refused' }, isUnknown ? Infinity : this.#now());
      throw error;
    }
  }

  #put(): Promise<void> {
    const [key, value] = [this.#key(), this.#value()];
    return this.#write({ kind: 'put', key, value, expected: undefined }, async () => {
      const put = { kind: 'put', key: utf8(key), value: utf8(value) } as const;
      const success = [{ ...put, leaseId: NO_ID, withPrevious: false }];
      const { revision } = await this.#kv.txn({ compare: [], success, failure: [] });
      this.#known.set(key, revision);
      return { kind: 'done', revision };
    });
  }

  #optimisticPut(leaseId: string, key = this.#key()): Promise<void> {
    const value = this.#value();
    const expected = this.#known.get(key) ?? 0;
    return this.#write({ kind: 'put', key, value, expected }, async () => {
      const result = await this.#kv.optimisticPut(utf8(key), utf8(value), expected as Revision, {
        leaseId,
      });
      if (result.succeeded) this.#known.set(key, result.revision);
      return result.succeeded
        ? { kind: 'done', revision: result.revision }
        : this.#conflict(key, result);
    });
  }

  async #optimisticDelete(): Promise<void> {
    const key = this.#key();
    const expected = this.#known.get(key) ?? 0;
    // Deleting nothing because nothing was expected changes nothing: a read, not a write.
    if (expected === 0) return this.#get();
    return this.#write({ kind: 'delete', key, value: '', expected }, async () => {
      const result = await this.#kv.optimisticDelete(utf8(key), expected as Revision);
      if (!result.succeeded) return this.#conflict(key, result);
      this.#known.delete(key);
      return { kind: 'done', revision: result.revision };
    });
  }

  #conflict(
    key: string,
    { revision, keyValue }: { readonly revision: number; readonly keyValue: KeyValue | undefined },
  ): WriteCall['outcome'] {
    const found = keyValue?.modRevision ?? 0;
    if (found === 0) this.#known.delete(key);
    else this.#known.set(key, found);
    return { kind: 'conflict', revision, found };
  }

  async #get(): Promise<void> {
    const key = this.#key();
    const startMs = this.#now();
    const { revision, keyValue } = await this.#kv.get(utf8(key));
    const found = seenState(keyValue);
    this.#calls.reads.push({ key, startMs, endMs: this.#now(), revision, found });
    this.#cluster.note(`${this.#name} get ${key} ${revision}`);
    this.#saw(revision);
    if (found !== undefined) this.#known.set(key, found.modRevision);
  }

  async #serializableGet(): Promise<void> {
    const key = this.#key();
    const seen = this.#seenRevision;
    const { revision, keyValue } = await this.#kv.get(utf8(key), { serializable: true });
    const { truth } = this.#cluster;
    truth.checkState('a serializable read', revision, key, seenState(keyValue));
    this.#neverBack(revision, seen);
  }

  async #list(serializable: boolean): Promise<void> {
    const startMs = this.#now();
    const seen = this.#seenRevision;
    const { revision, keyValues, more } = await this.#kv.list(ALL, { serializable });
    if (more) return;
    const found = new Map(keyValues.map((each) => [fromUtf8(each.key), seenState(each)]));
    const { truth, swarm } = this.#cluster;
    for (let i = 0; i < swarm.keys; i++) {
      truth.checkState('a list', revision, `k${i}`, found.get(`k${i}`));
    }
    this.#neverBack(revision, seen);
    if (serializable) return;
    const key = 'k0';
    this.#calls.reads.push({ key, startMs, endMs: this.#now(), revision, found: found.get(key) });
  }

  async #pastGet(): Promise<void> {
    const key = this.#key();
    const past = Math.max(1, this.#seenRevision - this.#random.below(50)) as Revision;
    const { keyValue } = await this.#kv.get(utf8(key), { revision: past });
    this.#cluster.truth.checkState('a read of the past', past, key, seenState(keyValue));
  }

  async #compact(): Promise<void> {
    const target = Math.max(1, this.#seenRevision - this.#random.below(20));
    await this.#kv.compact(target as Revision);
  }

  /** Grants, renews a while, then forgets it or ends it. */
  async #startLease(): Promise<void> {
    const { leases } = this.#cluster;
    const calledMs = this.#now();
    const { leaseId } = await this.#kv.grantLease(1 + this.#random.below(5));
    leases.renewed(leaseId, calledMs);
    for (let i = this.#random.below(8); i > 0 && !this.isStopped; i--) {
      if (this.#random.unit() < 0.5) {
        await this.#optimisticPut(leaseId, `k${this.#random.below(this.#cluster.swarm.keys)}`);
      }
      await this.#sleep(this.#random.below(1_500));
      const renewedMs = this.#now();
      const { ttlSeconds } = await this.#kv.keepAliveLease(leaseId);
      if (ttlSeconds === 0) return;
      leases.renewed(leaseId, renewedMs);
    }
    if (this.#random.unit() < 0.3) {
      leases.revoking(leaseId);
      await this.#kv.revokeLease(leaseId);
    }
  }

  #saw(revision: number): void {
    this.#seenRevision = Math.max(this.#seenRevision, revision);
  }

  #neverBack(revision: number, seen: number): void {
    if (revision < seen) {
      const details = { client: this.#name, revision, seen };
      this.#cluster.complaints.add('reads of one client never go back', details);
    }
    this.#saw(revision);
  }
}
