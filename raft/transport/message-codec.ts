/** The bodies of messages, one `case` a kind for size, writing and reading (`raft.proto`). */
import { assertNever } from '../../base/assert';
import { NO_ID } from '../../base/hex-id';
import type {
  AppendResult,
  Index,
  MemberId,
  Message,
  MessageKind,
  ReadKey,
  SnapshotMeta,
  Term,
} from '../core';
import {
  entryBytes,
  proposalBytes,
  readAppend,
  readProposals,
  writeEntry,
  writeProposal,
} from './entry-codec';
import { counterBytes, nestedBytes, type WireReader, type WireWriter } from './wire-bytes';

/** The field of the oneof that holds each kind. */
export const BODY_FIELD = {
  preVote: 2,
  preVoteResponse: 3,
  requestVote: 4,
  requestVoteResponse: 5,
  appendEntries: 6,
  appendEntriesResponse: 7,
  heartbeat: 8,
  heartbeatResponse: 9,
  installSnapshot: 10,
  installSnapshotResponse: 11,
  timeoutNow: 12,
  timeoutNowResponse: 13,
  readIndex: 14,
  readIndexResponse: 15,
  propose: 16,
} as const satisfies Record<MessageKind, number>;

const KIND_OF_FIELD = new Map(
  Object.entries(BODY_FIELD).map(([kind, field]) => [field as number, kind as MessageKind]),
);

const ID_FIELD_BYTES = 9;

/** What the batch and the message around a body say. */
export interface BodyHeader {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: number;
}

/** Bytes of the body, exact. */
export function bodyBytes(message: Message): number {
  switch (message.kind) {
    case 'appendEntries': {
      let size = counterBytes(message.prevIndex) + counterBytes(message.prevTerm);
      size += counterBytes(message.commitIndex);
      for (const entry of message.entries) size += nestedBytes(4, entryBytes(entry));
      return size;
    }
    case 'appendEntriesResponse':
      return resultFields(message.result).reduce((sum, value) => sum + counterBytes(value), 0);
    case 'heartbeat':
      return counterBytes(message.commitIndex) + counterBytes(message.readBatch);
    case 'heartbeatResponse':
      return counterBytes(message.readBatch);
    case 'preVote':
      return counterBytes(message.lastIndex) + counterBytes(message.lastTerm);
    case 'requestVote':
      return (
        counterBytes(message.lastIndex) +
        counterBytes(message.lastTerm) +
        flagBytes(message.isTransfer)
      );
    case 'preVoteResponse':
    case 'requestVoteResponse':
      return flagBytes(message.isGranted);
    case 'installSnapshot':
      return snapshotBytes(message.meta);
    case 'installSnapshotResponse':
      return counterBytes(message.index) + flagBytes(message.isInstalled);
    case 'timeoutNow':
      return 0;
    case 'timeoutNowResponse':
      return flagBytes(message.isCampaigning);
    case 'readIndex':
      return keyBytes(message.key);
    case 'readIndexResponse':
      return keyBytes(message.key) + counterBytes(message.index);
    case 'propose':
      return message.proposals.reduce((sum, each) => sum + nestedBytes(1, proposalBytes(each)), 0);
    default:
      return assertNever(message);
  }
}

function flagBytes(value: boolean): number {
  return value ? 2 : 0;
}

function keyBytes(key: ReadKey): number {
  return ID_FIELD_BYTES + counterBytes(key.incarnation) + counterBytes(key.counter);
}

function snapshotBytes(meta: SnapshotMeta): number {
  const lists = snapshotLists(meta).filter((list) => list.length > 0);
  const ids = lists.reduce((sum, list) => sum + nestedBytes(3, list.length * 8), 0);
  const counters = counterBytes(meta.index) + counterBytes(meta.term);
  return counters + ids + flagBytes(meta.confState.autoLeave);
}

function snapshotLists(meta: SnapshotMeta): readonly (readonly MemberId[])[] {
  const { voters, votersOutgoing, learners, learnersNext } = meta.confState;
  return [voters, votersOutgoing, learners, learnersNext];
}

/** The fields of an append's result, in their order. */
function resultFields(result: AppendResult): readonly number[] {
  switch (result.kind) {
    case 'accepted':
      return [0, result.matchIndex];
    case 'rejected':
      return [1, 0, result.prevIndex, result.hintIndex, result.hintTerm];
    case 'stale':
      return [2];
    default:
      return assertNever(result);
  }
}

/** Writes the body. */
export function writeBody(writer: WireWriter, message: Message): void {
  switch (message.kind) {
    case 'appendEntries':
      writer.counter(1, message.prevIndex);
      writer.counter(2, message.prevTerm);
      writer.counter(3, message.commitIndex);
      for (const entry of message.entries) {
        writeEntry(writer, entry);
      }
      break;
    case 'appendEntriesResponse':
      resultFields(message.result).forEach((value, at) => writer.counter(at + 1, value));
      break;
    case 'heartbeat':
      writer.counter(1, message.commitIndex);
      writer.counter(2, message.readBatch);
      break;
    case 'heartbeatResponse':
      writer.counter(1, message.readBatch);
      break;
    case 'preVote':
    case 'requestVote':
      writer.counter(1, message.lastIndex);
      writer.counter(2, message.lastTerm);
      if (message.kind === 'requestVote') writer.flag(3, message.isTransfer);
      break;
    case 'preVoteResponse':
    case 'requestVoteResponse':
      writer.flag(1, message.isGranted);
      break;
    case 'installSnapshot':
      writeSnapshot(writer, message.meta);
      break;
    case 'installSnapshotResponse':
      writer.counter(1, message.index);
      writer.flag(2, message.isInstalled);
      break;
    case 'timeoutNow':
      break;
    case 'timeoutNowResponse':
      writer.flag(1, message.isCampaigning);
      break;
    case 'readIndex':
      writeKey(writer, message.key);
      break;
    case 'readIndexResponse':
      writeKey(writer, message.key);
      writer.counter(4, message.index);
      break;
    case 'propose':
      for (const proposal of message.proposals) {
        writeProposal(writer, proposal);
      }
      break;
    default:
      assertNever(message);
  }
}

function writeKey(writer: WireWriter, key: ReadKey): void {
  writer.id(1, key.memberId);
  writer.counter(2, key.incarnation);
  writer.counter(3, key.counter);
}

function writeSnapshot(writer: WireWriter, meta: SnapshotMeta): void {
  writer.counter(1, meta.index);
  writer.counter(2, meta.term);
  snapshotLists(meta).forEach((list, at) => {
    if (list.length === 0) return;
    writer.nested(3 + at, list.length * 8);
    for (const id of list) writer.rawId(id);
  });
  writer.flag(7, meta.confState.autoLeave);
}

/** Reads the body that the reader stands at; undefined for an unknown field, which is passed. */
export function readBody(reader: WireReader, header: BodyHeader): Message | undefined {
  const kind = KIND_OF_FIELD.get(reader.field);
  if (kind === undefined) {
    reader.skip();
    return undefined;
  }
  const { from, to } = header;
  const term = header.term as Term;
  const base = { from, to, term };
  switch (kind) {
    case 'appendEntries':
      return { kind, ...base, ...readAppend(reader) };
    case 'propose':
      return { kind, ...base, proposals: readProposals(reader) };
    case 'installSnapshot':
      return { kind, ...base, meta: readSnapshot(reader) };
    case 'readIndex':
      return { kind, ...base, key: readKey(reader).key };
    case 'readIndexResponse':
      return { kind, ...base, ...readKey(reader) };
    default:
      return readPlain(reader, kind, base);
  }
}

type PlainKind = Exclude<
  MessageKind,
  'appendEntries' | 'propose' | 'installSnapshot' | 'readIndex' | 'readIndexResponse'
>;

/** Kinds whose fields are all numbers: read by their field number, then named. */
function readPlain(
  reader: WireReader,
  kind: PlainKind,
  base: { readonly from: MemberId; readonly to: MemberId; readonly term: Term },
): Message {
  const [first, second, third, fourth, fifth] = readCounters(reader, 5);
  switch (kind) {
    case 'preVote':
      return { kind, ...base, lastIndex: first as Index, lastTerm: second as Term };
    case 'requestVote': {
      const isTransfer = third !== 0;
      return { kind, ...base, lastIndex: first as Index, lastTerm: second as Term, isTransfer };
    }
    case 'preVoteResponse':
    case 'requestVoteResponse':
      return { kind, ...base, isGranted: first !== 0 };
    case 'appendEntriesResponse':
      return { kind, ...base, result: readResult([first, second, third, fourth, fifth]) };
    case 'heartbeat':
      return { kind, ...base, commitIndex: first as Index, readBatch: second };
    case 'heartbeatResponse':
      return { kind, ...base, readBatch: first };
    case 'installSnapshotResponse':
      return { kind, ...base, index: first as Index, isInstalled: second !== 0 };
    case 'timeoutNow':
      return { kind, ...base };
    case 'timeoutNowResponse':
      return { kind, ...base, isCampaigning: first !== 0 };
    default:
      return assertNever(kind);
  }
}

type FiveCounters = [number, number, number, number, number];

function readCounters(reader: WireReader, count: number): FiveCounters {
  const values: FiveCounters = [0, 0, 0, 0, 0];
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field <= count) values[reader.field - 1] = reader.counter();
    else reader.skip();
  }
  reader.leave(outer);
  return values;
}

function readResult(values: FiveCounters): AppendResult {
  const [result, match, prev, hint, hintTerm] = values;
  if (result === 0) return { kind: 'accepted', matchIndex: match as Index };
  if (result === 2) return { kind: 'stale' };
  if (result !== 1) throw new RangeError(`Cannot decode a result: received ${String(result)}`);
  return {
    kind: 'rejected',
    prevIndex: prev as Index,
    hintIndex: hint as Index,
    hintTerm: hintTerm as Term,
  };
}

function readKey(reader: WireReader): { key: ReadKey; index: Index } {
  const outer = reader.enter();
  let memberId = NO_ID;
  let [incarnation, counter, index] = [0, 0, 0];
  while (reader.next()) {
    if (reader.field === 1) memberId = reader.id();
    else if (reader.field === 2) incarnation = reader.counter();
    else if (reader.field === 3) counter = reader.counter();
    else if (reader.field === 4) index = reader.counter();
    else reader.skip();
  }
  reader.leave(outer);
  return {
    key: { memberId: memberId as MemberId, incarnation, counter },
    index: index as Index,
  };
}

function readSnapshot(reader: WireReader): SnapshotMeta {
  const outer = reader.enter();
  let [index, term] = [0, 0];
  let autoLeave = false;
  const lists: MemberId[][] = [[], [], [], []];
  while (reader.next()) {
    const list = lists[reader.field - 3];
    if (reader.field === 1) index = reader.counter();
    else if (reader.field === 2) term = reader.counter();
    else if (list !== undefined) list.push(...(reader.packedIds() as MemberId[]));
    else if (reader.field === 7) autoLeave = reader.flag();
    else reader.skip();
  }
  reader.leave(outer);
  const [voters = [], votersOutgoing = [], learners = [], learnersNext = []] = lists;
  const confState = { voters, votersOutgoing, learners, learnersNext, autoLeave };
  return { index: index as Index, term: term as Term, confState };
}
