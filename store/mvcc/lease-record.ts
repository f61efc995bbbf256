/**
 * Leases in the engine. Every member holds all of them; only the leader measures time (S46).
 *
 *   key    50 ‖ u64(leaseId)
 *   body   varint ttlSeconds · varint remainingSeconds · varint grantedRevision
 *
 *   key    51 ‖ u64(leaseId) ‖ key        no body: the key is attached to the lease
 */
import type { Revision } from '../kv';
import { decodeBody, type RecordSink, type RecordWriter } from './checked-record';
import { keyOfLeaseAttachment, leaseIdOfKey, NAMESPACE } from './keyspace';

/** A lease as it is stored. */
export interface LeaseRecord {
  readonly leaseId: string;
  readonly ttlSeconds: number;
  readonly remainingSeconds: number;
  readonly grantedRevision: Revision;
}

/** Writes a lease. */
export function putLease(writer: RecordWriter, sink: RecordSink, lease: LeaseRecord): void {
  writer.key(NAMESPACE.lease).id(lease.leaseId).body();
  writer.varint(lease.ttlSeconds).varint(lease.remainingSeconds);
  writer.varint(lease.grantedRevision).putInto(sink);
}

/** Checks and reads a lease. */
export function decodeLease(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): LeaseRecord {
  return decodeBody(location, engineKey, engineValue, (body) => {
    const ttlSeconds = body.next();
    const remainingSeconds = body.next();
    const grantedRevision = body.next() as Revision;
    return { leaseId: leaseIdOfKey(engineKey), ttlSeconds, remainingSeconds, grantedRevision };
  });
}

/** Attaches a key. */
export function putAttachment(
  writer: RecordWriter,
  sink: RecordSink,
  leaseId: string,
  key: Uint8Array,
): void {
  writer.key(NAMESPACE.leaseKey).id(leaseId).raw(key).body().putInto(sink);
}

/** Checks an attachment and reads its key. */
export function decodeAttachment(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): Uint8Array {
  return decodeBody(location, engineKey, engineValue, () => keyOfLeaseAttachment(engineKey));
}
