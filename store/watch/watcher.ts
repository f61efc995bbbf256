/**
 * One watch: a range, a position, a sink, and one of four conditions.
 *
 *   synced ──(sink refuses)──> blocked ──(unblock)──> catchingUp ──(has all)──> synced
 *     catchingUp ──(sink refuses)──> blocked           any ──(cancel, compacted)──> ended
 *
 * Invariant: everything of the range below `cursor` was accepted by the sink, nothing from `cursor`
 * on was. A synced watcher has its cursor above the hub's revision.
 */
import type { KeyRange, Revision, WatchBatch, WatchEvent } from '../kv';
import { isInRange } from './watch-range';
import type { RevisionEvents, WatchSink } from './event';

/** A watcher as its owner holds it. */
export interface Watcher {
  readonly id: number;
  readonly range: KeyRange;
  /** The first revision that was not delivered yet. */
  readonly cursor: Revision;
  readonly state: 'synced' | 'catchingUp' | 'blocked' | 'ended';
}

/** A batch is cut between revisions once it has this many bytes. */
const BATCH_BYTES = 1024 * 1024;
const EVENT_OVERHEAD_BYTES = 100;

/** A watcher as the hub holds it. */
export class WatcherState implements Watcher {
  readonly id: number;
  readonly range: KeyRange;
  readonly sink: WatchSink;
  state: Watcher['state'];
  readonly #hub: { readonly revision: Revision };
  /** The cursor, but for a synced watcher that had nothing to get for a while: see `cursor`. */
  #position: Revision;

  constructor(options: {
    readonly id: number;
    readonly range: KeyRange;
    readonly sink: WatchSink;
    readonly cursor: Revision;
    readonly state: 'synced' | 'catchingUp';
    readonly hub: { readonly revision: Revision };
  }) {
    this.id = options.id;
    this.range = options.range;
    this.sink = options.sink;
    this.#position = options.cursor;
    this.state = options.state;
    this.#hub = options.hub;
  }

  /** Others' revisions move an idle synced watcher too, without touching it. */
  get cursor(): Revision {
    if (this.state !== 'synced') return this.#position;
    return Math.max(this.#position, this.#hub.revision + 1) as Revision;
  }

  /** Fixes the cursor of a synced watcher, before the hub's revision or its state changes. */
  settle(): void {
    this.#position = this.cursor;
  }

  /**
   * Offers events of the range up to `throughRevision`; false if the sink refused some, and then
   * the cursor stands before the first refused revision (S33).
   */
  deliver(own: readonly RevisionEvents[], throughRevision: Revision): boolean {
    let events: WatchEvent[] = [];
    let bytes = 0;
    let last: Revision | undefined;
    for (const change of own) {
      if (change.revision < this.#position) continue;
      if (last !== undefined && bytes >= BATCH_BYTES) {
        if (!this.#push({ kind: 'events', revision: last, events })) return false;
        events = [];
        bytes = 0;
      }
      for (const event of change.events) {
        events.push(event);
        bytes += bytesOf(event);
      }
      last = change.revision;
    }
    if (last !== undefined && !this.#push({ kind: 'events', revision: last, events })) return false;
    if (throughRevision >= this.#position) this.#position = (throughRevision + 1) as Revision;
    return true;
  }

  /** Whether progress up to `revision` may be told: not before the start revision (S34, S36). */
  mayTellProgress(revision: Revision): boolean {
    return this.state === 'synced' && this.#position <= revision + 1;
  }

  /** Whether events up to `revision` may be missing. */
  isBehind(revision: Revision): boolean {
    return this.#position <= revision;
  }

  /** The part of these changes that is in the range; used where no index has chosen before. */
  ownPart(changes: readonly RevisionEvents[]): RevisionEvents[] {
    const own: RevisionEvents[] = [];
    for (const { revision, events } of changes) {
      if (revision < this.#position) continue;
      const inRange = events.filter(({ keyValue }) => isInRange(keyValue.key, this.range));
      if (inRange.length > 0) own.push({ revision, events: inRange });
    }
    return own;
  }

  #push(batch: Extract<WatchBatch, { kind: 'events' }>): boolean {
    if (!this.sink.push(batch)) return false;
    this.#position = (batch.revision + 1) as Revision;
    return true;
  }
}

function bytesOf({ keyValue, previous }: WatchEvent): number {
  const before = previous === undefined ? 0 : previous.value.length;
  return keyValue.key.length + keyValue.value.length + before + EVENT_OVERHEAD_BYTES;
}
