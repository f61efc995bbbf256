/** Clients that watch for the whole length of a run, each a range of its own, fast or slow. */
import { utf8 } from '../../base/bytes';
import { hasCode } from '../../base/error';
import type { Random } from '../../base/random';
import type { KvWatch, Revision, TxnKv } from '../../store/kv';
import { isStoreError } from '../../store/errors';
import type { WatchCheck } from '../check/true-history';
import type { FaultyProcess } from './faulty-process';
import type { ObservedCluster } from './observed-cluster';
import { seenEvents } from './seen-values';

/** A watcher that starts again when its history is compacted. */
export class WatchObserver {
  readonly #cluster: ObservedCluster;
  readonly #name: string;
  readonly #random: Random;
  readonly #kv: TxnKv;
  readonly #process: FaultyProcess;
  #isSlow: boolean;
  #watch: KvWatch | undefined;
  /** The first revision it does not have. */
  next = 2;
  batches = 0;
  compacted = 0;

  constructor(cluster: ObservedCluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
    this.#random = cluster.simulator.random.fork(`watch of ${name}`);
    this.#isSlow = this.#random.unit() < 0.3;
    const endpoints = cluster.members.map(({ address }) => address);
    const { kv, process } = cluster.client(name, endpoints);
    this.#kv = kv;
    this.#process = process;
  }

  /** Asks again and again for word that everything until now has arrived. */
  async catchUp(): Promise<void> {
    this.#isSlow = false;
    for (;;) {
      await this.#watch?.requestProgress().catch(() => undefined);
      await new Promise<void>((resolve) => void this.#process.clock.after(200, resolve));
    }
  }

  /** Watches until the run ends. */
  async run(): Promise<void> {
    const isAll = this.#random.unit() < 0.5;
    const prefix = isAll ? 'k' : `k${this.#random.below(Math.min(9, this.#cluster.swarm.keys))}`;
    const range = { start: utf8(prefix), end: utf8(`${prefix}~`) };
    for (;;) {
      const wants = (key: string): boolean => key.startsWith(prefix);
      const check = this.#cluster.truth.watch(this.#name, wants, this.next);
      this.#watch = this.#kv.watch(range, { startRevision: this.next as Revision });
      try {
        await this.#read(this.#watch, check);
        return;
      } catch (error) {
        if (!hasCode(error, 'STORE_COMPACTED')) {
          if (!isStoreError(error)) this.#complain(error);
          return;
        }
        this.#compactedAt(error, check.next);
      }
    }
  }

  async #read(watch: KvWatch, check: WatchCheck): Promise<void> {
    for await (const batch of watch) {
      this.batches += 1;
      if (batch.kind === 'events') check.events(batch.revision, seenEvents(batch.events));
      else check.progress(batch.revision);
      this.next = check.next;
      this.#cluster.note(`${this.#name} ${batch.kind} ${batch.revision}`);
      if (this.#isSlow) {
        const ms = this.#random.below(300);
        await new Promise<void>((resolve) => void this.#process.clock.after(ms, resolve));
      }
    }
  }

  /** At the compact revision itself a watch works, so that is where it starts again (S30). */
  #compactedAt(error: unknown, next: number): void {
    this.compacted += 1;
    const { details } = error as { readonly details?: Readonly<Record<string, unknown>> };
    const at = Number(details?.['compactRevision']);
    const isTrue = at > next && at <= this.#cluster.truth.revision;
    if (!isTrue) {
      this.#cluster.complaints.add('only what is compacted is refused', {
        ...{ watch: this.#name, next, details },
      });
    }
    this.next = isTrue ? at : this.#cluster.truth.revision + 1;
  }

  #complain(error: unknown): void {
    this.#cluster.complaints.add('failures are of the closed table', {
      ...{ watch: this.#name, error: String(error) },
    });
  }
}
