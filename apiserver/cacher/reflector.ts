/**
 * Keeps a watch cache equal to the store: one list at a revision R, then one watch from R + 1, for
 * as long as it runs. The store's watch survives changes of leader and replica by itself; if it
 * ends all the same, the reflector watches again from the last revision it knows, and only when
 * that is compacted away it lists anew (the cache is not ready meanwhile, K21).
 */
import { delay, type Cancel, type Clock } from '../../base/clock';
import { InvariantError } from '../../base/assert';
import { hasCode } from '../../base/error';
import type { FaultPoint } from '../../base/fault-point';
import { keyAfter } from '../../base/bytes';
import type { Logger } from '../../base/logger';
import { storeError, type KvWatch, type ListResult, type Revision } from '../../store/index';
import { groupResourceName } from '../machinery/object';
import { revisionAfter, type KvResource } from '../storage/index';
import type { CacherLimits } from './limits';
import type { Processed, WatchCache } from './watch-cache';

/** What the reflector tells its cacher. */
export interface ReflectorTarget {
  readonly cache: WatchCache;
  /** The cache holds a complete state again. */
  filled(): void;
  /** The cache lost its place; watchers must begin anew. */
  lost(): void;
  /** Changes to send to watchers. `revision` is known completely once this returns. */
  changed(processed: Processed, revision: Revision): void;
}

const WHOLE = { namespace: undefined, name: undefined };

/** What a reflector is made of. */
export interface ReflectorOptions {
  readonly resource: KvResource;
  readonly target: ReflectorTarget;
  readonly clock: Clock;
  readonly limits: CacherLimits;
  readonly logger: Logger;
  /** `cacheBeforeApply`: a test may hold or delay the cache here (K25). */
  readonly faultPoint: FaultPoint;
}

/** The loop that fills one cache. */
export class Reflector {
  readonly #options: ReflectorOptions;
  #watch: KvWatch | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  /** The store's present revision, which then comes through the cache as well. */
  async requestProgress(): Promise<Revision> {
    if (this.#watch === undefined) {
      throw storeError('STORE_UNREACHABLE', 'Cannot ask for progress: received no open watch');
    }
    return this.#watch.requestProgress();
  }

  /** Runs until the signal aborts. Fails only for a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { target, clock, limits, logger, resource } = this.#options;
    let mustList = true;
    let retryMs = limits.retryMsMin;
    while (!signal.aborted) {
      try {
        if (mustList) {
          await this.#list(signal);
          if (isAborted(signal)) return;
          mustList = false;
          target.filled();
        }
        await this.#follow(signal, () => (retryMs = limits.retryMsMin));
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        if (isAborted(signal)) return;
        if (hasCode(error, 'STORE_COMPACTED') && !mustList) {
          mustList = true;
          target.lost();
        }
        logger.warn('watch cache lost its watch of the store', {
          resource: groupResourceName(resource.resource),
          error: error instanceof Error ? error.message : String(error),
          retryMs,
        });
      }
      if (isAborted(signal)) return;
      await delay(clock, retryMs, signal);
      retryMs = Math.min(retryMs * 2, limits.retryMsMax);
    }
  }

  /** Reads the whole resource at one revision, page by page. */
  async #list(signal: AbortSignal): Promise<void> {
    const { resource, target, limits } = this.#options;
    const range = resource.keys.rangeOf(WHOLE);
    let { start } = range;
    let revision: Revision | undefined;
    target.cache.beginReplace();
    for (;;) {
      const page: ListResult = await resource.kv.list(
        { start, end: range.end },
        { limit: limits.listPageSize, signal, ...(revision === undefined ? {} : { revision }) },
      );
      revision ??= page.revision;
      for (const pair of page.keyValues) target.cache.addListed(pair);
      const last = page.keyValues.at(-1);
      if (!page.more || last === undefined) break;
      start = keyAfter(last.key);
    }
    target.cache.endReplace(revision);
  }

  async #follow(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { resource, target, faultPoint } = this.#options;
    const startRevision = revisionAfter(target.cache.revision);
    const watch = resource.kv.watch(resource.keys.rangeOf(WHOLE), { startRevision, signal });
    this.#watch = watch;
    const cancel = this.#keepUp(watch);
    try {
      for await (const batch of watch) {
        await faultPoint('cacheBeforeApply');
        if (isAborted(signal)) return;
        onProgress();
        // K7: a progress of revision 0 says nothing.
        if (batch.revision === 0) continue;
        const events = batch.kind === 'events' ? batch.events : [];
        target.changed(target.cache.process(events), batch.revision);
      }
    } finally {
      cancel();
      this.#watch = undefined;
      watch.close();
    }
  }

  /**
   * A resource that nobody writes would stay at its revision until that is compacted away, and
   * then lose its history and its watchers whenever a replica dies. So it asks now and then.
   */
  #keepUp(watch: KvWatch): Cancel {
    const { clock, limits } = this.#options;
    let cancel: Cancel = () => undefined;
    const arm = (): void => {
      cancel = clock.after(limits.idleProgressMs, () => {
        // An answer that does not come is no loss: the watch itself says when it fails.
        void watch.requestProgress().catch(() => undefined);
        arm();
      });
    };
    arm();
    return () => cancel();
  }
}

/** Keeps the compiler from believing that a signal never changes across an `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
