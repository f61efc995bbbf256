/**
 * Removes what the compact revision allows, in slices between applies, resumable after a crash:
 * first due entries of the garbage queue with the versions they stand for, then due records of the
 * revision log, then `meta.compactDone` says so. Never changes an answer: reads look at the compact
 * revision, not at what is physically left (S20).
 */
import type { FaultPoint } from '../../base/fault-point';
import type { EngineEntry, KvEngine } from '../engine';
import type { Revision } from '../kv';
import {
  decodeGarbage,
  dueGarbage,
  dueRevisions,
  garbageTarget,
  META_KEYS,
  putMetaCounter,
  RecordWriter,
  type Bounds,
} from '../mvcc';

/** Removes old records; its owner never runs it beside an apply. */
export class Compactor {
  readonly #engine: KvEngine;
  readonly #faults: FaultPoint;
  readonly #writer = new RecordWriter();
  #compactDone: Revision;
  /** Where the last slice stopped: LevelDB would walk over all that was deleted before it. */
  #garbageFrom: Uint8Array | undefined;
  #revisionsFrom: Uint8Array | undefined;

  constructor(options: {
    readonly engine: KvEngine;
    readonly compactDone: Revision;
    readonly faults: FaultPoint;
  }) {
    this.#engine = options.engine;
    this.#compactDone = options.compactDone;
    this.#faults = options.faults;
  }

  /** Removes at most `recordsMax` records; false when nothing is left below `compactRevision`. */
  async slice(compactRevision: Revision, recordsMax: number): Promise<boolean> {
    if (compactRevision <= this.#compactDone) return false;
    return (
      (await this.#removeGarbage(compactRevision, recordsMax)) ||
      (await this.#removeRevisions(compactRevision, recordsMax)) ||
      (await this.#finish(compactRevision))
    );
  }

  async #removeGarbage(compactRevision: Revision, recordsMax: number): Promise<boolean> {
    const bounds = startingAt(dueGarbage(compactRevision), this.#garbageFrom);
    const due = await this.#take(bounds, recordsMax, false);
    if (due.length === 0) return false;
    const batch = this.#engine.batch();
    for (const { key, value } of due) {
      batch.delete(garbageTarget(decodeGarbage(this.#engine.location, key, value)));
      batch.delete(key);
    }
    await this.#faults('compactBeforeBatch');
    await batch.write();
    this.#garbageFrom = due.at(-1)?.key;
    return true;
  }

  async #removeRevisions(compactRevision: Revision, recordsMax: number): Promise<boolean> {
    const range = dueRevisions(this.#compactDone, compactRevision);
    const due = await this.#take(startingAt(range, this.#revisionsFrom), recordsMax, true);
    if (due.length === 0) return false;
    const batch = this.#engine.batch();
    for (const { key } of due) batch.delete(key);
    await this.#faults('compactBeforeBatch');
    await batch.write();
    this.#revisionsFrom = due.at(-1)?.key;
    return true;
  }

  async #finish(compactRevision: Revision): Promise<false> {
    const batch = this.#engine.batch();
    putMetaCounter(this.#writer, batch, META_KEYS.compactDone, compactRevision);
    await this.#faults('compactBeforeBatch');
    await batch.write();
    this.#compactDone = compactRevision;
    return false;
  }

  async #take(
    bounds: Bounds,
    recordsMax: number,
    keysOnly: boolean,
  ): Promise<readonly EngineEntry[]> {
    const iterator = this.#engine.iterate(bounds, { keysOnly });
    try {
      return await iterator.next(recordsMax);
    } finally {
      await iterator.close();
    }
  }
}

/** The part of `bounds` from `from` on: both are keys of one namespace. */
function startingAt(bounds: Bounds, from: Uint8Array | undefined): Bounds {
  return from === undefined ? bounds : { start: from, end: bounds.end };
}
