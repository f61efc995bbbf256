/**
 * The revision log: one record per change of the uncompacted window, in the order of revisions,
 * with a pointer to the version it replaced. It feeds watches that are behind. It never holds
 * values: the value is in the current column while it is current and in the history afterwards
 * (docs/keyspace.md), and `valueCrc` ties it to this record.
 *
 *   key    20 ‖ u64(main) ‖ u32(sub)
 *   body   u8 type · [sub 0: varint changeCount] · varint keyLength · key · varint create ·
 *          varint version · lease · varint prevMain · varint prevSub · u32 valueCrc
 *          [sub 0: · u32 fold]
 *
 * fold(main) = crc32 over fold(main - 1) and, in order, the bodies of all changes of main, each
 * without its fold: equal on two members exactly if their logs are.
 */
import { assert } from '../../base/assert';
import { crc32 } from '../../base/crc32';
import type { Revision } from '../kv';
import { decodeBody, type RecordSink, type RecordWriter } from './checked-record';
import { NAMESPACE, revisionOfKey } from './keyspace';

/** One change as the log keeps it. */
export interface LoggedChange {
  readonly type: 'put' | 'delete';
  readonly main: Revision;
  readonly sub: number;
  readonly key: Uint8Array;
  readonly createRevision: Revision;
  readonly version: number;
  readonly leaseId: string;
  /** The version this change replaced; 0 for none. */
  readonly previousMain: Revision;
  readonly previousSub: number;
  readonly valueCrc: number;
}

/** A record of the log. */
export interface RevisionLogRecord extends LoggedChange {
  /** Sub 0 only: how many changes the revision has, and the fold behind all of them. */
  readonly head: { readonly changeCount: number; readonly fold: number } | undefined;
  /** What the fold covers; a view on the engine's value. */
  readonly folded: Uint8Array;
}

const TYPES = ['put', 'delete'] as const;
const foldSeed = new Uint8Array(4);
const foldSeedView = new DataView(foldSeed.buffer);

/** Starts the fold of a revision from the one before. */
export function startFold(previousFold: number): number {
  foldSeedView.setUint32(0, previousFold);
  return crc32(foldSeed);
}

/** Continues a fold over one change. */
export function continueFold(fold: number, folded: Uint8Array): number {
  return crc32(folded, fold);
}

/** Writes all changes of one revision; returns the new fold. */
export function putRevision(
  writer: RecordWriter,
  sink: RecordSink,
  changes: readonly LoggedChange[],
  previousFold: number,
): number {
  assert(changes.length > 0, 'a revision has a change');
  let fold = startFold(previousFold);
  // Sub 0 holds the fold over all, so it is written last; its part of the fold comes first.
  fold = continueFold(fold, writeFolded(writer, changes[0] as LoggedChange, changes.length));
  for (let i = 1; i < changes.length; i++) {
    fold = continueFold(fold, writeFolded(writer, changes[i] as LoggedChange, changes.length));
    writer.putInto(sink);
  }
  // Written again only where other records have used the buffer meanwhile.
  if (changes.length > 1) writeFolded(writer, changes[0] as LoggedChange, changes.length);
  writer.u32(fold).putInto(sink);
  return fold;
}

function writeFolded(writer: RecordWriter, change: LoggedChange, changeCount: number): Uint8Array {
  writer.key(NAMESPACE.revisionLog).u64(change.main).u32(change.sub).body();
  writer.u8(change.type === 'put' ? 0 : 1);
  if (change.sub === 0) writer.varint(changeCount);
  writer.lengthAndRaw(change.key).varint(change.createRevision).varint(change.version);
  writer.optionalId(change.leaseId);
  writer.varint(change.previousMain).varint(change.previousSub).u32(change.valueCrc);
  return writer.bodySoFar();
}

/** Checks and reads a record of the log. */
export function decodeRevisionLog(
  location: string,
  engineKey: Uint8Array,
  engineValue: Uint8Array,
): RevisionLogRecord {
  const { main, sub } = revisionOfKey(engineKey);
  return decodeBody(location, engineKey, engineValue, (body) => {
    const type = TYPES[body.u8()];
    if (type === undefined) throw new RangeError('Cannot read a change of unknown type');
    const changeCount = sub === 0 ? body.next() : 0;
    const key = body.raw(body.next());
    const createRevision = body.next() as Revision;
    const version = body.next();
    const leaseId = body.optionalId();
    const previousMain = body.next() as Revision;
    const previousSub = body.next();
    const valueCrc = body.u32();
    const folded = body.bytes.subarray(0, body.offset);
    const head = sub === 0 ? { changeCount, fold: body.u32() } : undefined;
    const change = { type, main, sub, key, createRevision, version, leaseId };
    return { ...change, previousMain, previousSub, valueCrc, head, folded };
  });
}
