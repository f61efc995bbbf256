/**
 * Events of the past, for watches that are behind: the revision log says what happened, the values
 * come from the current column (if still current) or the history. Each event but a creation has
 * its previous value: whatever was superseded at the compact revision or above is kept (S31).
 */
import { assert } from '../../base/assert';
import type { EngineSnapshot, KvEngine } from '../engine';
import type { KeyValue, Revision, WatchEvent } from '../kv';
import {
  compactedError,
  corrupt,
  currentKey,
  decodeCurrent,
  decodeHistory,
  decodeRevisionLog,
  historyKey,
  NAMESPACE,
  revisionBounds,
  tombstone,
  type RevisionLogRecord,
} from '../mvcc';
import type { RevisionEvents } from '../watch';
import { EntryStream } from './entry-stream';
import type { ReadView, ReadViews } from './read-view';

/** A part of the history. */
export interface EventSlice {
  /** All events up to and with this revision are in `changes`. */
  readonly throughRevision: Revision;
  readonly changes: readonly RevisionEvents[];
}

/** How much to read at once. */
export interface EventLimits {
  readonly bytesMax?: number;
  readonly eventsMax?: number;
}

/** Records whose values are fetched together. */
const GROUP_RECORDS = 64;

/** Reads events with their previous values, beside writes. */
export class EventReader {
  readonly #engine: KvEngine;
  readonly #views: ReadViews;

  constructor(engine: KvEngine, views: ReadViews) {
    this.#engine = engine;
    this.#views = views;
  }

  /**
   * Events from `fromRevision` on, whole revisions, until about `bytesMax` or `eventsMax`.
   * `STORE_COMPACTED` if `fromRevision` is below the compact revision.
   */
  async read(fromRevision: Revision, limits: EventLimits = {}): Promise<EventSlice> {
    const { bytesMax = 1024 * 1024, eventsMax = 1000 } = limits;
    const view = this.#views.acquire();
    try {
      if (fromRevision < view.compactRevision) {
        throw compactedError(fromRevision, view.compactRevision);
      }
      return await this.#read(view, fromRevision, bytesMax, eventsMax);
    } finally {
      view.release();
    }
  }

  async #read(
    view: ReadView,
    fromRevision: Revision,
    bytesMax: number,
    eventsMax: number,
  ): Promise<EventSlice> {
    const { location } = this.#engine;
    const records = new EntryStream({
      engine: this.#engine,
      bounds: revisionBounds(NAMESPACE.revisionLog, fromRevision, view.revision + 1),
      snapshot: view.snapshot,
      chunkSize: Math.min(eventsMax + 1, 500),
      decode: ({ key, value }) => decodeRevisionLog(location, key, value),
    });
    const changes: RevisionEvents[] = [];
    let group: RevisionLogRecord[] = [];
    let events = 0;
    let bytes = 0;
    try {
      for (;;) {
        const wait = records.fill();
        if (wait !== undefined) await wait;
        const record = records.head;
        const isNewRevision = record === undefined || record.main !== group.at(-1)?.main;
        if (isNewRevision && (record === undefined || group.length >= GROUP_RECORDS)) {
          bytes += await this.#addGroup(group, view.snapshot, changes);
          events += group.length;
          group = [];
        }
        if (record === undefined) {
          const through = Math.max(view.revision, fromRevision - 1) as Revision;
          return { throughRevision: through, changes };
        }
        const isFull = bytes >= bytesMax || events + group.length >= eventsMax;
        if (isFull && isNewRevision && events + group.length > 0) {
          await this.#addGroup(group, view.snapshot, changes);
          return { throughRevision: (record.main - 1) as Revision, changes };
        }
        group.push(record);
        records.advance();
      }
    } finally {
      await records.close();
    }
  }

  /** Turns whole revisions of records into events; returns about how many bytes they have. */
  async #addGroup(
    group: readonly RevisionLogRecord[],
    snapshot: EngineSnapshot,
    changes: RevisionEvents[],
  ): Promise<number> {
    if (group.length === 0) return 0;
    const previous = await this.#previous(group, snapshot);
    const present = await this.#present(group, snapshot);
    let bytes = 0;
    let events: WatchEvent[] = [];
    group.forEach((record, at) => {
      const event = {
        kind: record.type,
        keyValue: present[at] ?? tombstone(record.key, record.main),
        previous: previous[at],
      };
      bytes += record.key.length + event.keyValue.value.length;
      bytes += event.previous?.value.length ?? 0;
      if (record.sub === 0) {
        events = [];
        changes.push({ revision: record.main, events });
      }
      assert(record.sub === events.length, 'the changes of a revision are complete', {
        main: record.main,
        sub: record.sub,
      });
      events.push(event);
    });
    return bytes;
  }

  /** For each record the version it replaced. */
  async #previous(
    group: readonly RevisionLogRecord[],
    snapshot: EngineSnapshot,
  ): Promise<(KeyValue | undefined)[]> {
    const wanted = group.map(({ key, previousMain, previousSub }) =>
      previousMain === 0 ? undefined : historyKey(key, previousMain, previousSub),
    );
    return this.#fromHistory(wanted, snapshot);
  }

  /** For each record of a put what it wrote. */
  async #present(
    group: readonly RevisionLogRecord[],
    snapshot: EngineSnapshot,
  ): Promise<(KeyValue | undefined)[]> {
    const { location } = this.#engine;
    const engineKeys = group.map(({ key }) => currentKey(key));
    const values = await this.#engine.getMany(engineKeys, { snapshot });
    const found = group.map((record, at) => {
      const value = values[at];
      if (record.type === 'delete' || value === undefined) return undefined;
      const current = decodeCurrent(location, engineKeys[at] as Uint8Array, value);
      const isSame = current.keyValue.modRevision === record.main && current.modSub === record.sub;
      return isSame ? current.keyValue : undefined;
    });
    const wanted = group.map(({ type, key, main, sub }, at) =>
      type === 'put' && found[at] === undefined ? historyKey(key, main, sub) : undefined,
    );
    const superseded = await this.#fromHistory(wanted, snapshot);
    return found.map((keyValue, at) => keyValue ?? superseded[at]);
  }

  async #fromHistory(
    wanted: readonly (Uint8Array | undefined)[],
    snapshot: EngineSnapshot,
  ): Promise<(KeyValue | undefined)[]> {
    const { location } = this.#engine;
    const keys = wanted.filter((key) => key !== undefined);
    const values = await this.#engine.getMany(keys, { snapshot });
    let at = 0;
    return wanted.map((key) => {
      if (key === undefined) return undefined;
      const value = values[at++];
      if (value === undefined) throw corrupt(location, 'a version of the history is missing');
      return decodeHistory(location, key, value).keyValue;
    });
  }
}
