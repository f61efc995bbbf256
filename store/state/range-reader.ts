/**
 * Gets and lists at the latest or an older revision (spec: store 2.3). The latest state is a scan
 * of the current column; an older one merges it (written at most at r) with the history (written
 * at most at r, superseded above r): a key's state at r is in exactly one of the two.
 *
 * `count` scans. (A sparse index of counts comes with the store's own issue.)
 */
import type { KvEngine } from '../engine';
import type { CountResult, GetResult, KeyRange, KeyValue, ListResult, Revision } from '../kv';
import { STORE_LIMITS } from '../limits';
import {
  checkReadRevision,
  currentBounds,
  currentKey,
  decodeCurrent,
  decodeHistory,
  historyBounds,
  historyKey,
  withoutValue,
} from '../mvcc';
import { keyAfter } from '../../base/bytes';
import { EntryStream } from './entry-stream';
import type { ReadView, ReadViews } from './read-view';

/** What to read of a range. */
export interface RangeRead {
  /** 0: the latest. Below the compact revision `STORE_COMPACTED`, above the current
   *  `STORE_FUTURE_REVISION`. */
  readonly revision?: Revision;
  /** 0: all, as far as `bytesMax` allows. */
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly withCount?: boolean;
  /** The answer is cut behind the pair that reaches it. */
  readonly bytesMax?: number;
}

/** Bytes of a pair beside key and value, for the size of an answer. */
const PAIR_OVERHEAD_BYTES = 64;
const LATEST = 0 as Revision;

/** Reads one moment of the state, beside writes. */
export class RangeReader {
  readonly #engine: KvEngine;
  readonly #views: ReadViews;

  constructor(engine: KvEngine, views: ReadViews) {
    this.#engine = engine;
    this.#views = views;
  }

  /** One key. */
  async get(key: Uint8Array, revision = LATEST): Promise<GetResult> {
    const view = this.#views.acquire();
    try {
      check(revision, view);
      const current = this.#current(key, view);
      if (revision === 0 || (current !== undefined && current.modRevision <= revision)) {
        return { revision: view.revision, keyValue: current };
      }
      return { revision: view.revision, keyValue: await this.#past(key, revision, view) };
    } finally {
      view.release();
    }
  }

  /** Pairs of a range in key order. */
  async list(range: KeyRange, read: RangeRead = {}): Promise<ListResult> {
    const { revision = LATEST, limit = 0, keysOnly = false, withCount = false } = read;
    const { bytesMax = STORE_LIMITS.listBytesMax } = read;
    const view = this.#views.acquire();
    const keyValues: KeyValue[] = [];
    let bytes = 0;
    let count = 0;
    let more = false;
    const take = (keyValue: KeyValue): boolean => {
      count += 1;
      if (!more && (limit === 0 || keyValues.length < limit) && bytes < bytesMax) {
        const pair = keysOnly ? withoutValue(keyValue) : keyValue;
        bytes += pair.key.length + pair.value.length + PAIR_OVERHEAD_BYTES;
        keyValues.push(pair);
        return true;
      }
      more = true;
      return withCount;
    };
    try {
      check(revision, view);
      await this.#walk(range, revision, view, take, limit > 0 && !withCount ? limit + 1 : 500);
      const counted = withCount ? count : undefined;
      return { revision: view.revision, keyValues, more, count: counted };
    } finally {
      view.release();
    }
  }

  /** The number of keys of a range. */
  async count(range: KeyRange, revision = LATEST): Promise<CountResult> {
    const view = this.#views.acquire();
    let count = 0;
    const take = (): boolean => {
      count += 1;
      return true;
    };
    try {
      check(revision, view);
      await this.#walk(range, revision, view, take, 1000);
      return { revision: view.revision, count };
    } finally {
      view.release();
    }
  }

  /** Gives the pairs of a range at a revision to `take`, until it answers false. */
  async #walk(
    range: KeyRange,
    revision: Revision,
    view: ReadView,
    take: (keyValue: KeyValue) => boolean,
    chunkSize: number,
  ): Promise<void> {
    if (range.end !== undefined && Buffer.compare(range.start, range.end) >= 0) return;
    const current = this.#currentStream(range, revision, view, chunkSize);
    const isLatest = revision === 0 || revision === view.revision;
    const past = isLatest ? undefined : this.#pastStream(range, revision, view);
    try {
      for (;;) {
        const wait = current.fill();
        if (wait !== undefined) await wait;
        const waitPast = past?.fill();
        if (waitPast !== undefined) await waitPast;
        const source = first(current, past);
        if (source?.head === undefined || !take(source.head)) return;
        source.advance();
      }
    } finally {
      await current.close();
      await past?.close();
    }
  }

  #currentStream(
    range: KeyRange,
    revision: Revision,
    view: ReadView,
    chunkSize: number,
  ): EntryStream<KeyValue> {
    const { location } = this.#engine;
    return new EntryStream({
      engine: this.#engine,
      bounds: currentBounds(range),
      snapshot: view.snapshot,
      chunkSize: Math.min(chunkSize, 500),
      decode: ({ key, value }) => {
        const { keyValue } = decodeCurrent(location, key, value);
        return revision === 0 || keyValue.modRevision <= revision ? keyValue : undefined;
      },
    });
  }

  #pastStream(range: KeyRange, revision: Revision, view: ReadView): EntryStream<KeyValue> {
    const { location } = this.#engine;
    return new EntryStream({
      engine: this.#engine,
      bounds: historyBounds(range),
      snapshot: view.snapshot,
      decode: ({ key, value }) => {
        const { keyValue, supersededMain } = decodeHistory(location, key, value);
        const isThere = keyValue.modRevision <= revision && supersededMain > revision;
        return isThere ? keyValue : undefined;
      },
    });
  }

  #current(key: Uint8Array, view: ReadView): KeyValue | undefined {
    const engineKey = currentKey(key);
    const value = this.#engine.getSync(engineKey, { snapshot: view.snapshot });
    if (value === undefined) return undefined;
    return decodeCurrent(this.#engine.location, engineKey, value).keyValue;
  }

  /** The key's newest version of at most `revision`, if it was still there at `revision`. */
  async #past(key: Uint8Array, revision: Revision, view: ReadView): Promise<KeyValue | undefined> {
    const start = historyKey(key, revision, 0xffff_ffff);
    const { end } = historyBounds({ start: key, end: keyAfter(key) });
    const { snapshot } = view;
    const iterator = this.#engine.iterate({ start, end }, { snapshot });
    try {
      const [entry] = await iterator.next(1);
      if (entry === undefined) return undefined;
      const record = decodeHistory(this.#engine.location, entry.key, entry.value);
      return record.supersededMain > revision ? record.keyValue : undefined;
    } finally {
      await iterator.close();
    }
  }
}

function check(revision: Revision, view: ReadView): void {
  const bounds = { current: view.revision, compact: view.compactRevision };
  const failure = checkReadRevision(revision, bounds);
  if (failure !== undefined) throw failure;
}

/** The stream whose head comes first in key order. */
function first(
  current: EntryStream<KeyValue>,
  past: EntryStream<KeyValue> | undefined,
): EntryStream<KeyValue> | undefined {
  if (past?.head === undefined) return current;
  if (current.head === undefined) return past;
  return Buffer.compare(current.head.key, past.head.key) < 0 ? current : past;
}
