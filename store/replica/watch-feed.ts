/**
 * Joins the watch hub, which knows who needs which events, with the applier, which has the new
 * ones, and the event reader, which has the old ones. One loop reads history for all who are
 * behind; dispatch never waits for anybody (S38).
 */
import { isStoreError, storeError } from '../errors';
import type { KeyRange, Revision } from '../kv';
import type { ApplyOutcome, EventReader } from '../state';
import { WatchHub, type Watcher } from '../watch';
import type { WatchHandle, WatchSink, WatchSource } from '../wire';

/** One read of history: small enough to let other work in between. */
const SLICE = { bytesMax: 1024 * 1024, eventsMax: 1_000 } as const;

/** What a feed needs of the state. */
export interface WatchFeedState {
  readonly events: EventReader;
  revision(): Revision;
  compactRevision(): Revision;
}

/** All watches of a replica. */
export class WatchFeed implements WatchSource {
  readonly #state: WatchFeedState;
  readonly #hub: WatchHub;
  readonly #sinks = new Map<Watcher, WatchSink>();
  readonly #fail: (error: unknown) => void;
  #compactRevision: Revision;
  #isReading = false;
  #isStopped = false;

  /** `fail` is told of a failure to read history: the process must end (R95). */
  constructor(state: WatchFeedState, fail: (error: unknown) => void) {
    this.#state = state;
    this.#fail = fail;
    this.#compactRevision = state.compactRevision();
    this.#hub = new WatchHub({
      revision: state.revision(),
      compactRevision: this.#compactRevision,
    });
  }

  /** Open watches. */
  get size(): number {
    return this.#sinks.size;
  }

  localRevision(): Revision {
    return this.#state.revision();
  }

  /** A batch is visible to reads: its events go to all who are up to date. */
  publish(outcome: ApplyOutcome): void {
    this.#hub.publish(outcome.changes, outcome.revision);
    if (outcome.compactRevision > this.#compactRevision) {
      this.#compactRevision = outcome.compactRevision;
      this.#hub.compact(outcome.compactRevision);
    }
    this.#readLater();
  }

  openWatch(range: KeyRange, startRevision: Revision, sink: WatchSink): WatchHandle {
    const start = (startRevision === 0 ? this.#state.revision() + 1 : startRevision) as Revision;
    const ended: { watcher: Watcher | undefined } = { watcher: undefined };
    const watcher = this.#hub.watch({
      range,
      startRevision: start,
      sink: {
        push: (batch) => sink.offer(batch),
        pushCompacted: (compactRevision) => {
          if (ended.watcher !== undefined) this.#sinks.delete(ended.watcher);
          sink.end(
            storeError(
              'STORE_COMPACTED',
              `Cannot watch from revision ${start} as history is compacted: received ` +
                `compact revision ${compactRevision}`,
              { details: { compactRevision } },
            ),
          );
          return true;
        },
      },
    });
    ended.watcher = watcher;
    if (watcher.state !== 'ended') this.#sinks.set(watcher, sink);
    this.#readLater();
    return {
      startRevision: start,
      resume: () => {
        if (!this.#sinks.has(watcher)) return;
        this.#hub.unblock(watcher);
        this.#readLater();
      },
      progressAt: () => {
        // What was confirmed is applied here, so the present covers the revision asked for.
        if (!this.#sinks.has(watcher)) return;
        this.#hub.requestProgress(watcher);
        this.#readLater();
      },
      close: () => {
        if (this.#sinks.delete(watcher)) this.#hub.cancel(watcher);
      },
    };
  }

  /** Ends all watches. */
  stop(): void {
    this.#isStopped = true;
    const error = storeError('STORE_STOPPED', 'Cannot go on watching as the member stops');
    for (const [watcher, sink] of [...this.#sinks]) {
      this.#hub.cancel(watcher);
      sink.end(error);
    }
    this.#sinks.clear();
  }

  #readLater(): void {
    if (this.#isReading || this.#isStopped || this.#hub.nextCatchUp() === undefined) return;
    this.#isReading = true;
    this.#readHistory().then(
      () => {
        this.#isReading = false;
        this.#readLater();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  async #readHistory(): Promise<void> {
    for (;;) {
      const next = this.#hub.nextCatchUp();
      if (next === undefined || this.#isStopped) return;
      try {
        const slice = await this.#state.events.read(next.fromRevision, SLICE);
        this.#hub.provide(next.fromRevision, slice.throughRevision, slice.changes);
      } catch (error) {
        // Compacted while it was being asked for: the hub then tells those who are too far behind.
        if (!isStoreError(error) || error.code !== 'STORE_COMPACTED') throw error;
        this.#compactRevision = this.#state.compactRevision();
        this.#hub.compact(this.#compactRevision);
      }
    }
  }
}
