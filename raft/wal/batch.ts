/**
 * The layout of one batch: hard state first if there is one, a position mark at the begin of a
 * segment, the entries, then the seal in another block than the hard state (spec: raft 4.3).
 */
import { assert } from '../../base/assert';
import { EMPTY_BYTES } from '../../base/bytes';
import type { Entry, EntryKind, HardState, Index, Term } from '../core';
import { simpleConfState } from '../core';
import {
  encodeConfState,
  encodeHardState,
  encodeSeal,
  HARD_STATE_BYTES,
  SEAL_BYTES,
} from './payload';
import { alignSector, BLOCK_BYTES, RECORD_TYPE, recordBytes, type BatchBuffer } from './record';
import type { ScannedBatch, ScannedRecord } from './segment';

/** The end of the log after a batch. */
export interface LogEnd {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** What a batch says. */
export interface BatchContent {
  readonly number: number;
  /** As of the end of the batch: the seal repeats it. */
  readonly hardState: HardState;
  /** Term or vote changed, or the batch begins a segment: then it has a record of its own. */
  readonly hasHardState: boolean;
  /** At the begin of a segment: where the log ends before it, so older segments may go. */
  readonly position: LogEnd | undefined;
  readonly records: readonly ScannedRecord[];
  readonly end: LogEnd;
}

/** Where a batch goes. */
export interface BatchPlace {
  readonly offset: number;
  readonly salt: number;
  readonly chain: number;
}

const POSITION_PAYLOAD = encodeConfState(simpleConfState([]));

const KIND_NUMBER = { normal: 0, confChange: 1 } as const satisfies Record<EntryKind, number>;

/** The record of an entry. */
export function entryRecord(entry: Entry): ScannedRecord {
  return {
    type: RECORD_TYPE.entry,
    entryKind: KIND_NUMBER[entry.kind],
    index: entry.index,
    term: entry.term,
    payload: entry.data,
  };
}

/** The entry of a record. */
export function recordEntry(record: ScannedRecord): Entry {
  return {
    index: record.index as Index,
    term: record.term as Term,
    kind: record.entryKind === KIND_NUMBER.confChange ? 'confChange' : 'normal',
    data: record.payload,
  };
}

/** An upper bound of the bytes that a batch of these records takes. */
export function batchBytes(records: readonly ScannedRecord[]): number {
  let size = recordBytes(HARD_STATE_BYTES) + recordBytes(POSITION_PAYLOAD.length);
  for (const record of records) size += recordBytes(record.payload.length);
  return alignSector(size + BLOCK_BYTES + recordBytes(0) + recordBytes(SEAL_BYTES));
}

/** Encodes a batch into `buffer`; the bytes are valid until the buffer's next use. */
export function encodeBatch(
  buffer: BatchBuffer,
  place: BatchPlace,
  content: BatchContent,
): Uint8Array {
  const { hardState, records } = content;
  let firstIndex = content.end.lastIndex + 1;
  buffer.begin(batchBytes(records), place.salt, content.number, place.chain);
  if (content.hasHardState) {
    buffer.append(
      {
        type: RECORD_TYPE.hardState,
        entryKind: 0,
        index: hardState.commitIndex,
        term: hardState.term,
      },
      encodeHardState(hardState),
    );
  }
  if (content.position !== undefined) {
    const { lastIndex: index, lastTerm: term } = content.position;
    const fields = { type: RECORD_TYPE.snapshotMark, entryKind: 0, index, term };
    buffer.append(fields, POSITION_PAYLOAD);
  }
  for (const record of records) {
    assert(record.term <= hardState.term, 'no entry is of a term above the hard state', {
      index: record.index,
      term: record.term,
      hardStateTerm: hardState.term,
    });
    if (record.type === RECORD_TYPE.entry) firstIndex = Math.min(firstIndex, record.index);
    buffer.append(record, record.payload);
  }
  if (content.hasHardState) buffer.padToNextBlock(place.offset);
  const seal = encodeSeal({
    batch: content.number,
    recordCount: buffer.recordCount,
    firstIndex,
    ...content.end,
    hardState,
  });
  buffer.append({ type: RECORD_TYPE.seal, entryKind: 0, index: 0, term: 0 }, seal);
  return buffer.finish();
}

/** The records of a batch that a copy of it repeats: all but what each segment's begin has anew. */
export function recordsToCopy(batch: ScannedBatch): ScannedRecord[] {
  return batch.records.filter(
    (record) =>
      record.type === RECORD_TYPE.entry ||
      record.type === RECORD_TYPE.truncate ||
      (record.type === RECORD_TYPE.snapshotMark && !isPositionMark(record)),
  );
}

/** Whether a snapshot mark only says where the log stood: it names no voters. */
export function isPositionMark(record: ScannedRecord): boolean {
  return record.payload.length === POSITION_PAYLOAD.length;
}

/** The payload of a truncate record: none, its index says it all. */
export const TRUNCATE_PAYLOAD = EMPTY_BYTES;
