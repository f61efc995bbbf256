/**
 * Versions that were superseded inside the compaction window, and the queue of what compaction may
 * remove. Both are written in the batch that supersedes the version, and always: events and reads
 * at the compact revision and above may need a version that is older than it (S31).
 *
 *   key    30 ‖ esc(key) ‖ 00 01 ‖ u64(~main) ‖ u32(~sub)      newest version of a key first
 *   body   varint supMain · varint supSub · varint create · varint version · lease · value
 *
 *   key    40 ‖ u64(supMain) ‖ u32(supSub)
 *   body   varint oldMain · varint oldSub · key
 */
import type { KeyValue, Revision } from '../kv';
import { decodeBody, type RecordSink, type RecordWriter } from './checked-record';
import type { CurrentRecord } from './current-column';
import { NAMESPACE, escapedLength, parseHistoryKey, REVISION_BYTES } from './keyspace';
import { writeEscaped, writeInverted } from './keyspace';

/** A superseded version. */
export interface HistoryRecord {
  readonly keyValue: KeyValue;
  readonly sub: number;
  /** The revision that replaced or deleted it. */
  readonly supersededMain: Revision;
  readonly supersededSub: number;
}

/** What compaction may remove once its revision is below the compact revision. */
export interface GarbageRecord {
  readonly key: Uint8Array;
  readonly oldMain: Revision;
  readonly oldSub: number;
}

/** Moves `old` into the history: change {main, sub} has taken its place. */
export function putSuperseded(
  writer: RecordWriter,
  sink: RecordSink,
  old: CurrentRecord,
  main: number,
  sub: number,
): void {
  const { key, value, createRevision, modRevision, version, leaseId } = old.keyValue;
  writer.key(NAMESPACE.history);
  writer.write(escapedLength(key) + REVISION_BYTES, (target, offset) => {
    const at = writeEscaped(target, offset, key);
    writeInverted(target, at, modRevision, old.modSub);
    return at + REVISION_BYTES;
  });
  writer.body().varint(main).varint(sub).varint(createRevision).varint(version);
  writer.optionalId(leaseId).raw(value).putInto(sink);

  writer.key(NAMESPACE.garbage).u64(main).u32(sub).body();
  writer.varint(modRevision).varint(old.modSub).raw(key).putInto(sink);
}

/** Checks and reads a superseded version. */
export function decodeHistory(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): HistoryRecord {
  const { key, main, sub } = parseHistoryKey(engineKey);
  return decodeBody(location, engineKey, engineValue, (body) => {
    const supersededMain = body.next() as Revision;
    const supersededSub = body.next();
    const createRevision = body.next() as Revision;
    const version = body.next();
    const leaseId = body.optionalId();
    const value = body.rest();
    const keyValue = { key, value, createRevision, modRevision: main, version, leaseId };
    return { keyValue, sub, supersededMain, supersededSub };
  });
}

/** Checks and reads an entry of the garbage queue. */
export function decodeGarbage(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): GarbageRecord {
  return decodeBody(location, engineKey, engineValue, (body) => {
    const oldMain = body.next() as Revision;
    const oldSub = body.next();
    return { oldMain, oldSub, key: body.rest() };
  });
}
