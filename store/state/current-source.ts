/** What commands find: the record of a key by a cache and the engine, leases from memory. */
import type { KvEngine } from '../engine';
import {
  currentKey,
  decodeCurrent,
  type CurrentRecord,
  type LeaseRecord,
  type StateSource,
} from '../mvcc';
import { RecordCache } from './record-cache';

/** Looks up the state before a batch. */
export class CurrentSource implements StateSource {
  readonly #engine: KvEngine;
  readonly #leases: ReadonlyMap<string, LeaseRecord>;
  readonly #cache: RecordCache;

  constructor(options: {
    readonly engine: KvEngine;
    readonly leases: ReadonlyMap<string, LeaseRecord>;
    readonly cacheBytes: number;
  }) {
    this.#engine = options.engine;
    this.#leases = options.leases;
    this.#cache = new RecordCache(options.cacheBytes);
  }

  current(key: Uint8Array, id: string): CurrentRecord | undefined {
    const cached = this.#cache.get(id);
    if (cached !== undefined) return cached;
    const engineKey = currentKey(key);
    const value = this.#engine.getSync(engineKey);
    if (value === undefined) return undefined;
    return decodeCurrent(this.#engine.location, engineKey, value);
  }

  lease(leaseId: string): LeaseRecord | undefined {
    return this.#leases.get(leaseId);
  }

  /** A batch has made `record` of the key (undefined: deleted it). */
  set(id: string, record: CurrentRecord | undefined): void {
    // What was just created is kept from its first overwrite on: most of it sees none (events),
    // and a stream of new keys would fill the cache with what nobody asks for. The key may be there
    // still, if the same batch deleted it.
    this.#cache.set(id, record?.keyValue.version === 1 ? undefined : record);
  }
}
