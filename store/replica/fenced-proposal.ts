/**
 * A command on its way into the log, with the term it was offered in:
 *
 *   varint term ‖ command (store.proto)
 *
 * The command takes effect only if its entry has that very term; every member sees both numbers in
 * the entry and decides alike (S2). So as soon as a member has applied an entry of a later term,
 * it knows that what it offered earlier and did not see applied never will be: the log holds no
 * earlier term after that, and a copy that was still on its way gets a later one. Such a proposal
 * may be offered again without a doubt (S26), which is why a change of leader costs waiting and
 * not errors.
 */
import { ProtoWriter } from '../../base/proto-writer';
import { writeCommand, type CommandBody, type RequestId } from '../command';
import { VarintReader, varintLength, writeVarint } from '../../base/varint';

/** What an entry's data holds. */
export interface FencedProposal {
  readonly term: number;
  /** Where in the data the command begins. */
  readonly start: number;
}

const writer = new ProtoWriter();

/** The data of an entry, from a command that has no bytes yet: written once, allocated once. */
export function encodeFencedCommand(
  term: number,
  requestId: RequestId,
  body: CommandBody,
): Uint8Array {
  writer.rewind(0);
  writer.varint(term);
  writeCommand(writer, requestId, body);
  // Entries of about the same age share memory, and leave the log together.
  return writer.takePooled();
}

/** The same command with the fence of another term. */
export function fenceAnew(data: Uint8Array, term: number): Uint8Array {
  return encodeFencedProposal(term, data.subarray(decodeFencedProposal(data).start));
}

/** The data of an entry. */
export function encodeFencedProposal(term: number, command: Uint8Array): Uint8Array {
  const start = varintLength(term);
  const data = Buffer.allocUnsafe(start + command.length);
  writeVarint(data, 0, term);
  data.set(command, start);
  return data;
}

/** Reads the data of an entry; throws a `RangeError` if it holds no term. */
export function decodeFencedProposal(data: Uint8Array): FencedProposal {
  const reader = new VarintReader(data);
  const term = reader.next();
  return { term, start: reader.offset };
}
