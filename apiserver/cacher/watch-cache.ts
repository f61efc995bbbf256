/**
 * One resource in memory: the present objects, the recent changes, and the revision up to which
 * both are known. The reflector feeds it, watchers and lists read it. All of it is synchronous, so
 * that what a reader sees between two batches is one state of the store.
 */
import { assert } from '../../base/assert';
import type { Cancel, Clock } from '../../base/clock';
import type { KeyValue, Revision, WatchEvent as KvEvent } from '../../store/index';
import { isApiError, type ApiError } from '../machinery/status';
import {
  decodePair,
  isInScope,
  type EncodedObject,
  type KvResource,
  type Scope,
  type SelectionPredicate,
} from '../storage/index';
import { CacheEntry, FieldSchema } from './cache-entry';
import { ChangeEvent } from './change-event';
import type { CacherLimits } from './limits';
import { PastView } from './past-view';
import { WatchHistory } from './watch-history';
import { WatchStore, type Found } from './watch-store';

interface Waiter {
  readonly revision: Revision;
  readonly wake: () => void;
}

/** What became of a batch: changes for the watchers, and values that could not be decoded. */
export interface Processed {
  readonly events: readonly ChangeEvent[];
  readonly failures: readonly { readonly path: string; readonly error: ApiError }[];
}

/** Objects, history and revision of one resource. */
export class WatchCache {
  readonly #resource: KvResource;
  readonly #clock: Clock;
  readonly #limits: CacherLimits;
  readonly #schema: FieldSchema;
  readonly #store: WatchStore;
  readonly #history: WatchHistory;
  /** Keys whose value cannot be decoded, with the failure their readers get (K81). */
  readonly #corrupt = new Map<string, ApiError>();
  readonly #waiters = new Set<Waiter>();
  #revision = 0 as Revision;

  constructor(options: {
    readonly resource: KvResource;
    readonly clock: Clock;
    readonly limits: CacherLimits;
  }) {
    this.#resource = options.resource;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#schema = new FieldSchema(options.resource.selectable);
    this.#store = new WatchStore(options.resource);
    this.#history = new WatchHistory(options.limits, this.#revision);
  }

  /** Every change up to here is in the objects and in the history. */
  get revision(): Revision {
    return this.#revision;
  }

  get size(): number {
    return this.#store.size;
  }

  get history(): Pick<WatchHistory, 'capacity' | 'oldestDeliverable' | 'since' | 'size'> {
    return this.#history;
  }

  /** What cannot be decoded, for the server's health (K81). */
  problem(): string | undefined {
    for (const [, error] of this.#corrupt) return error.message;
    return undefined;
  }

  /** An object; throws K81's failure for an undecodable one. */
  get(path: string): CacheEntry | undefined {
    const failure = this.#corrupt.get(path);
    if (failure !== undefined) throw failure;
    return this.#store.get(path);
  }

  /** The objects of a selection in key order; throws K81's failure if one is undecodable. */
  select(scope: Scope, predicate: SelectionPredicate, startPath?: string, limit = 0): Found {
    this.#checkDecodable(scope);
    return this.#store.select(scope, predicate, startPath, limit);
  }

  /** How many objects of a scope, selected or not, follow a path. */
  countAfter(scope: Scope, path: string): number {
    return this.#store.countAfter(scope, path);
  }

  /** An object as a first guess for a write; undefined also for an undecodable one. */
  guess(path: string): EncodedObject | undefined {
    return this.#store.get(path)?.object;
  }

  /** A scope as it was at a past revision; undefined if the history does not tell (K22). */
  past(scope: Scope, revision: Revision): PastView | undefined {
    this.#checkDecodable(scope);
    const then = this.#history.undo(revision, this.#limits.exactUndoEventsMax);
    return then === undefined ? undefined : new PastView(this.#store, scope, then);
  }

  /** Empties the cache before a list whose pages come through {@link addListed}. */
  beginReplace(): void {
    this.#store.clear();
    this.#corrupt.clear();
  }

  /** Takes one pair of a list. */
  addListed(pair: KeyValue): void {
    const decoded = this.#decode(pair);
    if (decoded instanceof CacheEntry) this.#store.set(decoded);
  }

  /** The list is complete; history begins behind it. */
  endReplace(revision: Revision): void {
    assert(revision >= this.#revision, 'the store never goes back', {
      revision,
      known: this.#revision,
    });
    this.#history.forget(revision);
    this.#advance(revision);
  }

  /** Takes all events of one or more whole revisions; the caller then dispatches the result. */
  process(events: readonly KvEvent[]): Processed {
    const changes: ChangeEvent[] = [];
    const failures: { path: string; error: ApiError }[] = [];
    for (const event of events) {
      const { modRevision } = event.keyValue;
      assert(modRevision > this.#revision, 'a watch delivers each revision once', {
        modRevision,
        revision: this.#revision,
      });
      const change = this.#change(event, failures);
      if (change === undefined) continue;
      this.#history.append(change);
      changes.push(change);
    }
    return { events: changes, failures };
  }

  /** Everything up to `revision` was processed and dispatched: wakes who waits for it. */
  advance(revision: Revision): void {
    if (revision > this.#revision) this.#advance(revision);
  }

  /** Forgets the history, for tests of clients' 410 handling (K14). */
  forgetHistory(): void {
    this.#history.forget(this.#revision);
  }

  /** Whether the cache reached `revision` within `timeoutMs` of the injected clock (K8). */
  waitUntilFresh(revision: Revision, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true);
    if (signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (isFresh: boolean): void => {
        cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
        resolve(isFresh);
      };
      const onAbort = (): void => end(false);
      const waiter = { revision, wake: () => end(true) };
      const cancel: Cancel = this.#clock.after(timeoutMs, () => end(false));
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #advance(revision: Revision): void {
    this.#revision = revision;
    for (const waiter of [...this.#waiters]) {
      if (waiter.revision <= revision) waiter.wake();
    }
  }

  #change(event: KvEvent, failures: { path: string; error: ApiError }[]): ChangeEvent | undefined {
    const path = this.#resource.keys.pathOf(event.keyValue.key);
    let current: CacheEntry | undefined;
    if (event.kind === 'put') {
      const decoded = this.#decode(event.keyValue);
      if (decoded instanceof CacheEntry) current = decoded;
      else failures.push({ path, error: decoded });
    } else {
      this.#corrupt.delete(path);
    }
    const previous = current === undefined ? this.#store.delete(path) : this.#store.set(current);
    if (current === undefined && previous === undefined) return undefined;
    const revision = event.keyValue.modRevision;
    return new ChangeEvent({ path, revision, current, previous, atMs: this.#clock.monotonicMs() });
  }

  #decode(pair: KeyValue): CacheEntry | ApiError {
    const path = this.#resource.keys.pathOf(pair.key);
    try {
      const { encoded, parsed } = decodePair(this.#resource, pair);
      this.#corrupt.delete(path);
      return new CacheEntry(encoded, parsed, this.#schema);
    } catch (error) {
      if (!isApiError(error)) throw error;
      this.#corrupt.set(path, error);
      return error;
    }
  }

  #checkDecodable(scope: Scope): void {
    for (const [path, error] of this.#corrupt) {
      if (isInScope(path, scope)) throw error;
    }
  }
}
