/**
 * The store's contract as a full history in memory, for tests of the API server and as an oracle:
 * nothing is clever here. Answers come by promises only, so one turn of the event loop settles
 * everything. A test can hold back what watches deliver, count calls, and make the next call fail.
 */
import { assert } from '../../../base/assert';
import { BoundedQueue } from '../../../base/bounded-queue';
import { bytesId, compareBytes } from '../../../base/bytes';
import type { Clock } from '../../../base/clock';
import { NO_ID } from '../../../base/hex-id';
import {
  storeError,
  type CountResult,
  type GetResult,
  type KeyRange,
  type KeyValue,
  type Kv,
  type KvWatch,
  type LeaseGrant,
  type ListOptions,
  type ListResult,
  type OptimisticResult,
  type ReadOptions,
  type Revision,
  type WatchBatch,
  type WatchEvent,
  type WatchOptions,
} from '../../../store/index';

/** A state of a key from a revision on; undefined: deleted. */
interface State {
  readonly revision: Revision;
  readonly keyValue: KeyValue | undefined;
}

interface KeyHistory {
  readonly key: Uint8Array;
  readonly states: State[];
}

/** One change for {@link ModelKv.commit}. */
export type ModelWrite =
  | { readonly key: Uint8Array; readonly value: Uint8Array; readonly leaseId?: string }
  | { readonly key: Uint8Array; readonly value: undefined };

type CallName =
  'get' | 'list' | 'count' | 'put' | 'delete' | 'watch' | 'progress' | 'currentRevision' | 'lease';

/** A store whose whole past is known. */
export class ModelKv implements Kv {
  /** How often each operation was called. */
  readonly calls: Record<CallName, number> = {
    get: 0,
    list: 0,
    count: 0,
    put: 0,
    delete: 0,
    watch: 0,
    progress: 0,
    currentRevision: 0,
    lease: 0,
  };
  readonly #clock: Clock | undefined;
  readonly #keys = new Map<string, KeyHistory>();
  #sorted: KeyHistory[] | undefined;
  readonly #log: { readonly revision: Revision; readonly events: readonly WatchEvent[] }[] = [];
  readonly #watches = new Set<ModelWatch>();
  #revision = 1 as Revision;
  #compactRevision = 0 as Revision;
  #leases = 0;
  #isHeld = false;
  #failures: { readonly name: CallName; readonly error: Error }[] = [];

  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock;
  }

  /** The present revision, without counting as a call. */
  get revision(): Revision {
    return this.#revision;
  }

  /** Holds back all watch deliveries until {@link release}: a slow replica. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const watch of this.#watches) watch.deliver();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Makes the next call of an operation fail. */
  failNext(name: CallName, error: Error): void {
    this.#failures.push({ name, error });
  }

  /** Ends all watches with a failure, as a store that goes away would. */
  breakWatches(error: Error): void {
    for (const watch of [...this.#watches]) watch.fail(error);
  }

  /** Puts a batch into every open watch, as an odd store might. */
  inject(batch: WatchBatch): void {
    for (const watch of this.#watches) watch.inject(batch);
  }

  /** Several changes in one revision. */
  commit(writes: readonly ModelWrite[]): Revision {
    const revision = (this.#revision + 1) as Revision;
    const events: WatchEvent[] = [];
    for (const write of writes) {
      const event = this.#apply(write, revision);
      if (event !== undefined) events.push(event);
    }
    if (events.length === 0) return this.#revision;
    this.#revision = revision;
    events.sort((a, b) => compareBytes(a.keyValue.key, b.keyValue.key));
    this.#log.push({ revision, events });
    for (const watch of this.#watches) watch.deliver();
    return revision;
  }

  async get(key: Uint8Array, options: ReadOptions = {}): Promise<GetResult> {
    this.#called('get');
    const revision = this.#readRevision(options);
    const history = this.#keys.get(bytesId(key));
    return Promise.resolve({ revision: this.#revision, keyValue: stateAt(history, revision) });
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    this.#called('list');
    const revision = this.#readRevision(options);
    const all = this.#range(range, revision);
    const { limit = 0 } = options;
    const keyValues = limit > 0 ? all.slice(0, limit) : all;
    const more = keyValues.length < all.length;
    const count = options.withCount === true ? all.length : undefined;
    return Promise.resolve({ revision: this.#revision, keyValues, more, count });
  }

  async count(range: KeyRange, options: ReadOptions = {}): Promise<CountResult> {
    this.#called('count');
    const { length } = this.#range(range, this.#readRevision(options));
    return Promise.resolve({ revision: this.#revision, count: length });
  }

  async optimisticPut(
    key: Uint8Array,
    value: Uint8Array,
    expected: Revision,
    options: { readonly leaseId?: string } = {},
  ): Promise<OptimisticResult> {
    this.#called('put');
    const previous = stateAt(this.#keys.get(bytesId(key)), this.#revision);
    if ((previous?.modRevision ?? 0) !== expected) {
      return Promise.resolve({
        succeeded: false,
        revision: this.#revision,
        keyValue: previous,
      });
    }
    const revision = this.commit([{ key, value, leaseId: options.leaseId ?? NO_ID }]);
    return { succeeded: true, revision, previous };
  }

  async optimisticDelete(key: Uint8Array, expected: Revision): Promise<OptimisticResult> {
    this.#called('delete');
    const previous = stateAt(this.#keys.get(bytesId(key)), this.#revision);
    if (previous?.modRevision !== expected) {
      return Promise.resolve({
        succeeded: false,
        revision: this.#revision,
        keyValue: previous,
      });
    }
    const revision = this.commit([{ key, value: undefined }]);
    return { succeeded: true, revision, previous };
  }

  watch(range: KeyRange, options: WatchOptions = {}): KvWatch {
    this.calls.watch += 1;
    const start = options.startRevision ?? 0;
    const startRevision = (start === 0 ? this.#revision + 1 : start) as Revision;
    const watch = new ModelWatch(this, range, startRevision, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    options.signal?.addEventListener('abort', () => watch.close(), { once: true });
    if (options.signal?.aborted === true) watch.close();
    watch.deliver();
    return watch;
  }

  async grantLease(ttlSeconds: number): Promise<LeaseGrant> {
    this.#called('lease');
    this.#leases += 1;
    const leaseId = this.#leases.toString(16).padStart(16, '0');
    this.#clock?.after(ttlSeconds * 1000, () => this.expireLease(leaseId));
    return Promise.resolve({ revision: this.#revision, leaseId, ttlSeconds });
  }

  /** Deletes all keys of a lease in one revision. */
  expireLease(leaseId: string): void {
    const writes: ModelWrite[] = [];
    for (const history of this.#keys.values()) {
      if (stateAt(history, this.#revision)?.leaseId === leaseId) {
        writes.push({ key: history.key, value: undefined });
      }
    }
    this.commit(writes);
  }

  compact(revision: Revision): Promise<{ readonly revision: Revision }> {
    assert(revision <= this.#revision, 'only the past is compacted', { revision });
    this.#compactRevision = revision;
    return Promise.resolve({ revision: this.#revision });
  }

  async currentRevision(): Promise<Revision> {
    this.#called('currentRevision');
    return Promise.resolve(this.#revision);
  }

  /** What a watch from `startRevision` has to deliver; throws if that is compacted. */
  eventsFrom(startRevision: Revision, range: KeyRange): WatchBatch[] {
    if (startRevision <= this.#compactRevision) {
      const message = `Cannot watch from revision ${String(startRevision)}: it is compacted`;
      throw storeError('STORE_COMPACTED', message);
    }
    // The first write makes revision 2, and each commit makes the next one.
    return this.#log
      .slice(Math.max(0, startRevision - 2))
      .map(({ revision, events }) => ({
        kind: 'events' as const,
        revision,
        events: events.filter(({ keyValue }) => isInRange(keyValue.key, range)),
      }))
      .filter(({ events }) => events.length > 0);
  }

  /** For `requestProgress` of a watch. */
  progress(): Revision {
    this.#called('progress');
    return this.#revision;
  }

  #called(name: CallName): void {
    this.calls[name] += 1;
    const at = this.#failures.findIndex((failure) => failure.name === name);
    const [failure] = at === -1 ? [] : this.#failures.splice(at, 1);
    if (failure !== undefined) throw failure.error;
  }

  #readRevision(options: ReadOptions): Revision {
    const { revision = 0 } = options;
    if (revision > this.#revision) {
      throw storeError('STORE_FUTURE_REVISION', 'Cannot read a revision of the future');
    }
    if (revision !== 0 && revision < this.#compactRevision) {
      throw storeError('STORE_COMPACTED', 'Cannot read a compacted revision');
    }
    return revision === 0 ? this.#revision : revision;
  }

  #range(range: KeyRange, revision: Revision): KeyValue[] {
    this.#sorted ??= [...this.#keys.values()].sort((a, b) => compareBytes(a.key, b.key));
    const found: KeyValue[] = [];
    for (const history of this.#sorted) {
      if (!isInRange(history.key, range)) continue;
      const state = stateAt(history, revision);
      if (state !== undefined) found.push(state);
    }
    return found;
  }

  #apply(write: ModelWrite, revision: Revision): WatchEvent | undefined {
    const id = bytesId(write.key);
    let history = this.#keys.get(id);
    if (history === undefined) {
      history = { key: write.key.slice(), states: [] };
      this.#keys.set(id, history);
      this.#sorted = undefined;
    }
    const previous = stateAt(history, this.#revision);
    if (write.value === undefined && previous === undefined) return undefined;
    const { key } = history;
    const keyValue: KeyValue = {
      key,
      value: write.value?.slice() ?? new Uint8Array(),
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: write.value === undefined ? 0 : (previous?.version ?? 0) + 1,
      leaseId: (write.value === undefined ? undefined : write.leaseId) ?? NO_ID,
    };
    history.states.push({ revision, keyValue: write.value === undefined ? undefined : keyValue });
    return { kind: write.value === undefined ? 'delete' : 'put', keyValue, previous };
  }
}

function stateAt(history: KeyHistory | undefined, revision: Revision): KeyValue | undefined {
  return history?.states.findLast((state) => state.revision <= revision)?.keyValue;
}

function isInRange(key: Uint8Array, { start, end }: KeyRange): boolean {
  if (compareBytes(key, start) < 0) return false;
  return end === undefined || compareBytes(key, end) < 0;
}

/** A watch of the model. */
class ModelWatch implements KvWatch {
  readonly #kv: ModelKv;
  readonly #range: KeyRange;
  readonly #onClose: () => void;
  readonly #queue = new BoundedQueue<WatchBatch>({ capacity: Number.POSITIVE_INFINITY });
  #next: Revision;
  /** Revisions whose progress waits for delivery to be released. */
  #owedProgress: Revision | undefined;

  constructor(kv: ModelKv, range: KeyRange, startRevision: Revision, onClose: () => void) {
    this.#kv = kv;
    this.#range = range;
    this.#next = startRevision;
    this.#onClose = onClose;
  }

  deliver(): void {
    if (this.#kv.isHeld) return;
    try {
      for (const batch of this.#kv.eventsFrom(this.#next, this.#range)) {
        this.#queue.push(batch);
        this.#next = (batch.revision + 1) as Revision;
      }
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    if (this.#owedProgress === undefined) return;
    this.#queue.push({ kind: 'progress', revision: this.#kv.revision });
    this.#owedProgress = undefined;
  }

  async requestProgress(): Promise<Revision> {
    const revision = this.#kv.progress();
    this.#owedProgress = revision;
    this.deliver();
    return Promise.resolve(revision);
  }

  /** Puts any batch into the stream, as an odd store might. */
  inject(batch: WatchBatch): void {
    this.#queue.push(batch);
  }

  fail(error: Error): void {
    this.#onClose();
    this.#queue.end(error);
  }

  close(): void {
    this.#onClose();
    this.#queue.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return this.#queue[Symbol.asyncIterator]();
  }
}
