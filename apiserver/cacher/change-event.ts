/**
 * One change of one object, with what was before (K17). What watchers get of it is made once and
 * shared: the same event value for all who see the change the same way (K20).
 */
import { assert } from '../../base/assert';
import type { Revision } from '../../store/index';
import type { StorageWatchEvent } from '../storage/index';
import type { CacheEntry } from './cache-entry';

/** A change as history keeps it. */
export class ChangeEvent {
  readonly path: string;
  readonly revision: Revision;
  /** Undefined after a deletion. */
  readonly current: CacheEntry | undefined;
  /** Undefined before a creation. */
  readonly previous: CacheEntry | undefined;
  /** When it came, on the monotonic clock: the ring's size follows it (K14). */
  readonly atMs: number;
  #added: StorageWatchEvent | undefined;
  #modified: StorageWatchEvent | undefined;
  #deleted: StorageWatchEvent | undefined;

  constructor(change: {
    readonly path: string;
    readonly revision: Revision;
    readonly current: CacheEntry | undefined;
    readonly previous: CacheEntry | undefined;
    readonly atMs: number;
  }) {
    assert(
      change.current !== undefined || change.previous !== undefined,
      'a change has a state before or after it',
      { path: change.path },
    );
    this.path = change.path;
    this.revision = change.revision;
    this.current = change.current;
    this.previous = change.previous;
    this.atMs = change.atMs;
  }

  /** How a watcher sees the change. */
  as(kind: 'added' | 'modified' | 'deleted'): StorageWatchEvent {
    switch (kind) {
      case 'added':
        return (this.#added ??= { kind, object: this.#object(this.current) });
      case 'modified':
        return (this.#modified ??= { kind, object: this.#object(this.current) });
      case 'deleted':
        // The last state that matched, under the revision of the change (K17, K18).
        return (this.#deleted ??= {
          kind,
          object: this.#object(this.previous).withRevision(this.revision),
        });
    }
  }

  #object(entry: CacheEntry | undefined): CacheEntry['object'] {
    assert(entry !== undefined, 'an event is only seen as what it is', { path: this.path });
    return entry.object;
  }
}
