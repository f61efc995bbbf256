/**
 * The meta records of a replica's state. `applied` is written with every batch, so that data and
 * applied index move together or not at all (R60, S1).
 *
 *   00 schema      varint version
 *   00 clusterId   id
 *   00 applied     varint index · varint term · varint revision · varint compactRevision ·
 *                  16 bytes state hash · u32 fold · u32 link · configuration
 *   00 flushed     varint index · varint term · varint revision · u32 fold · u32 link
 *   00 compactDone varint revision: physical compaction has finished for it
 *
 *   configuration  four lists of ids (varint count, 8 bytes each): voters, votersOutgoing,
 *                  learners, learnersNext; then u8 autoLeave
 */
import { emptyHash128, type Hash128 } from '../../base/hash128';
import type { Revision } from '../kv';
import { decodeBody, type BodyReader, type RecordSink, type RecordWriter } from './checked-record';
import { metaKey, NAMESPACE } from './keyspace';

/** The only version of the layout so far. */
export const SCHEMA_VERSION = 1;

/** Keys of the meta records. */
export const META_KEYS = {
  schema: metaKey('schema'),
  clusterId: metaKey('clusterId'),
  applied: metaKey('applied'),
  flushed: metaKey('flushed'),
  compactDone: metaKey('compactDone'),
} as const;

/** The membership, as Raft's `ConfState` has it; the store only keeps it. */
export interface Configuration {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
}

/** Nobody. */
export const EMPTY_CONFIGURATION: Configuration = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** Everything about the state that is not a record of its own. */
export interface AppliedRecord {
  readonly index: number;
  readonly term: number;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly stateHash: Hash128;
  readonly fold: number;
  readonly link: number;
  readonly configuration: Configuration;
}

/** Up to where a power cut can take nothing back; where the open check begins. */
export interface FlushedRecord {
  readonly index: number;
  readonly term: number;
  readonly revision: Revision;
  readonly fold: number;
  readonly link: number;
}

/** The state of an empty store: revision 1, nothing compacted. */
export function emptyApplied(): AppliedRecord {
  return {
    index: 0,
    term: 0,
    revision: 1 as Revision,
    compactRevision: 0 as Revision,
    stateHash: emptyHash128(),
    fold: 0,
    link: 0,
    configuration: EMPTY_CONFIGURATION,
  };
}

/** Writes `applied`. */
export function putApplied(writer: RecordWriter, sink: RecordSink, applied: AppliedRecord): void {
  startMeta(writer, META_KEYS.applied);
  writer.varint(applied.index).varint(applied.term);
  writer.varint(applied.revision).varint(applied.compactRevision);
  for (const lane of applied.stateHash) writer.u32(lane >>> 0);
  writer.u32(applied.fold).u32(applied.link);
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = applied.configuration;
  for (const ids of [voters, votersOutgoing, learners, learnersNext]) {
    writer.varint(ids.length);
    for (const id of ids) writer.id(id);
  }
  writer.u8(autoLeave ? 1 : 0).putInto(sink);
}

/** Checks and reads `applied`. */
export function decodeApplied(location: string, value: Uint8Array): AppliedRecord {
  return decodeBody(location, META_KEYS.applied, value, (body) => {
    const index = body.next();
    const term = body.next();
    const revision = body.next() as Revision;
    const compactRevision = body.next() as Revision;
    const stateHash = Int32Array.from({ length: 4 }, () => body.u32());
    const fold = body.u32();
    const link = body.u32();
    const configuration = {
      voters: readIds(body),
      votersOutgoing: readIds(body),
      learners: readIds(body),
      learnersNext: readIds(body),
      autoLeave: body.u8() === 1,
    };
    return { index, term, revision, compactRevision, stateHash, fold, link, configuration };
  });
}

/** Writes `flushed`. */
export function putFlushed(writer: RecordWriter, sink: RecordSink, flushed: FlushedRecord): void {
  startMeta(writer, META_KEYS.flushed);
  writer.varint(flushed.index).varint(flushed.term).varint(flushed.revision);
  writer.u32(flushed.fold).u32(flushed.link).putInto(sink);
}

/** Checks and reads `flushed`. */
export function decodeFlushed(location: string, value: Uint8Array): FlushedRecord {
  return decodeBody(location, META_KEYS.flushed, value, (body) => {
    const index = body.next();
    const term = body.next();
    const revision = body.next() as Revision;
    return { index, term, revision, fold: body.u32(), link: body.u32() };
  });
}

/** Writes a meta record that is one counter. */
export function putMetaCounter(
  writer: RecordWriter,
  sink: RecordSink,
  key: Uint8Array,
  value: number,
): void {
  startMeta(writer, key);
  writer.varint(value).putInto(sink);
}

/** Checks and reads one. */
export function decodeMetaCounter(location: string, key: Uint8Array, value: Uint8Array): number {
  return decodeBody(location, key, value, (body) => body.next());
}

/** Writes the cluster's id. */
export function putClusterId(writer: RecordWriter, sink: RecordSink, clusterId: string): void {
  startMeta(writer, META_KEYS.clusterId);
  writer.id(clusterId).putInto(sink);
}

/** Checks and reads the cluster's id. */
export function decodeClusterId(location: string, value: Uint8Array): string {
  return decodeBody(location, META_KEYS.clusterId, value, (body) => body.id());
}

function startMeta(writer: RecordWriter, key: Uint8Array): void {
  writer.key(NAMESPACE.meta).raw(key.subarray(1)).body();
}

function readIds(body: BodyReader): string[] {
  return Array.from({ length: body.next() }, () => body.id());
}
