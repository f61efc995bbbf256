/**
 * `Storage` out of memory (K5 to K7, K14 to K23): a watch cache of one resource in front of its
 * `KvStorage`. Writes go to the store, with the cached object as a first guess; linearizable point
 * reads too; lists and watches come from the cache, fresh by K7 and K8.
 *
 * Every built-in resource has its cache filled at start, all of them at once: an empty resource
 * costs one list and one watch, which travel together on one connection, and K64 lets the server
 * say that it is ready only when all are. Filling on first use would save little and make a first
 * `kubectl get` wait, or be refused (K21).
 */
import type { Clock } from '../../base/clock';
import { noFaults, type FaultPoint } from '../../base/fault-point';
import { nullLogger, type Logger } from '../../base/logger';
import type { Revision } from '../../store/index';
import type { GroupResource, KubernetesObject } from '../machinery/object';
import { tooManyRequests } from '../machinery/status';
import {
  decodeContinueToken,
  revisionOf,
  type ContinuePosition,
  type Freshness,
  type KvStorage,
  type ListRequest,
  type Preconditions,
  type Storage,
  type StorageWatchEvent,
  type StoredList,
  type StoredObject,
  type UpdateFunction,
  type WatchRequest,
  type WriteOptions,
} from '../storage/index';
import { pageOf, selectPast, startPathOf } from './cache-list';
import { decideGet, decideList, listFacts } from './delegation';
import { FreshnessGate } from './freshness';
import { DEFAULT_CACHER_LIMITS, type CacherLimits } from './limits';
import { ProgressRequester } from './progress-requester';
import { Readiness } from './readiness';
import { Reflector } from './reflector';
import { WatchCache } from './watch-cache';
import { WatchStreams } from './watch-streams';

/** What a cacher is made of. */
export interface CacherOptions {
  /** The resource in the store; the cacher writes through it and falls back to it. */
  readonly storage: KvStorage;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly limits?: Partial<CacherLimits>;
  /** `cacheBeforeApply`: holds or delays this cache for tests (K25, K90). */
  readonly faultPoint?: FaultPoint;
}

/** The watch cache of one resource. */
export class Cacher implements Storage {
  readonly resource: GroupResource;
  readonly #storage: KvStorage;
  readonly #readiness = new Readiness();
  readonly #cache: WatchCache;
  readonly #reflector: Reflector;
  readonly #freshness: FreshnessGate;
  readonly #streams: WatchStreams;

  constructor(options: CacherOptions) {
    const { storage, clock, logger = nullLogger, faultPoint = noFaults } = options;
    this.resource = storage.resource;
    this.#storage = storage;
    const limits = { ...DEFAULT_CACHER_LIMITS, ...options.limits };
    const resource = storage.parts;
    this.#cache = new WatchCache({ resource, clock, limits });
    const target = {
      cache: this.#cache,
      filled: () => {
        resource.metrics?.initializations.increment([this.resource.resource]);
        this.#readiness.setReady();
      },
      lost: () => {
        this.#readiness.setPending();
        this.#streams.endAll();
      },
      changed: this.#changed.bind(this),
    };
    this.#reflector = new Reflector({ resource, target, clock, limits, logger, faultPoint });
    const progress = new ProgressRequester(() => this.#reflector.requestProgress());
    this.#freshness = new FreshnessGate({ cache: this.#cache, progress, clock, limits });
    const parts = { resource, cache: this.#cache, freshness: this.#freshness, clock, limits };
    this.#streams = new WatchStreams(parts);
  }

  /** Fills the cache and keeps it current until the signal aborts; watches then end cleanly. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#reflector.run(signal);
    } finally {
      this.#readiness.stop();
      this.#streams.endAll();
    }
  }

  isReady(): boolean {
    return this.#readiness.isReady;
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    return this.#readiness.whenReady(signal);
  }

  problem(): string | undefined {
    return this.#cache.problem();
  }

  /** Forgets all history, so that every watch from an older revision gets 410 (K14). */
  forgetHistory(): void {
    this.#cache.forgetHistory();
  }

  create(path: string, object: KubernetesObject, options?: WriteOptions): Promise<StoredObject> {
    return this.#storage.create(path, object, options);
  }

  async get(
    path: string,
    freshness: Freshness,
    signal?: AbortSignal,
  ): Promise<StoredObject | undefined> {
    const decision = decideGet(freshness, this.isReady());
    if (decision === 'cacheNotOlderThan' && freshness.kind === 'notOlderThan') {
      await this.#freshness.atLeast(freshness.resourceVersion, signal);
    }
    if (decision === 'store' || !this.isReady()) return this.#storage.get(path, freshness, signal);
    return this.#cache.get(path)?.object;
  }

  async list(request: ListRequest): Promise<StoredList> {
    const { continueToken } = request;
    const position = continueToken === undefined ? undefined : decodeContinueToken(continueToken);
    const known = { continueRevision: position?.revision, isReady: this.isReady() };
    const decision = decideList(listFacts(request, known));
    switch (decision.kind) {
      case 'refuse':
        throw notReady();
      case 'store':
        return this.#storage.list(request);
      case 'cacheAny':
        return this.#listPresent(request, undefined, 0);
      case 'cacheConsistent': {
        const isFresh = await this.#freshness.consistent(request.signal);
        this.#countConsistent(isFresh);
        if (!isFresh || !this.isReady()) return this.#storage.list(request);
        return this.#listPresent(request, position, request.limit);
      }
      case 'cacheNotOlderThan':
        await this.#freshness.atLeast(decision.resourceVersion, request.signal);
        if (!this.isReady()) return this.#storage.list(request);
        return this.#listPresent(request, position, request.limit);
      case 'cacheExact':
        await this.#freshness.atLeast(decision.resourceVersion, request.signal);
        return this.#listPast(request, position, revisionOf(decision.resourceVersion));
    }
  }

  guaranteedUpdate(
    path: string,
    preconditions: Preconditions,
    update: UpdateFunction,
    options?: WriteOptions,
  ): Promise<StoredObject> {
    const guess = this.#guess(path);
    return this.#storage.guaranteedUpdate(path, preconditions, update, options, guess);
  }

  delete(
    path: string,
    preconditions: Preconditions,
    validate: (current: StoredObject) => Promise<void>,
    options?: WriteOptions,
  ): Promise<StoredObject> {
    return this.#storage.delete(path, preconditions, validate, options, this.#guess(path));
  }

  watch(request: WatchRequest): Promise<AsyncIterable<StorageWatchEvent>> {
    if (!this.isReady()) return Promise.reject(notReady());
    return Promise.resolve(this.#streams.open(request));
  }

  #guess(path: string): ReturnType<WatchCache['guess']> {
    return this.isReady() ? this.#cache.guess(path) : undefined;
  }

  /** A list of the state the cache has now. */
  #listPresent(
    request: ListRequest,
    position: ContinuePosition | undefined,
    limit: number,
  ): StoredList {
    const { scope, predicate } = request;
    const start = startPathOf(request, position);
    const { entries, index, fetched } = this.#cache.select(scope, predicate, start, limit);
    const { isNamespaced } = this.#storage.parts;
    const list = pageOf({
      request,
      revision: this.#cache.revision,
      limit,
      entries,
      isNamespaced,
      countAfter: (path) => this.#cache.countAfter(scope, path),
    });
    this.#countList(index, fetched, list.items.length);
    return list;
  }

  /** A list of the state at `revision`, from history or else from the store (K22). */
  async #listPast(
    request: ListRequest,
    position: ContinuePosition | undefined,
    revision: Revision,
  ): Promise<StoredList> {
    if (revision === this.#cache.revision && this.isReady()) {
      return this.#listPresent(request, position, request.limit);
    }
    const past = this.isReady() ? this.#cache.past(request.scope, revision) : undefined;
    if (past === undefined) return this.#storage.list(request);
    const { entries, fetched } = selectPast(past, request, startPathOf(request, position));
    const { isNamespaced } = this.#storage.parts;
    const list = pageOf({
      request,
      revision,
      limit: request.limit,
      entries,
      isNamespaced,
      countAfter: (path) => past.countAfter(path),
    });
    this.#countList('exact', fetched, list.items.length);
    return list;
  }

  #changed(processed: ReturnType<WatchCache['process']>, revision: Revision): void {
    const { metrics } = this.#storage.parts;
    const labels = [this.resource.resource];
    const delivered = this.#streams.dispatch(processed);
    // Only now: who waits for this revision finds all of it in the queues as well (K19).
    this.#cache.advance(revision);
    metrics?.eventsReceived.increment(labels, processed.events.length);
    metrics?.eventsDispatched.increment(labels, delivered);
    metrics?.objects.set(labels, this.#cache.size);
    metrics?.cacheRevision.set(labels, this.#cache.revision);
    metrics?.historyCapacity.set(labels, this.#cache.history.capacity);
  }

  #countList(index: string, fetched: number, returned: number): void {
    const { metrics } = this.#storage.parts;
    const name = this.resource.resource;
    metrics?.cacheLists.increment([name, index]);
    metrics?.cacheFetched.increment([name, index], fetched);
    metrics?.cacheReturned.increment([name], returned);
  }

  #countConsistent(isFresh: boolean): void {
    const labels = [this.resource.resource, String(isFresh), String(!isFresh)];
    this.#storage.parts.metrics?.consistentReads.increment(labels);
  }
}

function notReady(): Error {
  return tooManyRequests('storage is (re)initializing');
}
