/**
 * Moves `durableAppliedIndex` (S4): the engine moves all that was written into files that no power
 * cut takes back, then `meta.flushed` says up to where; the log may be released up to there (R40).
 * The open check starts at `meta.flushed`, so the journal is kept from the flush before it.
 */
import { assert } from '../../base/assert';
import type { FaultPoint } from '../../base/fault-point';
import type { KvEngine } from '../engine';
import {
  journalKey,
  putFlushed,
  RecordWriter,
  type AppliedRecord,
  type FlushedRecord,
} from '../mvcc';

/** Journal records removed with one flush; the rest goes with the next. */
const JOURNAL_TRIM_MAX = 20_000;

/** Flushes; its owner never runs it beside an apply. */
export class Flusher {
  readonly #engine: KvEngine;
  readonly #faults: FaultPoint;
  readonly #writer = new RecordWriter();
  #flushed: FlushedRecord;
  #trimmedFrom = journalKey(0);

  constructor(options: {
    readonly engine: KvEngine;
    readonly flushed: FlushedRecord;
    readonly faults: FaultPoint;
  }) {
    this.#engine = options.engine;
    this.#flushed = options.flushed;
    this.#faults = options.faults;
  }

  get flushed(): FlushedRecord {
    return this.#flushed;
  }

  async flush(applied: AppliedRecord): Promise<void> {
    assert(applied.index >= this.#flushed.index, 'the applied index never falls');
    if (applied.index === this.#flushed.index) return;
    await this.#engine.flush();
    await this.#faults('flushBeforeMeta');
    const { index, term, revision, fold, link } = applied;
    const flushed = { index, term, revision, fold, link };
    const batch = this.#engine.batch();
    putFlushed(this.#writer, batch, flushed);
    const end = journalKey(this.#flushed.index + 1);
    const iterator = this.#engine.iterate({ start: this.#trimmedFrom, end }, { keysOnly: true });
    const old = await iterator.next(JOURNAL_TRIM_MAX);
    await iterator.close();
    for (const { key } of old) batch.delete(key);
    await batch.write();
    this.#trimmedFrom = old.at(-1)?.key ?? this.#trimmedFrom;
    this.#flushed = flushed;
  }
}
