/** Entries and proposals inside of messages: the bulk of what members send (`raft.proto`). */
import { copyBytes, EMPTY_BYTES } from '../../base/bytes';
import type { Entry, EntryKind, Index, Proposal, Term } from '../core';
import { RAFT_LIMITS } from '../limits';
import { counterBytes, nestedBytes, WireReader, type WireWriter } from './wire-bytes';

const KIND_NUMBER = { normal: 0, confChange: 1 } as const satisfies Record<EntryKind, number>;

function dataBytes(field: number, data: Uint8Array): number {
  return data.length === 0 ? 0 : nestedBytes(field, data.length);
}

/** Bytes of an entry's message. */
export function entryBytes(entry: Entry): number {
  return (
    counterBytes(entry.term) + counterBytes(KIND_NUMBER[entry.kind]) + dataBytes(3, entry.data)
  );
}

/** Bytes of a proposal's message. */
export function proposalBytes(proposal: Proposal): number {
  return counterBytes(KIND_NUMBER[proposal.kind]) + dataBytes(2, proposal.data);
}

/** Writes an entry as field 4 of an append. */
export function writeEntry(writer: WireWriter, entry: Entry): void {
  writer.nested(4, entryBytes(entry));
  writer.counter(1, entry.term);
  writer.counter(2, KIND_NUMBER[entry.kind]);
  writer.data(3, entry.data);
}

/** Writes a proposal as field 1 of a forwarded message. */
export function writeProposal(writer: WireWriter, proposal: Proposal): void {
  writer.nested(1, proposalBytes(proposal));
  writer.counter(1, KIND_NUMBER[proposal.kind]);
  writer.data(2, proposal.data);
}

/** Reads an append. */
export function readAppend(outerReader: WireReader): {
  prevIndex: Index;
  prevTerm: Term;
  commitIndex: Index;
  entries: readonly Entry[];
} {
  // One copy for all entries of the message: they stay in memory together (R94).
  const reader = new WireReader(copyBytes(outerReader.data()));
  let [prevIndex, prevTerm, commitIndex] = [0, 0, 0];
  const entries: Entry[] = [];
  while (reader.next()) {
    if (reader.field === 1) prevIndex = reader.counter();
    else if (reader.field === 2) prevTerm = reader.counter();
    else if (reader.field === 3) commitIndex = reader.counter();
    else if (reader.field === 4) {
      checkCount(entries.length);
      entries.push(readEntry(reader, prevIndex + 1 + entries.length));
    } else reader.skip();
  }
  return {
    prevIndex: prevIndex as Index,
    prevTerm: prevTerm as Term,
    commitIndex: commitIndex as Index,
    entries,
  };
}

function readEntry(reader: WireReader, index: number): Entry {
  if (!Number.isSafeInteger(index)) throw new RangeError('Cannot decode an index above 2^53-1');
  const outer = reader.enter();
  let term = 0;
  let kind = 0;
  let data = EMPTY_BYTES;
  while (reader.next()) {
    if (reader.field === 1) term = reader.counter();
    else if (reader.field === 2) kind = reader.counter();
    else if (reader.field === 3) data = reader.data();
    else reader.skip();
  }
  reader.leave(outer);
  return { index: index as Index, term: term as Term, kind: entryKind(kind), data };
}

/** Reads forwarded proposals. */
export function readProposals(outerReader: WireReader): Proposal[] {
  const reader = new WireReader(copyBytes(outerReader.data()));
  const proposals: Proposal[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      checkCount(proposals.length);
      proposals.push(readProposal(reader));
    } else reader.skip();
  }
  if (proposals.length === 0) throw new RangeError('Cannot decode a proposal without data');
  return proposals;
}

function readProposal(reader: WireReader): Proposal {
  const outer = reader.enter();
  let kind = 0;
  let data = EMPTY_BYTES;
  while (reader.next()) {
    if (reader.field === 1) kind = reader.counter();
    else if (reader.field === 2) data = reader.data();
    else reader.skip();
  }
  reader.leave(outer);
  if (data.length > RAFT_LIMITS.entryBytesMax) {
    throw new RangeError(`Cannot decode a proposal: received ${String(data.length)} bytes`);
  }
  return { kind: entryKind(kind), data };
}

function checkCount(count: number): void {
  if (count >= RAFT_LIMITS.entriesPerMessageMax) {
    throw new RangeError('Cannot decode a message: it holds too many entries');
  }
}

function entryKind(kind: number): EntryKind {
  if (kind === KIND_NUMBER.normal) return 'normal';
  if (kind === KIND_NUMBER.confChange) return 'confChange';
  throw new RangeError(`Cannot decode an entry: received kind ${String(kind)}`);
}
