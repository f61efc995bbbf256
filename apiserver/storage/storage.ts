/**
 * What registry and handlers see of persistence, one per resource. `kv-storage.ts` implements it
 * on the store, `cacher/cacher.ts` implements it from memory with a `Storage` behind; one
 * conformance suite runs on both. Only `storage/` knows that a resourceVersion is a revision.
 */
import type { Freshness, WatchStart } from '../machinery/list-options';
import type { GroupResource, KubernetesObject } from '../machinery/object';
import type { SelectionPredicate } from './selection-predicate';

export type { Freshness, WatchStart };

/**
 * An object as stored, bytes first: the parsed form is made once when somebody asks, and shared.
 * Never change it: derive a new object.
 */
export interface StoredObject {
  /** Namespace and name within the resource: `ns/name`, or `name` for cluster scope. */
  readonly path: string;
  /** The revision of its last modification, as the decimal string clients see (K1). */
  readonly resourceVersion: string;
  /** The parsed object with metadata.resourceVersion filled in (K2). */
  readonly object: KubernetesObject;
  /** JSON bytes with kind, apiVersion and resourceVersion filled in, without a newline. */
  readonly json: Uint8Array;
}

/** Which objects of a resource: all, a namespace, or one by name. */
export interface Scope {
  readonly namespace: string | undefined;
  /** Set for `fieldSelector=metadata.name=x`: a point read. */
  readonly name: string | undefined;
}

/** A list request, validated. */
export interface ListRequest {
  readonly scope: Scope;
  readonly freshness: Freshness;
  readonly predicate: SelectionPredicate;
  /** 0 means no limit. */
  readonly limit: number;
  /** The `continue` parameter as sent; undefined on the first page. */
  readonly continueToken: string | undefined;
  readonly signal?: AbortSignal;
}

/** A list answer. */
export interface StoredList {
  readonly resourceVersion: string;
  readonly items: readonly StoredObject[];
  readonly continueToken: string | undefined;
  readonly remainingItemCount: number | undefined;
}

/** A watch request, validated. */
export interface WatchRequest {
  readonly scope: Scope;
  readonly start: WatchStart;
  readonly predicate: SelectionPredicate;
  readonly bookmarks: boolean;
  /** Ends the initial state with the annotated bookmark (K15); needs `bookmarks`. */
  readonly initialEventsEnd: boolean;
  /** When the caller will end the stream: a last bookmark comes 2 s before (K15). */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

/**
 * A watch event in API terms: selection already applied (K17). All watchers that see a change the
 * same way get the same event value, so a frame encoded once can be kept by it (`WeakMap`, K20).
 */
export type StorageWatchEvent =
  | {
      readonly kind: 'added' | 'modified' | 'deleted';
      readonly object: StoredObject;
    }
  | {
      readonly kind: 'bookmark';
      readonly resourceVersion: string;
      readonly initialEventsEnd: boolean;
    };

/** What must hold of the stored object for a write; a mismatch is a 409. */
export interface Preconditions {
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/** Time to live for objects that expire (events). */
export interface WriteOptions {
  readonly ttlSeconds?: number;
  /** Go through all steps but write nothing (K51). */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** Computes what to store from what is stored; throws an `ApiError` to give up. */
export type UpdateFunction = (
  current: StoredObject | undefined,
) => Promise<{ readonly object: KubernetesObject; readonly ttlSeconds?: number }>;

/** One resource's objects. Failures are `ApiError`s of `machinery/status.ts`. */
export interface Storage {
  readonly resource: GroupResource;
  /** Whether reads from a cache can be served (K21); always true without one. */
  isReady(): boolean;
  /** Resolves when `isReady()` first holds; rejects if the signal aborts before. */
  whenReady(signal?: AbortSignal): Promise<void>;
  /** What keeps the server from being healthy, for instance an undecodable key (K81). */
  problem(): string | undefined;
  create(path: string, object: KubernetesObject, options?: WriteOptions): Promise<StoredObject>;
  /** Undefined if there is no such object. */
  get(path: string, freshness: Freshness, signal?: AbortSignal): Promise<StoredObject | undefined>;
  list(request: ListRequest): Promise<StoredList>;
  /**
   * Reads, calls `update`, writes if the bytes differ (K44), and starts over when another writer
   * was faster. With `preconditions.resourceVersion` a lost race is a conflict instead.
   * `current` is undefined if there is no object; then the result creates it.
   */
  guaranteedUpdate(
    path: string,
    preconditions: Preconditions,
    update: UpdateFunction,
    options?: WriteOptions,
  ): Promise<StoredObject>;
  /**
   * Deletes after `validate` accepted the current object; returns the last state with the
   * deletion's resourceVersion (K18). Fails as NotFound if there is none.
   */
  delete(
    path: string,
    preconditions: Preconditions,
    validate: (current: StoredObject) => Promise<void>,
    options?: WriteOptions,
  ): Promise<StoredObject>;
  /**
   * Resolves when the options are accepted. The iteration fails with an `ApiError` that becomes
   * the ERROR event (K10); it ends by itself when the signal aborts.
   */
  watch(request: WatchRequest): Promise<AsyncIterable<StorageWatchEvent>>;
}
