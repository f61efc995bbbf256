/** Transactions and their parts as protobuf (`store.proto`); used by commands and by the wire. */
import { EMPTY_BYTES } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import type { ProtoWriter } from '../../base/proto-writer';
import type { ProtoReader } from '../../base/protobuf';
import type { Compare, KeyRange, Operation, Revision, Txn } from '../kv';

type RangeOrKey = KeyRange | { readonly key: Uint8Array };
type Put = Extract<Operation, { kind: 'put' }>;
type ReadRange = Extract<Operation, { kind: 'range' }>;

/** Deeper nesting is refused: it would exhaust the stack long before the limit of operations. */
const NESTING_MAX = 128;

const OPERATORS = [undefined, 'equal', 'notEqual', 'greater', 'less'] as const;
const TARGETS = [
  undefined,
  'version',
  'createRevision',
  'modRevision',
  'value',
  'leaseId',
] as const;

/** Writes the fields of a `Txn`. */
export function writeTxn(writer: ProtoWriter, txn: Txn): void {
  for (const compare of txn.compare) writer.message(1, (nested) => writeCompare(nested, compare));
  for (const operation of txn.success) {
    writer.message(2, (nested) => writeOperation(nested, operation));
  }
  for (const operation of txn.failure) {
    writer.message(3, (nested) => writeOperation(nested, operation));
  }
}

/** Reads a `Txn`; throws a `RangeError` for what this version does not know. */
export function readTxn(reader: ProtoReader, depth = 0): Txn {
  if (depth > NESTING_MAX) throw new RangeError('Cannot decode a transaction: nested too deep');
  const txn: { compare: Compare[]; success: Operation[]; failure: Operation[] } = {
    compare: [],
    success: [],
    failure: [],
  };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        txn.compare.push(readCompare(reader.message()));
        break;
      case 2:
        txn.success.push(readOperation(reader.message(), depth));
        break;
      case 3:
        txn.failure.push(readOperation(reader.message(), depth));
        break;
      default:
        reader.refuse('a transaction');
    }
  }
  return txn;
}

/** Writes the fields of a `Range`. */
export function writeRange(writer: ProtoWriter, range: RangeOrKey): void {
  if ('key' in range) {
    writer.bytesAlways(1, range.key);
    return;
  }
  writer.bytesAlways(2, range.start);
  if (range.end !== undefined) writer.bytesAlways(3, range.end);
}

/** Reads a `Range`. */
export function readRange(reader: ProtoReader): RangeOrKey {
  let key: Uint8Array | undefined;
  let start = EMPTY_BYTES;
  let end: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) start = reader.bytes();
    else if (reader.field === 3) end = reader.bytes();
    else reader.refuse('a range');
  }
  return key === undefined ? { start, end } : { key };
}

/** Writes the fields of a `Put`. */
export function writePut(writer: ProtoWriter, put: Omit<Put, 'kind'>): void {
  writer.bytes(1, put.key).bytes(2, put.value);
  if (put.leaseId !== NO_ID) writer.id(3, put.leaseId);
  writer.flag(4, put.withPrevious);
}

/** Reads a `Put`. */
export function readPut(reader: ProtoReader): Put {
  let key = EMPTY_BYTES;
  let value = EMPTY_BYTES;
  let leaseId = NO_ID;
  let withPrevious = false;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) leaseId = reader.id();
    else if (reader.field === 4) withPrevious = reader.flag();
    else reader.refuse('a put');
  }
  return { kind: 'put', key, value, leaseId, withPrevious };
}

/** Writes the fields of a `DeleteRange`. */
export function writeDeleteRange(
  writer: ProtoWriter,
  deletion: { readonly range: RangeOrKey; readonly withPrevious: boolean },
): void {
  writer.message(1, (nested) => writeRange(nested, deletion.range));
  writer.flag(2, deletion.withPrevious);
}

/** Reads a `DeleteRange`. */
export function readDeleteRange(reader: ProtoReader): Extract<Operation, { kind: 'deleteRange' }> {
  let range: RangeOrKey | undefined;
  let withPrevious = false;
  while (reader.next()) {
    if (reader.field === 1) range = readRange(reader.message());
    else if (reader.field === 2) withPrevious = reader.flag();
    else reader.refuse('a deletion');
  }
  return { kind: 'deleteRange', range: present(range, 'range'), withPrevious };
}

function writeOperation(writer: ProtoWriter, operation: Operation): void {
  switch (operation.kind) {
    case 'put':
      writer.message(1, (nested) => writePut(nested, operation));
      return;
    case 'deleteRange':
      writer.message(2, (nested) => writeDeleteRange(nested, operation));
      return;
    case 'range':
      writer.message(3, (nested) => writeReadRange(nested, operation));
      return;
    case 'txn':
      writer.message(4, (nested) => writeTxn(nested, operation.txn));
      return;
  }
}

function readOperation(reader: ProtoReader, depth: number): Operation {
  let operation: Operation | undefined;
  while (reader.next()) {
    const nested = reader.message();
    if (reader.field === 1) operation = readPut(nested);
    else if (reader.field === 2) operation = readDeleteRange(nested);
    else if (reader.field === 3) operation = readReadRange(nested);
    else if (reader.field === 4) operation = { kind: 'txn', txn: readTxn(nested, depth + 1) };
    else reader.refuse('an operation');
  }
  return present(operation, 'operation');
}

function writeReadRange(writer: ProtoWriter, read: ReadRange): void {
  writer.message(1, (nested) => writeRange(nested, read.range));
  writer.counter(2, read.revision).counter(3, read.limit);
  writer.flag(4, read.keysOnly).flag(5, read.countOnly);
}

function readReadRange(reader: ProtoReader): ReadRange {
  let range: RangeOrKey | undefined;
  let revision = 0 as Revision;
  let limit = 0;
  let keysOnly = false;
  let countOnly = false;
  while (reader.next()) {
    if (reader.field === 1) range = readRange(reader.message());
    else if (reader.field === 2) revision = reader.counter() as Revision;
    else if (reader.field === 3) limit = reader.counter();
    else if (reader.field === 4) keysOnly = reader.flag();
    else if (reader.field === 5) countOnly = reader.flag();
    else reader.refuse('a range read');
  }
  return { kind: 'range', range: present(range, 'range'), revision, limit, keysOnly, countOnly };
}

function writeCompare(writer: ProtoWriter, compare: Compare): void {
  writer.message(1, (nested) => writeRange(nested, compare.range));
  writer.counter(2, OPERATORS.indexOf(compare.operator));
  writer.counter(3, TARGETS.indexOf(compare.target));
  if (compare.target === 'value') writer.bytes(5, compare.value);
  else if (compare.target === 'leaseId') writer.id(6, compare.leaseId);
  else writer.counter(4, compare.number);
}

function readCompare(reader: ProtoReader): Compare {
  let range: RangeOrKey | undefined;
  let operator: Compare['operator'] | undefined;
  let target: Compare['target'] | undefined;
  let number = 0;
  let value = EMPTY_BYTES;
  let leaseId = NO_ID;
  while (reader.next()) {
    if (reader.field === 1) range = readRange(reader.message());
    else if (reader.field === 2) operator = OPERATORS[reader.counter()];
    else if (reader.field === 3) target = TARGETS[reader.counter()];
    else if (reader.field === 4) number = reader.counter();
    else if (reader.field === 5) value = reader.bytes();
    else if (reader.field === 6) leaseId = reader.id();
    else reader.refuse('a comparison');
  }
  const what = { range: present(range, 'range'), operator: present(operator, 'operator') };
  switch (present(target, 'target')) {
    case 'value':
      return { ...what, target: 'value', value };
    case 'leaseId':
      return { ...what, target: 'leaseId', leaseId };
    case 'version':
      return { ...what, target: 'version', number };
    case 'createRevision':
      return { ...what, target: 'createRevision', number };
    case 'modRevision':
      return { ...what, target: 'modRevision', number };
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`Cannot decode a message: no known ${what}`);
  return value;
}
