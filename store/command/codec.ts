/**
 * Commands as bytes of the log (`store.proto`), by hand: each member decodes every command once.
 * Unknown fields are an error here, never skipped (spec: store 3.2). Byte strings of a decoded
 * command are views on the input.
 */
import { hexIdFromBytes, hexIdToBytes, NO_ID } from '../../base/hex-id';
import { ProtoWriter } from '../../base/proto-writer';
import { ProtoReader } from '../../base/protobuf';
import type { Revision } from '../kv';
import type { Command, CommandBody, LeaseCheckpoint, RequestId } from './command';
import {
  readDeleteRange,
  readPut,
  readTxn,
  writeDeleteRange,
  writePut,
  writeTxn,
} from './txn-codec';

/** The bytes of a command. */
export function encodeCommand(command: Command): Uint8Array {
  const writer = new ProtoWriter();
  writeCommand(writer, command.requestId, command);
  return writer.take();
}

/** Appends the bytes of a command to what is in `writer`. */
export function writeCommand(
  writer: ProtoWriter,
  { memberId, incarnation, counter }: RequestId,
  body: CommandBody,
): void {
  writer.message(1, (nested) => {
    nested.id(1, memberId).counter(2, incarnation).counter(3, counter);
  });
  writeBody(writer, body);
}

/** Reads them from `start` on; throws a `RangeError` for anything this version does not know. */
export function decodeCommand(bytes: Uint8Array, start = 0): Command {
  const reader = new ProtoReader(bytes, { start });
  let requestId: RequestId | undefined;
  let body: CommandBody | undefined;
  while (reader.next()) {
    if (reader.field === 1) requestId = readRequestId(reader.message());
    else body = readBody(reader.field, reader);
  }
  if (requestId === undefined || body === undefined) {
    throw new RangeError('Cannot decode a command: request id or body is missing');
  }
  return { ...body, requestId };
}

/** Reads the request id alone, to find out whose command an entry is. */
export function decodeRequestId(bytes: Uint8Array): RequestId {
  const reader = new ProtoReader(bytes);
  if (!reader.next() || reader.field !== 1) {
    throw new RangeError('Cannot decode a command: request id is missing');
  }
  return readRequestId(reader.message());
}

function writeBody(writer: ProtoWriter, body: CommandBody): void {
  switch (body.kind) {
    case 'put':
      writer.message(2, (nested) => writePut(nested, body));
      return;
    case 'deleteRange':
      writer.message(3, (nested) => writeDeleteRange(nested, body));
      return;
    case 'txn':
      writer.message(4, (nested) => writeTxn(nested, body.txn));
      return;
    case 'compact':
      writer.message(5, (nested) => nested.counter(1, body.revision));
      return;
    case 'leaseGrant':
      writer.message(6, (nested) => nested.id(1, body.leaseId).counter(2, body.ttlSeconds));
      return;
    case 'leaseRevoke':
      writer.message(7, (nested) => nested.id(1, body.leaseId));
      return;
    case 'leaseExpire':
      writer.message(8, (nested) => {
        for (const leaseId of body.leaseIds) nested.bytesAlways(1, hexIdToBytes(leaseId));
        nested.counter(2, body.term);
      });
      return;
    case 'leaseCheckpoint':
      writer.message(9, (nested) => {
        for (const { leaseId, remainingSeconds } of body.checkpoints) {
          nested.message(1, (entry) => entry.id(1, leaseId).counter(2, remainingSeconds));
        }
        nested.counter(2, body.term);
      });
      return;
  }
}

function readBody(field: number, reader: ProtoReader): CommandBody {
  switch (field) {
    case 2:
      return readPut(reader.message());
    case 3: {
      const { range, withPrevious } = readDeleteRange(reader.message());
      if ('key' in range) throw new RangeError('Cannot decode a command: a range is missing');
      return { kind: 'deleteRange', range, withPrevious };
    }
    case 4:
      return { kind: 'txn', txn: readTxn(reader.message()) };
    case 5: {
      const fields = readFields(reader.message(), 'a compaction');
      return { kind: 'compact', revision: fields.counter(1) as Revision };
    }
    case 6: {
      const fields = readFields(reader.message(), 'a lease grant');
      return { kind: 'leaseGrant', leaseId: fields.id(1), ttlSeconds: fields.counter(2) };
    }
    case 7: {
      const fields = readFields(reader.message(), 'a lease revocation');
      return { kind: 'leaseRevoke', leaseId: fields.id(1) };
    }
    case 8:
      return readExpire(reader.message());
    case 9:
      return readCheckpoint(reader.message());
    default:
      return reader.refuse('a command');
  }
}

function readRequestId(reader: ProtoReader): RequestId {
  let memberId = NO_ID;
  let incarnation = 0;
  let counter = 0;
  while (reader.next()) {
    if (reader.field === 1) memberId = reader.id();
    else if (reader.field === 2) incarnation = reader.counter();
    else if (reader.field === 3) counter = reader.counter();
    else reader.refuse('a request id');
  }
  return { memberId, incarnation, counter };
}

function readExpire(reader: ProtoReader): CommandBody {
  const leaseIds: string[] = [];
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) leaseIds.push(hexIdFromBytes(reader.bytes()));
    else if (reader.field === 2) term = reader.counter();
    else reader.refuse('a lease expiry');
  }
  return { kind: 'leaseExpire', leaseIds, term };
}

function readCheckpoint(reader: ProtoReader): CommandBody {
  const checkpoints: LeaseCheckpoint[] = [];
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) {
      const fields = readFields(reader.message(), 'a lease checkpoint');
      checkpoints.push({ leaseId: fields.id(1), remainingSeconds: fields.counter(2) });
    } else if (reader.field === 2) term = reader.counter();
    else reader.refuse('lease checkpoints');
  }
  return { kind: 'leaseCheckpoint', checkpoints, term };
}

/** A small message whose field 1 may be an id or a counter and whose field 2 is a counter. */
function readFields(
  reader: ProtoReader,
  what: string,
): { id(field: 1): string; counter(field: 1 | 2): number } {
  const counters = [0, 0, 0];
  let id = NO_ID;
  while (reader.next()) {
    if (reader.field === 1 && reader.wireType === 1) id = reader.id();
    else if (reader.field === 1 || reader.field === 2) counters[reader.field] = reader.counter();
    else reader.refuse(what);
  }
  return { id: () => id, counter: (field) => counters[field] as number };
}
