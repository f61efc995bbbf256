/** Fetches what the commands of a batch read beyond single keys: the waits before evaluation. */
import { readAll, type KvEngine } from '../engine';
import type { KeyRange, KeyValue, Revision } from '../kv';
import {
  currentBounds,
  decodeAttachment,
  decodeCurrent,
  leaseAttachmentBounds,
  ReadSet,
  type AppliedRecord,
  type RangeNeed,
} from '../mvcc';
import type { StateEntry } from './apply-outcome';
import { needsOfCommand } from './evaluate';
import type { RangeReader } from './range-reader';

/**
 * Collects and fetches the read set of `entries` on the state `applied`. A range at a revision that
 * only an earlier entry of the batch will make is read as the present, and overlaid later.
 */
export async function fetchReadSet(
  entries: readonly StateEntry[],
  engine: KvEngine,
  ranges: RangeReader,
  applied: AppliedRecord,
): Promise<ReadSet> {
  const readSet = new ReadSet();
  const needs: RangeNeed[] = [];
  const leaseIds = new Set<string>();
  const collect = {
    range: (need: RangeNeed): void => void needs.push(need),
    attached: (leaseId: string): void => void leaseIds.add(leaseId),
  };
  for (const { command } of entries) {
    if (command !== undefined) needsOfCommand(command, collect);
  }
  for (const { range, revision } of needs) {
    if (revision === 0 || revision > applied.revision) {
      if (readSet.current(range) === undefined) await fetchCurrent(readSet, engine, range);
    } else if (revision >= applied.compactRevision) {
      const keyValues = await listAll(ranges, range, revision);
      readSet.addPast(range, revision, keyValues);
    }
  }
  for (const leaseId of leaseIds) {
    const entriesOfLease = await readAll(engine, leaseAttachmentBounds(leaseId));
    readSet.addAttached(
      leaseId,
      entriesOfLease.map(({ key, value }) => decodeAttachment(engine.location, key, value)),
    );
  }
  return readSet;
}

async function fetchCurrent(readSet: ReadSet, engine: KvEngine, range: KeyRange): Promise<void> {
  const isEmpty = range.end !== undefined && Buffer.compare(range.start, range.end) >= 0;
  const pairs = isEmpty ? [] : await readAll(engine, currentBounds(range));
  const records = pairs.map(({ key, value }) => decodeCurrent(engine.location, key, value));
  readSet.addCurrent(range, records);
}

async function listAll(
  ranges: RangeReader,
  range: KeyRange,
  revision: Revision,
): Promise<readonly KeyValue[]> {
  const { keyValues } = await ranges.list(range, { revision, bytesMax: Infinity });
  return keyValues;
}
