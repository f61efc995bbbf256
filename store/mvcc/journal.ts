/**
 * The journal: one record per applied batch, each linked to the one before by a checksum. LevelDB
 * can lose batches from the middle of its own log without an error (spec: store 6); the links show
 * the hole at the next start.
 *
 *   key    01 ‖ u64(lastIndex)
 *   body   varint firstIndex · varint lastTerm · varint revisionAfter · varint changeCount ·
 *          u32 prevLink · u32 link
 *
 * link = crc32 over prevLink and all that stands before it, key included.
 */
import { crc32 } from '../../base/crc32';
import { readU64 } from '../../base/safe-integer';
import type { Revision } from '../kv';
import { decodeBody, type RecordSink, type RecordWriter } from './checked-record';
import { NAMESPACE } from './keyspace';

/** One applied batch: whole entries [firstIndex, lastIndex]. */
export interface JournalRecord {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly revisionAfter: Revision;
  /** Engine changes of the batch before this record: a hint for people who look at a damage. */
  readonly changeCount: number;
  readonly previousLink: number;
  readonly link: number;
}

const LINK_BYTES = 4;

/** Writes a record; returns its link. */
export function putJournal(
  writer: RecordWriter,
  sink: RecordSink,
  record: Omit<JournalRecord, 'link'>,
): number {
  writer.key(NAMESPACE.journal).u64(record.lastIndex).body();
  writer.varint(record.firstIndex).varint(record.lastTerm).varint(record.revisionAfter);
  writer.varint(record.changeCount).u32(record.previousLink);
  const link = crc32(writer.bodySoFar(), record.lastIndex % 2 ** 32);
  writer.u32(link).putInto(sink);
  return link;
}

/** Checks and reads a record, its own link included. */
export function decodeJournal(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): JournalRecord {
  const view = new DataView(engineKey.buffer, engineKey.byteOffset, engineKey.byteLength);
  const lastIndex = readU64(view, 1);
  return decodeBody(location, engineKey, engineValue, (body) => {
    const firstIndex = body.next();
    const lastTerm = body.next();
    const revisionAfter = body.next() as Revision;
    const changeCount = body.next();
    const previousLink = body.u32();
    const link = body.u32();
    const linked = body.bytes.subarray(0, body.offset - LINK_BYTES);
    if (crc32(linked, lastIndex % 2 ** 32) !== link) throw new RangeError('link does not fit');
    return { firstIndex, lastIndex, lastTerm, revisionAfter, changeCount, previousLink, link };
  });
}
