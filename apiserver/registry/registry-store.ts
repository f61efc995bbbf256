/**
 * The generic verbs of one resource (K42 to K52): the same for all, asking the definition's
 * strategy where kinds differ. Objects here have the stored version's form; handlers translate
 * at the edge.
 */
import type { KubernetesObject } from '../machinery/object';
import { notFound } from '../machinery/status';
import type {
  Freshness,
  ListRequest,
  StorageWatchEvent,
  StoredList,
  StoredObject,
  WatchRequest,
} from '../storage';
import { createObject } from './create-object';
import { deleteCollection, type CollectionDeletion } from './delete-collection';
import { deleteObject, type DeletionRequest, type DeletionResult } from './delete-object';
import type { ResourceDefinition } from './resource';
import { objectPath, type StoreParts, type WriteContext } from './store-parts';
import { updateObject, type ObjectChange, type UpdateResult } from './update-object';

/** One resource in one served version, ready to be used. */
export class RegistryStore {
  readonly definition: ResourceDefinition;
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.definition = parts.definition;
    this.#parts = parts;
  }

  /** One object; fails as NotFound if there is none. */
  async get(
    at: { readonly namespace: string; readonly name: string },
    freshness: Freshness,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    const path = objectPath(this.definition, at.namespace, at.name);
    const stored = await this.#parts.storage.get(path, freshness, signal);
    if (stored === undefined) throw notFound(this.definition, at.name);
    return stored;
  }

  list(request: ListRequest): Promise<StoredList> {
    return this.#parts.storage.list(request);
  }

  watch(request: WatchRequest): Promise<AsyncIterable<StorageWatchEvent>> {
    return this.#parts.storage.watch(request);
  }

  create(object: KubernetesObject, context: WriteContext): Promise<StoredObject> {
    return createObject(this.#parts, object, context);
  }

  update(name: string, change: ObjectChange, context: WriteContext): Promise<UpdateResult> {
    return updateObject(this.#parts, name, change, context);
  }

  delete(name: string, request: DeletionRequest, context: WriteContext): Promise<DeletionResult> {
    return deleteObject(this.#parts, name, request, context);
  }

  deleteCollection(
    list: ListRequest,
    request: DeletionRequest,
    context: WriteContext,
  ): Promise<CollectionDeletion> {
    return deleteCollection(this.#parts, list, request, context);
  }
}
