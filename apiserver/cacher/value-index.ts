/**
 * An index key → value → members, for labels and for fields (K23). Most values of some keys occur
 * once (a pod's hash, a node's name), so a single member is kept without a set around it.
 */

type Members<T> = T | Set<T>;

interface KeyIndex<T> {
  readonly values: Map<string, Members<T>>;
  /** Members under all values of the key. */
  count: number;
}

/** Members by key and value. A member is an object, never a set. */
export class ValueIndex<T extends object> {
  readonly #keys = new Map<string, KeyIndex<T>>();

  add(key: string, value: string, member: T): void {
    let index = this.#keys.get(key);
    if (index === undefined) {
      index = { values: new Map(), count: 0 };
      this.#keys.set(key, index);
    }
    const { values } = index;
    const members = values.get(value);
    if (members === undefined) values.set(value, member);
    else if (members instanceof Set) members.add(member);
    else values.set(value, new Set([members, member]));
    index.count += 1;
  }

  remove(key: string, value: string, member: T): void {
    const index = this.#keys.get(key);
    const members = index?.values.get(value);
    if (index === undefined || members === undefined) return;
    if (members instanceof Set) {
      if (!members.delete(member)) return;
      if (members.size === 0) index.values.delete(value);
    } else {
      if (members !== member) return;
      index.values.delete(value);
    }
    index.count -= 1;
    if (index.count === 0) this.#keys.delete(key);
  }

  hasKey(key: string): boolean {
    return this.#keys.has(key);
  }

  /** How many members have the key at all. */
  countKey(key: string): number {
    return this.#keys.get(key)?.count ?? 0;
  }

  /** How many members have one of the values. */
  count(key: string, values: readonly string[]): number {
    let count = 0;
    for (const value of values) {
      const members = this.#keys.get(key)?.values.get(value);
      if (members !== undefined) count += members instanceof Set ? members.size : 1;
    }
    return count;
  }

  /** The members with one of the values; with all of the key if `values` is undefined. */
  *members(key: string, values?: readonly string[]): IterableIterator<T> {
    const index = this.#keys.get(key);
    if (index === undefined) return;
    for (const value of values ?? index.values.keys()) {
      const members = index.values.get(value);
      if (members === undefined) continue;
      if (members instanceof Set) yield* members;
      else yield members;
    }
  }

  clear(): void {
    this.#keys.clear();
  }
}
