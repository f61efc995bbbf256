/** One scheduler for all watches of a replica (S30 to S39). Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { KeyRange, Revision } from '../kv';
import type { RevisionEvents, WatchSink } from './event';

/** A watcher as its owner holds it. */
export interface Watcher {
  readonly id: number;
  readonly range: KeyRange;
  /** The first revision that was not delivered yet. */
  readonly cursor: Revision;
  readonly state: 'synced' | 'catchingUp' | 'blocked' | 'ended';
}

/** What the owner should read from the revision log and give to {@link WatchHub.provide}. */
export interface CatchUp {
  /** Read events from this revision on, as many as a slice of time allows. */
  readonly fromRevision: Revision;
}

/** Takes events in, says who needs which old events; never waits for anybody. */
export class WatchHub {
  constructor(_options: { readonly revision: Revision; readonly compactRevision: Revision }) {
    unreachable('being written');
  }

  /** Starts a watch; `startRevision` 0 means what follows the present. */
  watch(_options: {
    readonly range: KeyRange;
    readonly startRevision: Revision;
    readonly sink: WatchSink;
  }): Watcher {
    return unreachable('being written');
  }

  /** Ends a watch without a word. */
  cancel(_watcher: Watcher): void {
    unreachable('being written');
  }

  /** New events, in order, and the revision they lead to: call it with every applied batch. */
  publish(_changes: readonly RevisionEvents[], _revision: Revision): void {
    unreachable('being written');
  }

  /** History below `compactRevision` is gone. */
  compact(_compactRevision: Revision): void {
    unreachable('being written');
  }

  /** Whether someone needs old events; undefined if all others are synced or blocked. */
  nextCatchUp(): CatchUp | undefined {
    return unreachable('being written');
  }

  /** The events of [fromRevision, throughRevision], all of them, none else. */
  provide(
    _fromRevision: Revision,
    _throughRevision: Revision,
    _changes: readonly RevisionEvents[],
  ): void {
    unreachable('being written');
  }

  /** The watcher's sink has room again. */
  unblock(_watcher: Watcher): void {
    unreachable('being written');
  }

  /** Puts a progress batch behind all events up to now, as soon as the watcher is synced (S34). */
  requestProgress(_watcher: Watcher): void {
    unreachable('being written');
  }

  /** A snapshot was installed: everybody catches up from its own cursor (S35). */
  restore(_options: { readonly revision: Revision; readonly compactRevision: Revision }): void {
    unreachable('being written');
  }
}
