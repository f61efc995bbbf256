/** The parts that several messages share: keys, values, ranges, transactions. */
import { EMPTY_BYTES } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { assertNever } from '../../base/assert';
import type { Compare, KeyRange, KeyValue, Operation, OperationResult, Revision } from '../kv';
import type { Txn, TxnResult } from '../kv';
import type { ProtoWriter } from '../../base/proto-writer';
import type { ProtoReader } from '../../base/protobuf';

/** Deeper nesting than this is refused before it can exhaust the stack. */
const TXN_DEPTH_MAX = 16;

const OPERATORS = ['equal', 'notEqual', 'greater', 'less'] as const;

type Target = KeyRange | { readonly key: Uint8Array };

/** Writes a nested message whose fields `write` adds. */
export function writeMessage(writer: ProtoWriter, field: number, write: () => void): void {
  const start = writer.open(field);
  write();
  writer.close(start);
}

/** Writes a key and its state; nothing if there is none. */
export function writeKeyValue(
  writer: ProtoWriter,
  field: number,
  pair: KeyValue | undefined,
): void {
  if (pair === undefined) return;
  const start = writer.open(field);
  writer.bytes(1, pair.key);
  writer.bytes(2, pair.value);
  writer.counter(3, pair.createRevision);
  writer.counter(4, pair.modRevision);
  writer.counter(5, pair.version);
  writer.id(6, pair.leaseId);
  writer.close(start);
}

/** Reads what {@link writeKeyValue} wrote. */
export function readKeyValue(reader: ProtoReader): KeyValue {
  let key = EMPTY_BYTES;
  let value = EMPTY_BYTES;
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let leaseId = NO_ID;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) createRevision = reader.counter();
    else if (reader.field === 4) modRevision = reader.counter();
    else if (reader.field === 5) version = reader.counter();
    else if (reader.field === 6) leaseId = reader.id();
    else reader.skip();
  }
  return {
    key,
    value,
    createRevision: createRevision as Revision,
    modRevision: modRevision as Revision,
    version,
    leaseId,
  };
}

/** Writes a range of keys. */
export function writeRange(writer: ProtoWriter, field: number, range: KeyRange): void {
  const start = writer.open(field);
  writer.bytes(1, range.start);
  if (range.end !== undefined) writer.bytesAlways(2, range.end);
  writer.close(start);
}

/** Reads a range of keys. */
export function readRange(reader: ProtoReader): KeyRange {
  let start = EMPTY_BYTES;
  let end: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) start = reader.bytes();
    else if (reader.field === 2) end = reader.bytes();
    else reader.skip();
  }
  return { start, end };
}

function writeTarget(writer: ProtoWriter, target: Target): void {
  const start = writer.open(1);
  if ('key' in target) writer.bytesAlways(1, target.key);
  else writeRange(writer, 2, target);
  writer.close(start);
}

function readTarget(reader: ProtoReader): Target {
  let target: Target = { key: EMPTY_BYTES };
  while (reader.next()) {
    if (reader.field === 1) target = { key: reader.bytes() };
    else if (reader.field === 2) target = readRange(reader.message());
    else reader.skip();
  }
  return target;
}

/** Writes the fields of a transaction. */
export function writeTxn(writer: ProtoWriter, txn: Txn): void {
  for (const compare of txn.compare) {
    writeMessage(writer, 1, () => writeCompare(writer, compare));
  }
  for (const operation of txn.success) {
    writeMessage(writer, 2, () => writeOperation(writer, operation));
  }
  for (const operation of txn.failure) {
    writeMessage(writer, 3, () => writeOperation(writer, operation));
  }
}

/** Reads a transaction. */
export function readTxn(reader: ProtoReader, depth = 0): Txn {
  if (depth > TXN_DEPTH_MAX) {
    throw new RangeError(`Cannot decode a transaction: received one nested ${depth} deep`);
  }
  const compare: Compare[] = [];
  const success: Operation[] = [];
  const failure: Operation[] = [];
  while (reader.next()) {
    if (reader.field === 1) compare.push(readCompare(reader.message()));
    else if (reader.field === 2) success.push(readOperation(reader.message(), depth));
    else if (reader.field === 3) failure.push(readOperation(reader.message(), depth));
    else reader.skip();
  }
  return { compare, success, failure };
}

function writeCompare(writer: ProtoWriter, compare: Compare): void {
  writeTarget(writer, compare.range);
  writer.counter(2, OPERATORS.indexOf(compare.operator) + 1);
  switch (compare.target) {
    case 'version':
      writer.counterAlways(3, compare.number);
      break;
    case 'createRevision':
      writer.counterAlways(4, compare.number);
      break;
    case 'modRevision':
      writer.counterAlways(5, compare.number);
      break;
    case 'value':
      writer.bytesAlways(6, compare.value);
      break;
    case 'leaseId':
      writer.idAlways(7, compare.leaseId);
      break;
    default:
      assertNever(compare);
  }
}

function readCompare(reader: ProtoReader): Compare {
  let range: Target = { key: EMPTY_BYTES };
  let operator: Compare['operator'] | undefined;
  let make: ((of: Pick<Compare, 'range' | 'operator'>) => Compare) | undefined;
  while (reader.next()) {
    if (reader.field === 1) range = readTarget(reader.message());
    else if (reader.field === 2) operator = OPERATORS[reader.counter() - 1];
    else if (reader.field >= 3 && reader.field <= 5) {
      const target = (['version', 'createRevision', 'modRevision'] as const)[reader.field - 3];
      const number = reader.counter();
      make = (of) => ({ ...of, target: target ?? 'version', number });
    } else if (reader.field === 6) {
      const value = reader.bytes();
      make = (of) => ({ ...of, target: 'value', value });
    } else if (reader.field === 7) {
      const leaseId = reader.id();
      make = (of) => ({ ...of, target: 'leaseId', leaseId });
    } else reader.skip();
  }
  if (operator === undefined || make === undefined) {
    throw new RangeError('Cannot decode a comparison: received no operator or no operand');
  }
  return make({ range, operator });
}

function writeOperation(writer: ProtoWriter, operation: Operation): void {
  switch (operation.kind) {
    case 'put': {
      writeMessage(writer, 1, () => {
        writer.bytes(1, operation.key);
        writer.bytes(2, operation.value);
        writer.id(3, operation.leaseId);
        writer.flag(4, operation.withPrevious);
      });
      return;
    }
    case 'deleteRange': {
      writeMessage(writer, 2, () => {
        writeTarget(writer, operation.range);
        writer.flag(2, operation.withPrevious);
      });
      return;
    }
    case 'range': {
      writeMessage(writer, 3, () => {
        writeTarget(writer, operation.range);
        writer.counter(2, operation.revision);
        writer.counter(3, operation.limit);
        writer.flag(4, operation.keysOnly);
        writer.flag(5, operation.countOnly);
      });
      return;
    }
    case 'txn': {
      writeMessage(writer, 4, () => writeTxn(writer, operation.txn));
      return;
    }
    default:
      return assertNever(operation);
  }
}

function readOperation(reader: ProtoReader, depth: number): Operation {
  let operation: Operation | undefined;
  while (reader.next()) {
    if (reader.field === 1) operation = readPut(reader.message());
    else if (reader.field === 2) operation = readDeleteRange(reader.message());
    else if (reader.field === 3) operation = readRangeOperation(reader.message());
    else if (reader.field === 4) {
      operation = { kind: 'txn', txn: readTxn(reader.message(), depth + 1) };
    } else reader.skip();
  }
  if (operation === undefined) throw new RangeError('Cannot decode an operation: received none');
  return operation;
}

function readPut(reader: ProtoReader): Operation {
  let key = EMPTY_BYTES;
  let value = EMPTY_BYTES;
  let leaseId = NO_ID;
  let withPrevious = false;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) leaseId = reader.id();
    else if (reader.field === 4) withPrevious = reader.flag();
    else reader.skip();
  }
  return { kind: 'put', key, value, leaseId, withPrevious };
}

function readDeleteRange(reader: ProtoReader): Operation {
  let range: Target = { key: EMPTY_BYTES };
  let withPrevious = false;
  while (reader.next()) {
    if (reader.field === 1) range = readTarget(reader.message());
    else if (reader.field === 2) withPrevious = reader.flag();
    else reader.skip();
  }
  return { kind: 'deleteRange', range, withPrevious };
}

function readRangeOperation(reader: ProtoReader): Operation {
  let range: Target = { key: EMPTY_BYTES };
  let revision = 0;
  let limit = 0;
  let keysOnly = false;
  let countOnly = false;
  while (reader.next()) {
    if (reader.field === 1) range = readTarget(reader.message());
    else if (reader.field === 2) revision = reader.counter();
    else if (reader.field === 3) limit = reader.counter();
    else if (reader.field === 4) keysOnly = reader.flag();
    else if (reader.field === 5) countOnly = reader.flag();
    else reader.skip();
  }
  return { kind: 'range', range, revision: revision as Revision, limit, keysOnly, countOnly };
}

/** Writes the fields of a transaction's answer. */
export function writeTxnResult(writer: ProtoWriter, result: TxnResult): void {
  writer.counter(1, result.revision);
  writer.flag(2, result.succeeded);
  for (const each of result.results) {
    writeMessage(writer, 3, () => writeOperationResult(writer, each));
  }
}

/** Reads a transaction's answer. */
export function readTxnResult(reader: ProtoReader): TxnResult {
  let revision = 0;
  let succeeded = false;
  const results: OperationResult[] = [];
  while (reader.next()) {
    if (reader.field === 1) revision = reader.counter();
    else if (reader.field === 2) succeeded = reader.flag();
    else if (reader.field === 3) results.push(readOperationResult(reader.message()));
    else reader.skip();
  }
  return { revision: revision as Revision, succeeded, results };
}

function writeOperationResult(writer: ProtoWriter, result: OperationResult): void {
  switch (result.kind) {
    case 'put': {
      writeMessage(writer, 1, () => writeKeyValue(writer, 1, result.previous));
      return;
    }
    case 'deleteRange': {
      writeMessage(writer, 2, () => {
        writer.counter(1, result.deleted);
        for (const pair of result.previous) writeKeyValue(writer, 2, pair);
      });
      return;
    }
    case 'range': {
      writeMessage(writer, 3, () => {
        for (const pair of result.keyValues) writeKeyValue(writer, 1, pair);
        writer.flag(2, result.more);
        writer.counter(3, result.count);
      });
      return;
    }
    case 'txn': {
      writeMessage(writer, 4, () => writeTxnResult(writer, result.result));
      return;
    }
    default:
      return assertNever(result);
  }
}

function readOperationResult(reader: ProtoReader): OperationResult {
  let result: OperationResult | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      const previous = readPairs(reader.message(), 1).pairs[0];
      result = { kind: 'put', previous };
    } else if (reader.field === 2) {
      const { pairs, first } = readPairs(reader.message(), 2);
      result = { kind: 'deleteRange', deleted: first, previous: pairs };
    } else if (reader.field === 3) {
      const { pairs, more, count } = readPairs(reader.message(), 1);
      result = { kind: 'range', keyValues: pairs, more, count };
    } else if (reader.field === 4) {
      result = { kind: 'txn', result: readTxnResult(reader.message()) };
    } else reader.skip();
  }
  if (result === undefined) throw new RangeError('Cannot decode a result: received none');
  return result;
}

/** The three results that hold pairs: they differ in the field of the pairs alone. */
function readPairs(
  reader: ProtoReader,
  pairsField: 1 | 2,
): { pairs: KeyValue[]; first: number; more: boolean; count: number } {
  const pairs: KeyValue[] = [];
  let first = 0;
  let more = false;
  let count = 0;
  while (reader.next()) {
    if (reader.field === pairsField) pairs.push(readKeyValue(reader.message()));
    else if (reader.field === 1) first = reader.counter();
    else if (reader.field === 2) more = reader.flag();
    else if (reader.field === 3) count = reader.counter();
    else reader.skip();
  }
  return { pairs, first, more, count };
}
