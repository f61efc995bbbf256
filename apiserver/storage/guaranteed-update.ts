/**
 * The read-change-write loop of all updates, and deletion (K79): each write is a compare-and-set
 * on the key's modification revision. A lost race brings the present object with it, from which
 * the change is computed anew, unless the caller named a uid or resourceVersion (409 then).
 *
 * The loop may begin with a guess from the watch cache. A guess may be stale: whatever fails on it
 * (a precondition, the update function) is tried again on a fresh read before it is believed, and
 * a write that the guess shows to be needless is believed only of a fresh read (K44).
 */
import { hasCode } from '../../base/error';
import { NO_ID } from '../../base/hex-id';
import type { OptimisticResult } from '../../store/index';
import {
  notFound,
  objectModified,
  resourceVersionConflict,
  timeout,
  uidConflict,
} from '../machinery/status';
import { translated } from './errors';
import { decodePair, type KvResource } from './kv-resource';
import { encodeForStore, writtenObject, type EncodedObject } from './object-codec';
import { nameOfPath } from './object-key';
import { NO_REVISION } from './resource-version';
import type { Preconditions, StoredObject, UpdateFunction, WriteOptions } from './storage';

/** Where the loop stands: what is thought to be stored, and whether that was read just now. */
interface Known {
  readonly current: EncodedObject | undefined;
  readonly isFresh: boolean;
}

async function read(resource: KvResource, path: string): Promise<Known> {
  const { keyValue } = await translated(resource.kv.get(resource.keys.keyOf(path)));
  const current = keyValue === undefined ? undefined : decodePair(resource, keyValue).encoded;
  return { current, isFresh: true };
}

/** Where a lost race leaves the loop: what was found instead is as good as a read. */
function found(resource: KvResource, result: OptimisticResult & { succeeded: false }): Known {
  const { keyValue } = result;
  const current = keyValue === undefined ? undefined : decodePair(resource, keyValue).encoded;
  return { current, isFresh: true };
}

function checkAlive(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw timeout();
}

function checkPreconditions(
  resource: KvResource,
  current: EncodedObject,
  { uid, resourceVersion }: Preconditions,
  verb: 'update' | 'delete',
): void {
  const { resource: name, kind } = resource;
  const subject = verb === 'delete' ? { group: name.group, resource: kind } : name;
  const objectName = nameOfPath(current.path);
  const storedUid = uid === undefined ? undefined : (current.object.metadata.uid ?? '');
  if (uid !== undefined && storedUid !== undefined && uid !== storedUid) {
    throw uidConflict(subject, objectName, { precondition: uid, stored: storedUid });
  }
  const stored = current.resourceVersion;
  if (resourceVersion === undefined || resourceVersion === stored) return;
  if (verb === 'update') throw objectModified(name, objectName);
  throw resourceVersionConflict(subject, objectName, { precondition: resourceVersion, stored });
}

/** Runs one attempt; a failure on a stale guess becomes undefined: read and try again. */
async function attempt<T>(known: Known, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (known.isFresh) throw error;
    return undefined;
  }
}

/** Writes a value; a lease that expired meanwhile is replaced once. */
export async function putValue(
  resource: KvResource,
  write: { readonly path: string; readonly value: Uint8Array; readonly expected: number },
  ttlSeconds: number | undefined,
): Promise<OptimisticResult> {
  const key = resource.keys.keyOf(write.path);
  const expected = write.expected as typeof NO_REVISION;
  const { kv, leases } = resource;
  if (ttlSeconds === undefined || ttlSeconds <= 0) {
    return translated(kv.optimisticPut(key, write.value, expected, { leaseId: NO_ID }));
  }
  const put = async (): Promise<OptimisticResult> => {
    const leaseId = await leases.leaseFor(ttlSeconds);
    return kv.optimisticPut(key, write.value, expected, { leaseId });
  };
  try {
    return await put();
  } catch (error) {
    if (!hasCode(error, 'STORE_LEASE_NOT_FOUND')) return translated(Promise.reject(error as Error));
    leases.forget(ttlSeconds);
    return translated(put());
  }
}

/** What an update works with. */
export interface UpdateRequest {
  readonly path: string;
  readonly preconditions: Preconditions;
  readonly update: UpdateFunction;
  readonly options: WriteOptions;
  /** The object as the cache has it. */
  readonly guess: EncodedObject | undefined;
}

/** See `Storage.guaranteedUpdate`. */
export async function guaranteedUpdate(
  resource: KvResource,
  request: UpdateRequest,
): Promise<StoredObject> {
  const { path, preconditions, update, options, guess } = request;
  let known: Known =
    guess === undefined ? await read(resource, path) : { current: guess, isFresh: false };
  for (;;) {
    checkAlive(options.signal);
    const { current } = known;
    const result = await attempt(known, async () => {
      if (current !== undefined) checkPreconditions(resource, current, preconditions, 'update');
      return update(current);
    });
    if (result === undefined) {
      known = await read(resource, path);
      continue;
    }
    const value = encodeForStore(result.object);
    const ttlSeconds = result.ttlSeconds ?? options.ttlSeconds;
    if (current?.isStoredAs(value) === true) {
      if (known.isFresh) return current;
      const fresh = await read(resource, path);
      if (fresh.current?.revision === current.revision) return fresh.current;
      known = fresh;
      continue;
    }
    const expected = current?.revision ?? NO_REVISION;
    if (options.dryRun === true) {
      if (known.isFresh) return writtenObject(path, value, expected);
      known = await read(resource, path);
      if (known.current?.revision === current?.revision) {
        return writtenObject(path, value, expected);
      }
      continue;
    }
    const written = await putValue(resource, { path, value, expected }, ttlSeconds);
    if (written.succeeded) return writtenObject(path, value, written.revision);
    known = found(resource, written);
  }
}

/** What a deletion works with. */
export interface DeleteRequest {
  readonly path: string;
  readonly preconditions: Preconditions;
  readonly validate: (current: StoredObject) => Promise<void>;
  readonly options: WriteOptions;
  readonly guess: EncodedObject | undefined;
}

/** See `Storage.delete`. */
export async function deleteObject(
  resource: KvResource,
  request: DeleteRequest,
): Promise<StoredObject> {
  const { path, preconditions, validate, options, guess } = request;
  const key = resource.keys.keyOf(path);
  let known: Known =
    guess === undefined ? await read(resource, path) : { current: guess, isFresh: false };
  for (;;) {
    checkAlive(options.signal);
    const { current } = known;
    if (current === undefined) throw notFound(resource.resource, nameOfPath(path));
    const isValid = await attempt(known, async () => {
      checkPreconditions(resource, current, preconditions, 'delete');
      await validate(current);
      return true;
    });
    if (isValid === undefined) {
      known = await read(resource, path);
      continue;
    }
    if (options.dryRun === true) {
      if (known.isFresh) return current;
      known = await read(resource, path);
      continue;
    }
    const deleted = await translated(resource.kv.optimisticDelete(key, current.revision));
    if (deleted.succeeded) return current.withRevision(deleted.revision);
    known = found(resource, deleted);
  }
}
