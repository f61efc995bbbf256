/**
 * One scheduler for all watches of a replica (S30 to S39). Events come in with each applied batch;
 * synced watchers get them at once, the others are fed from the revision log: `nextCatchUp` says
 * what to read, `provide` takes what was read. The hub never waits: a sink that refuses leaves its
 * watcher where it was, until `unblock`.
 *
 * The owner's loop: after `watch`, `unblock` and `provide`, while `nextCatchUp()` gives something,
 * read a slice of it, `provide` it, and let other work run in between (S39). Events published while
 * a slice is being read are no hole: such watchers are not synced yet, and read them later.
 */
import { assert } from '../../base/assert';
import { storeError } from '../errors';
import type { KeyRange, Revision, WatchEvent } from '../kv';
import type { RevisionEvents, WatchSink } from './event';
import { isEmptyRange } from './watch-range';
import { WatcherState, type Watcher } from './watcher';
import { WatcherIndex } from './watcher-index';

/** What the owner should read from the revision log and give to {@link WatchHub.provide}. */
export interface CatchUp {
  /** Read events from this revision on, as many as a slice of time allows. */
  readonly fromRevision: Revision;
}

/** What a watch wants. */
export interface WatchRequest {
  readonly range: KeyRange;
  /** 0: what follows the present. */
  readonly startRevision: Revision;
  readonly sink: WatchSink;
}

/** A state of the store as the hub sees it. */
export interface HubRevisions {
  readonly revision: Revision;
  readonly compactRevision: Revision;
}

/** Takes events in, says who needs which old events; never waits for anybody. */
export class WatchHub {
  readonly #watchers = new Set<WatcherState>();
  readonly #synced = new WatcherIndex();
  readonly #catchingUp = new Set<WatcherState>();
  /** Watchers whose progress batch could not be given yet. */
  readonly #progressWanted = new Set<WatcherState>();
  #revision: Revision;
  #compactRevision: Revision;
  #lastId = 0;

  constructor(revisions: HubRevisions) {
    this.#revision = revisions.revision;
    this.#compactRevision = revisions.compactRevision;
  }

  /** The revision up to which events were published. */
  get revision(): Revision {
    return this.#revision;
  }

  /** How many watches run. */
  get size(): number {
    return this.#watchers.size;
  }

  /** Starts a watch. One that starts below the compact revision ends with that notice (S37). */
  watch({ range, startRevision, sink }: WatchRequest): Watcher {
    if (isEmptyRange(range)) {
      throw storeError('STORE_INVALID', 'Cannot watch a range as no key can be in it');
    }
    const next = (this.#revision + 1) as Revision;
    const cursor = startRevision === 0 ? next : startRevision;
    const state = cursor >= next ? 'synced' : 'catchingUp';
    this.#lastId += 1;
    const watcher = new WatcherState({ id: this.#lastId, range, sink, cursor, state, hub: this });
    this.#watchers.add(watcher);
    if (state === 'synced') this.#synced.add(watcher);
    else this.#catchingUp.add(watcher);
    this.#endIfCompacted(watcher);
    return watcher;
  }

  /** Ends a watch without a word. */
  cancel(watcher: Watcher): void {
    if (this.#isMine(watcher)) this.#end(watcher);
  }

  /** New events, in order, and the revision they lead to: call it with every applied batch. */
  publish(changes: readonly RevisionEvents[], revision: Revision): void {
    assert(revision >= this.#revision, 'revisions never go back', {
      revision,
      hub: this.#revision,
    });
    const parts = this.#partsOf(changes);
    for (const watcher of parts.keys()) watcher.settle();
    this.#revision = revision;
    for (const [watcher, own] of parts) {
      if (!watcher.deliver(own, revision)) this.#block(watcher);
    }
    for (const watcher of this.#progressWanted) this.#offerProgress(watcher);
  }

  /** History below `compactRevision` is gone. */
  compact(compactRevision: Revision): void {
    assert(compactRevision >= this.#compactRevision, 'the compact revision never falls');
    this.#compactRevision = compactRevision;
    for (const watcher of this.#watchers) this.#endIfCompacted(watcher);
  }

  /** Whether someone needs old events; undefined if all others are synced or blocked. */
  nextCatchUp(): CatchUp | undefined {
    let fromRevision: Revision | undefined;
    for (const { cursor } of this.#catchingUp) {
      if (fromRevision === undefined || cursor < fromRevision) fromRevision = cursor;
    }
    return fromRevision === undefined ? undefined : { fromRevision };
  }

  /**
   * The events of [fromRevision, throughRevision], all of them, none else. Every watcher that is
   * behind and stands in that part of history takes its own.
   */
  provide(
    fromRevision: Revision,
    throughRevision: Revision,
    changes: readonly RevisionEvents[],
  ): void {
    assert(throughRevision <= this.#revision, 'old events were published before', {
      throughRevision,
      revision: this.#revision,
    });
    for (const watcher of [...this.#catchingUp]) {
      const { cursor } = watcher;
      if (cursor < fromRevision || cursor > throughRevision) continue;
      if (!watcher.deliver(watcher.ownPart(changes), throughRevision)) this.#block(watcher);
      else if (watcher.cursor > this.#revision) this.#becomeSynced(watcher);
    }
  }

  /** The watcher's sink has room again. */
  unblock(watcher: Watcher): void {
    if (!this.#isMine(watcher)) return;
    if (watcher.state === 'blocked') {
      watcher.state = 'catchingUp';
      this.#catchingUp.add(watcher);
      this.#endIfCompacted(watcher);
      if (this.#catchingUp.has(watcher) && watcher.cursor > this.#revision) {
        this.#becomeSynced(watcher);
      }
    } else if (watcher.state === 'synced') this.#offerProgress(watcher);
  }

  /** Puts a progress batch behind all events up to now, as soon as the watcher is synced (S34). */
  requestProgress(watcher: Watcher): void {
    if (!this.#isMine(watcher)) return;
    this.#progressWanted.add(watcher);
    this.#offerProgress(watcher);
  }

  /** A snapshot was installed: everybody catches up from its own cursor (S35). */
  restore(revisions: HubRevisions): void {
    for (const watcher of this.#watchers) watcher.settle();
    this.#revision = revisions.revision;
    for (const watcher of this.#watchers) {
      if (watcher.state === 'synced' && watcher.isBehind(revisions.revision)) {
        this.#synced.delete(watcher);
        watcher.state = 'catchingUp';
        this.#catchingUp.add(watcher);
      }
    }
    this.compact(revisions.compactRevision);
  }

  /** What each synced watcher gets of these changes, whole revisions in order. */
  #partsOf(changes: readonly RevisionEvents[]): Map<WatcherState, RevisionEvents[]> {
    const parts = new Map<WatcherState, RevisionEvents[]>();
    if (this.#synced.size === 0) return parts;
    let event: WatchEvent;
    let revision: Revision;
    const add = (watchers: ReadonlySet<WatcherState>): void => {
      for (const watcher of watchers) {
        // One that waits for a future revision gets nothing below it (S36).
        if (revision >= watcher.cursor) append(parts, watcher, revision, event);
      }
    };
    for (const change of changes) {
      assert(change.revision > this.#revision, 'events are published once');
      revision = change.revision;
      for (event of change.events) this.#synced.match(event.keyValue.key, add);
    }
    return parts;
  }

  #becomeSynced(watcher: WatcherState): void {
    this.#catchingUp.delete(watcher);
    watcher.state = 'synced';
    this.#synced.add(watcher);
    this.#offerProgress(watcher);
  }

  #offerProgress(watcher: WatcherState): void {
    // A refused progress batch is offered again later: the watcher itself has missed nothing, so
    // it stays synced.
    if (!this.#progressWanted.has(watcher) || !watcher.mayTellProgress(this.#revision)) return;
    const isTaken = watcher.sink.push({ kind: 'progress', revision: this.#revision });
    if (isTaken) this.#progressWanted.delete(watcher);
  }

  #block(watcher: WatcherState): void {
    this.#synced.delete(watcher);
    this.#catchingUp.delete(watcher);
    watcher.state = 'blocked';
  }

  /** The notice waits for room in the queue like any batch (S33). */
  #endIfCompacted(watcher: WatcherState): void {
    if (watcher.cursor >= this.#compactRevision) return;
    assert(watcher.state !== 'synced', 'a synced watcher is above the compact revision', {
      cursor: watcher.cursor,
      compactRevision: this.#compactRevision,
    });
    if (watcher.sink.pushCompacted(this.#compactRevision)) this.#end(watcher);
    else this.#block(watcher);
  }

  #end(watcher: WatcherState): void {
    this.#watchers.delete(watcher);
    this.#synced.delete(watcher);
    this.#catchingUp.delete(watcher);
    this.#progressWanted.delete(watcher);
    watcher.state = 'ended';
  }

  #isMine(watcher: Watcher): watcher is WatcherState {
    return watcher instanceof WatcherState && this.#watchers.has(watcher);
  }
}

function append(
  parts: Map<WatcherState, RevisionEvents[]>,
  watcher: WatcherState,
  revision: Revision,
  event: WatchEvent,
): void {
  let own = parts.get(watcher);
  if (own === undefined) {
    own = [];
    parts.set(watcher, own);
  }
  const last = own.at(-1);
  if (last?.revision === revision) (last.events as WatchEvent[]).push(event);
  else own.push({ revision, events: [event] });
}
