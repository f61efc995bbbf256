/**
 * One batch in flight (spec: raft 4.4): while its sync runs, the next one collects. There is no
 * waiting window, batching comes from load. A save is done when its last entry is durable and all
 * saves before it are done.
 */
import type { Entry, HardState } from '../core';

/** One Ready's worth of work for the log. */
export interface Save {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** False: nothing of it has to be durable by itself; it still keeps its place. */
  readonly mustSync: boolean;
  /** Called once, in order; must not throw. */
  readonly onDurable: () => void;
}

/** What is written and synced together. */
export interface Batch {
  /** The newest hard state of its saves. */
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** False: no save of it asks for a write. */
  readonly mustSync: boolean;
}

/** How large a batch may become; one larger entry forms its own. */
export interface BatchLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
}

/** Turns saves into batches. */
export class GroupCommit {
  readonly #limits: BatchLimits;
  readonly #write: (batch: Batch, finished: readonly Save[]) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #queue: Save[] = [];
  /** How many entries of the queue's first save are written. */
  #written = 0;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();
  #isFailed = false;

  constructor(
    limits: BatchLimits,
    write: (batch: Batch, finished: readonly Save[]) => Promise<void>,
    onFailure: (error: unknown) => void,
  ) {
    this.#limits = limits;
    this.#write = write;
    this.#onFailure = onFailure;
  }

  /** Queues a save. If the disk is idle, its write begins within the call. */
  save(save: Save): void {
    if (this.#isFailed) return;
    this.#queue.push(save);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run = this.#writeAll();
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.#isRunning) await this.#run;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const { batch, finished } = this.#take();
        await this.#write(batch, finished);
        // Done ones may queue more: the loop sees it, since the queue is looked at afterwards.
        for (const save of finished) save.onDurable();
      }
    } catch (error) {
      this.#isFailed = true;
      this.#queue = [];
      this.#onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Takes as many whole saves as fit, or a part of one that is too large. */
  #take(): { batch: Batch; finished: Save[] } {
    const entries: Entry[] = [];
    const finished: Save[] = [];
    let hardState: HardState | undefined;
    let size = 0;
    let mustSync = false;
    let taken = 0;
    take: for (const save of this.#queue) {
      for (let at = taken === 0 ? this.#written : 0; at < save.entries.length; at++) {
        const entry = save.entries[at] as Entry;
        size += entry.data.length;
        const isFull = size > this.#limits.bytesMax || entries.length >= this.#limits.entriesMax;
        if (isFull && entries.length > 0) {
          if (at > 0) hardState = save.hardState ?? hardState;
          this.#written = at;
          break take;
        }
        entries.push(entry);
      }
      hardState = save.hardState ?? hardState;
      mustSync ||= save.mustSync;
      finished.push(save);
      taken += 1;
      this.#written = 0;
    }
    this.#queue = this.#queue.slice(taken);
    return { batch: { hardState, entries, mustSync: mustSync || entries.length > 0 }, finished };
  }
}
