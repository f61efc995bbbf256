/**
 * Which synced watchers a key concerns. Watches of one key are found by the key; ranges stand in an
 * array by their start, each with the furthest end of all up to it, so that a walk back from the
 * last range that starts at or before the key may stop as soon as none before can reach it.
 * Watchers of the same range share one entry: sixty prefixes with a hundred watchers each are sixty
 * entries.
 */
import { assert } from '../../base/assert';
import { bytesId } from '../../base/bytes';
import type { KeyRange } from '../kv';
import { rangeId, singleKey } from './watch-range';
import type { WatcherState } from './watcher';

/** Watchers of one and the same range. */
interface Group {
  readonly id: string;
  readonly range: KeyRange;
  readonly watchers: Set<WatcherState>;
}

/** Finds watchers by key. */
export class WatcherIndex {
  readonly #byKey = new Map<string, Group>();
  readonly #ranges = new Map<string, Group>();
  /** By start; rebuilt on the first look-up after a change. */
  #sorted: readonly Group[] | undefined;
  /** Per position the furthest end of all groups up to it; undefined reaches to the last key. */
  #furthest: readonly (Uint8Array | undefined)[] = [];

  /** The number of different ranges. */
  get size(): number {
    return this.#byKey.size + this.#ranges.size;
  }

  add(watcher: WatcherState): void {
    const key = singleKey(watcher.range);
    const groups = key === undefined ? this.#ranges : this.#byKey;
    const id = key === undefined ? rangeId(watcher.range) : bytesId(key);
    let group = groups.get(id);
    if (group === undefined) {
      group = { id, range: watcher.range, watchers: new Set() };
      groups.set(id, group);
      if (key === undefined) this.#sorted = undefined;
    }
    group.watchers.add(watcher);
  }

  delete(watcher: WatcherState): void {
    const key = singleKey(watcher.range);
    const groups = key === undefined ? this.#ranges : this.#byKey;
    const id = key === undefined ? rangeId(watcher.range) : bytesId(key);
    const group = groups.get(id);
    if (group?.watchers.delete(watcher) !== true || group.watchers.size > 0) return;
    groups.delete(id);
    if (key === undefined) this.#sorted = undefined;
  }

  /** Calls `found` once for each set of watchers that `key` concerns. */
  match(key: Uint8Array, found: (watchers: ReadonlySet<WatcherState>) => void): void {
    if (this.#byKey.size > 0) {
      const group = this.#byKey.get(bytesId(key));
      if (group !== undefined) found(group.watchers);
    }
    const sorted = this.#sorted ?? this.#sort();
    for (let at = lastStartingAtOrBefore(sorted, key); at >= 0; at--) {
      const reach = this.#furthest[at];
      if (reach !== undefined && Buffer.compare(reach, key) <= 0) return;
      const { range, watchers } = sorted[at] as Group;
      const isBefore = range.end === undefined || Buffer.compare(key, range.end) < 0;
      if (isBefore) found(watchers);
    }
  }

  #sort(): readonly Group[] {
    const sorted = [...this.#ranges.values()];
    sorted.sort((a, b) => Buffer.compare(a.range.start, b.range.start));
    let reach: Uint8Array | undefined = new Uint8Array(0);
    this.#furthest = sorted.map(({ range }) => {
      const isFurther =
        reach !== undefined && (range.end === undefined || Buffer.compare(range.end, reach) > 0);
      if (isFurther) reach = range.end;
      return reach;
    });
    assert(sorted.length === this.#furthest.length, 'each group has a reach');
    this.#sorted = sorted;
    return sorted;
  }
}

/** The last group whose start is at or before `key`; -1 if there is none. */
function lastStartingAtOrBefore(sorted: readonly Group[], key: Uint8Array): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare((sorted[middle] as Group).range.start, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
