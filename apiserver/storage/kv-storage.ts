/**
 * `Storage` on the store itself: one resource's objects as key-value pairs, every answer
 * linearizable unless the request asks for less. The watch cache reads and writes through it; with
 * the cache switched off it serves everything.
 */
import type { GroupResource, KubernetesObject } from '../machinery/object';
import { alreadyExists, resourceVersionTooLarge } from '../machinery/status';
import { translated } from './errors';
import { deleteObject, guaranteedUpdate, putValue } from './guaranteed-update';
import { listFromStore } from './kv-list';
import { decodePair, kvResource, type KvResource, type KvStorageOptions } from './kv-resource';
import { watchStore } from './kv-watch';
import { encodeForStore, writtenObject, type EncodedObject } from './object-codec';
import { nameOfPath } from './object-key';
import { NO_REVISION, resourceVersionOf, revisionOf } from './resource-version';
import type {
  Freshness,
  ListRequest,
  Preconditions,
  Storage,
  StorageWatchEvent,
  StoredList,
  StoredObject,
  UpdateFunction,
  WatchRequest,
  WriteOptions,
} from './storage';

/** One resource's objects in the store. */
export class KvStorage implements Storage {
  readonly resource: GroupResource;
  /** What the watch cache needs to know of the resource. */
  readonly parts: KvResource;

  constructor(options: KvStorageOptions) {
    this.resource = options.resource;
    this.parts = kvResource(options);
  }

  isReady(): boolean {
    return true;
  }

  whenReady(): Promise<void> {
    return Promise.resolve();
  }

  problem(): string | undefined {
    return undefined;
  }

  async create(
    path: string,
    object: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<StoredObject> {
    const value = encodeForStore(object);
    const taken = (): Error => alreadyExists(this.resource, nameOfPath(path));
    if (options.dryRun === true) {
      const { keyValue } = await translated(this.parts.kv.get(this.parts.keys.keyOf(path)));
      if (keyValue !== undefined) throw taken();
      return writtenObject(path, value, NO_REVISION);
    }
    const write = { path, value, expected: NO_REVISION };
    const result = await putValue(this.parts, write, options.ttlSeconds);
    if (!result.succeeded) throw taken();
    return writtenObject(path, value, result.revision);
  }

  async get(
    path: string,
    freshness: Freshness,
    signal?: AbortSignal,
  ): Promise<StoredObject | undefined> {
    const { revision, keyValue } = await translated(
      this.parts.kv.get(this.parts.keys.keyOf(path), {
        ...(freshness.kind === 'any' ? { serializable: true } : {}),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    if (freshness.kind === 'notOlderThan' && revisionOf(freshness.resourceVersion) > revision) {
      throw resourceVersionTooLarge(freshness.resourceVersion, resourceVersionOf(revision));
    }
    return keyValue === undefined ? undefined : decodePair(this.parts, keyValue).encoded;
  }

  list(request: ListRequest): Promise<StoredList> {
    return listFromStore(this.parts, request);
  }

  /** `guess`: the object as a cache has it, which saves the first read. */
  guaranteedUpdate(
    path: string,
    preconditions: Preconditions,
    update: UpdateFunction,
    options: WriteOptions = {},
    guess?: EncodedObject,
  ): Promise<StoredObject> {
    return guaranteedUpdate(this.parts, { path, preconditions, update, options, guess });
  }

  delete(
    path: string,
    preconditions: Preconditions,
    validate: (current: StoredObject) => Promise<void>,
    options: WriteOptions = {},
    guess?: EncodedObject,
  ): Promise<StoredObject> {
    return deleteObject(this.parts, { path, preconditions, validate, options, guess });
  }

  watch(request: WatchRequest): Promise<AsyncIterable<StorageWatchEvent>> {
    return Promise.resolve(watchStore(this.parts, request));
  }
}
