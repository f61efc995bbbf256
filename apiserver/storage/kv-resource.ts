/** What the parts of `KvStorage` share about one resource: names, keys and how to decode. */
import type { Clock } from '../../base/clock';
import type { KeyValue, Kv } from '../../store/index';
import type { SelectableField } from '../machinery/field-selector';
import type { GroupResource } from '../machinery/object';
import { internalError, type ApiError } from '../machinery/status';
import type { StorageMetrics } from './metrics';
import { decodeStored, UndecodableValue, type Decoded } from './object-codec';
import { ObjectKeys } from './object-key';
import type { ObjectLeases } from './object-lease';

/** A resource as storage needs to know it. */
export interface KvStorageOptions {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly resource: GroupResource;
  /** The Kind, which conflicts of a DELETE precondition name (K39). */
  readonly kind: string;
  readonly isNamespaced: boolean;
  /** `pods`, `services/specs` (K77). */
  readonly keySegment: string;
  /** `/registry` unless said otherwise (K76). */
  readonly keyPrefix?: string;
  /** What selectors may look at: `selectableFieldsOf` of `machinery/field-selector`. */
  readonly selectable: readonly SelectableField[];
  /** For writes with a time to live; one for all resources of an API server. */
  readonly leases: ObjectLeases;
  readonly metrics?: StorageMetrics;
}

/** The options with the keys worked out. */
export interface KvResource extends KvStorageOptions {
  readonly keys: ObjectKeys;
}

/** Works out the keys of a resource. */
export function kvResource(options: KvStorageOptions): KvResource {
  const { keyPrefix = '/registry', keySegment } = options;
  return { ...options, keys: new ObjectKeys({ keyPrefix, keySegment }) };
}

/** The 500 of an undecodable value, naming its key (K81). */
export function corruptValue(resource: KvResource, path: string, cause: unknown): ApiError {
  const message = `unable to decode the stored value of key ${resource.keys.nameOf(path)}`;
  return internalError(message, cause);
}

/** Decodes a pair of this resource; K81's 500 if that is impossible. */
export function decodePair(resource: KvResource, pair: KeyValue): Decoded {
  const path = resource.keys.pathOf(pair.key);
  try {
    return decodeStored(path, pair.value, pair.modRevision);
  } catch (error) {
    if (error instanceof UndecodableValue) throw corruptValue(resource, path, error);
    throw error;
  }
}
