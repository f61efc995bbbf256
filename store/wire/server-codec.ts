/** What replicas say, as frames (`kv-wire.proto`, `ServerFrame`). */
import { assertNever } from '../../base/assert';
import { NO_ID } from '../../base/hex-id';
import type { KeyValue, MemberStatus, Revision, TransferResult, WatchEvent } from '../kv';
import type { ServerBody, ServerMessage, WireFailure } from './messages';
import { isTransferReason } from './transfer-reason';
import {
  readKeyValue,
  readTxnResult,
  writeKeyValue,
  writeMessage,
  writeTxnResult,
} from './value-codec';
import type { ProtoWriter } from '../../base/proto-writer';
import { ProtoReader } from '../../base/protobuf';

const FIELDS = {
  hello: 2,
  health: 3,
  failure: 4,
  get: 5,
  list: 6,
  count: 7,
  optimistic: 8,
  txn: 9,
  revision: 10,
  lease: 11,
  status: 12,
  pong: 13,
  watchStarted: 14,
  events: 15,
  progress: 16,
  watchEnded: 17,
  transfer: 18,
  goodbye: 19,
} as const satisfies Record<ServerBody['kind'], number>;

const KINDS = new Map<number, ServerBody['kind']>(
  Object.entries(FIELDS).map(([kind, field]) => [field, kind as ServerBody['kind']]),
);

const ROLES = ['follower', 'preCandidate', 'candidate', 'leader', 'learner'] as const;

/** Appends one message to the frame in `writer`. */
export function writeServerMessage(writer: ProtoWriter, id: number, body: ServerBody): void {
  const message = writer.open(1);
  writer.counter(1, id);
  const start = writer.open(FIELDS[body.kind]);
  writeBody(writer, body);
  writer.close(start);
  writer.close(message);
}

/** Reads a frame; throws a `RangeError` if it is malformed. */
export function readServerFrame(frame: Uint8Array): ServerMessage[] {
  const reader = new ProtoReader(frame, { isCopying: true });
  const messages: ServerMessage[] = [];
  while (reader.next()) {
    if (reader.field === 1) messages.push(readMessage(reader.message()));
    else reader.skip();
  }
  return messages;
}

function readMessage(reader: ProtoReader): ServerMessage {
  let id = 0;
  let body: ServerBody | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      id = reader.counter();
      continue;
    }
    const kind = KINDS.get(reader.field);
    if (kind === undefined) reader.skip();
    else body = readBody(kind, reader.message());
  }
  if (body === undefined) throw new RangeError(`Cannot decode answer ${id}: received no body`);
  return { id, body };
}

type BodyOf<Kind extends ServerBody['kind']> = Extract<ServerBody, { readonly kind: Kind }>;

/** How the fields of each body are written. */
const WRITERS: {
  readonly [Kind in ServerBody['kind']]: (writer: ProtoWriter, body: BodyOf<Kind>) => void;
} = {
  hello: (writer, body) => {
    writer.counter(1, body.protocolVersion);
    writer.id(2, body.clusterId);
    writer.id(3, body.memberId);
    writer.flag(4, body.hasLeader);
  },
  health: (writer, body) => writer.flag(1, body.hasLeader),
  failure: (writer, body) => writeFailure(writer, body.failure),
  get: (writer, body) => {
    writer.counter(1, body.revision);
    writeKeyValue(writer, 2, body.keyValue);
  },
  list: (writer, body) => {
    writer.counter(1, body.revision);
    for (const pair of body.keyValues) writeKeyValue(writer, 2, pair);
    writer.flag(3, body.more);
    if (body.count !== undefined) writer.counterAlways(4, body.count);
  },
  count: (writer, body) => {
    writer.counter(1, body.revision);
    writer.counter(2, body.count);
  },
  optimistic: (writer, body) => {
    writer.counter(1, body.revision);
    writer.flag(2, body.succeeded);
    writeKeyValue(writer, 3, body.keyValue);
  },
  txn: (writer, body) => writeTxnResult(writer, body.result),
  revision: (writer, body) => writer.counter(1, body.revision),
  lease: (writer, body) => {
    writer.counter(1, body.revision);
    writer.id(2, body.leaseId);
    writer.counter(3, body.ttlSeconds);
  },
  status: (writer, body) => writeStatus(writer, body.status),
  pong: () => undefined,
  watchStarted: (writer, body) => writer.counter(1, body.startRevision),
  events: (writer, body) => {
    writer.counter(1, body.revision);
    for (const event of body.events) writeEvent(writer, event);
    writer.flag(3, body.more);
  },
  progress: (writer, body) => {
    writer.counter(1, body.revision);
    writer.packed(2, body.watchIds);
  },
  watchEnded: (writer, body) => {
    const { failure } = body;
    if (failure === undefined) return;
    writeMessage(writer, 1, () => writeFailure(writer, failure));
  },
  transfer: (writer, body) => {
    const { reason = '', leaderId = NO_ID, term } = body.result;
    writer.text(1, reason);
    writer.id(2, leaderId);
    writer.counter(3, term);
  },
  goodbye: () => undefined,
};

function writeBody(writer: ProtoWriter, body: ServerBody): void {
  // The table has the function of this very kind; the compiler cannot pair the two.
  const write = WRITERS[body.kind] as (writer: ProtoWriter, body: ServerBody) => void;
  write(writer, body);
}

function writeEvent(writer: ProtoWriter, event: WatchEvent): void {
  const start = writer.open(2);
  writer.flag(1, event.kind === 'delete');
  writeKeyValue(writer, 2, event.keyValue);
  writeKeyValue(writer, 3, event.previous);
  writer.close(start);
}

function writeFailure(writer: ProtoWriter, failure: WireFailure): void {
  writer.text(1, failure.code);
  writer.text(2, failure.message);
  for (const [name, value] of Object.entries(failure.details)) {
    writeMessage(writer, 3, () => {
      writer.text(1, name);
      if (typeof value === 'number') writer.counterAlways(3, value);
      else writer.textAlways(2, value);
    });
  }
}

function writeStatus(writer: ProtoWriter, status: MemberStatus): void {
  writer.text(1, status.name);
  writer.id(2, status.memberId);
  writer.id(3, status.clusterId);
  writer.text(4, status.role);
  writer.id(5, status.leaderId ?? NO_ID);
  writer.counter(6, status.term);
  writer.counter(7, status.commitIndex);
  writer.counter(8, status.appliedIndex);
  writer.counter(9, status.revision);
  writer.counter(10, status.databaseBytes);
  writer.text(11, status.address);
}

/** What the fields of a body hold, by field number: every body is a few fields of these kinds. */
interface Fields {
  readonly numbers: number[];
  readonly ids: string[];
  readonly texts: string[];
  readonly pairs: KeyValue[];
}

/** The type of each field of the bodies that consist of plain fields. */
const SHAPES = {
  hello: ['number', 'id', 'id', 'number'],
  health: ['number'],
  get: ['number', 'pair'],
  list: ['number', 'pair', 'number', 'number'],
  count: ['number', 'number'],
  optimistic: ['number', 'number', 'pair'],
  revision: ['number'],
  lease: ['number', 'id', 'number'],
  status: [
    ...(['text', 'id', 'id', 'text', 'id'] as const),
    ...(['number', 'number', 'number', 'number', 'number', 'text'] as const),
  ],
  pong: [],
  watchStarted: ['number'],
  transfer: ['text', 'id', 'number'],
  goodbye: [],
} as const satisfies Partial<
  Record<ServerBody['kind'], readonly ('number' | 'id' | 'text' | 'pair')[]>
>;

function readFields(kind: keyof typeof SHAPES, reader: ProtoReader): Fields {
  const shape: readonly string[] = SHAPES[kind];
  const fields: Fields = { numbers: [], ids: [], texts: [], pairs: [] };
  while (reader.next()) {
    const at = reader.field;
    const type = shape[at - 1];
    if (type === 'number') fields.numbers[at] = reader.counter();
    else if (type === 'id') fields.ids[at] = reader.id();
    else if (type === 'text') fields.texts[at] = reader.text();
    else if (type === 'pair') fields.pairs.push(readKeyValue(reader.message()));
    else reader.skip();
  }
  return fields;
}

function readBody(kind: ServerBody['kind'], reader: ProtoReader): ServerBody {
  switch (kind) {
    case 'failure':
      return { kind, failure: readFailure(reader) };
    case 'txn':
      return { kind, result: readTxnResult(reader) };
    case 'events':
      return readEvents(reader);
    case 'progress':
      return readProgress(reader);
    case 'watchEnded': {
      let failure: WireFailure | undefined;
      while (reader.next()) {
        if (reader.field === 1) failure = readFailure(reader.message());
        else reader.skip();
      }
      return { kind, failure };
    }
    default:
      return fromFields(kind, readFields(kind, reader));
  }
}

function fromFields(kind: keyof typeof SHAPES, fields: Fields): ServerBody {
  const number = (field: number): number => fields.numbers[field] ?? 0;
  const flag = (field: number): boolean => number(field) !== 0;
  const id = (field: number): string => fields.ids[field] ?? NO_ID;
  const revision = number(1) as Revision;
  const keyValue = fields.pairs[0];
  switch (kind) {
    case 'hello': {
      const [clusterId, memberId] = [id(2), id(3)];
      return { kind, protocolVersion: number(1), clusterId, memberId, hasLeader: flag(4) };
    }
    case 'health':
      return { kind, hasLeader: flag(1) };
    case 'get':
      return { kind, revision, keyValue };
    case 'list':
      return { kind, revision, keyValues: fields.pairs, more: flag(3), count: fields.numbers[4] };
    case 'count':
      return { kind, revision, count: number(2) };
    case 'optimistic':
      return { kind, revision, succeeded: flag(2), keyValue };
    case 'revision':
      return { kind, revision };
    case 'lease':
      return { kind, revision, leaseId: id(2), ttlSeconds: number(3) };
    case 'status':
      return { kind, status: statusOf(fields) };
    case 'pong':
      return { kind };
    case 'watchStarted':
      return { kind, startRevision: revision };
    case 'transfer':
      return { kind, result: transferOf(fields) };
    case 'goodbye':
      return { kind };
    default:
      return assertNever(kind);
  }
}

function statusOf({ texts, ids, numbers }: Fields): MemberStatus {
  const leaderId = ids[5] ?? NO_ID;
  return {
    name: texts[1] ?? '',
    memberId: ids[2] ?? NO_ID,
    clusterId: ids[3] ?? NO_ID,
    role: ROLES.find((role) => role === texts[4]) ?? 'follower',
    leaderId: leaderId === NO_ID ? undefined : leaderId,
    term: numbers[6] ?? 0,
    commitIndex: numbers[7] ?? 0,
    appliedIndex: numbers[8] ?? 0,
    revision: numbers[9] ?? 0,
    databaseBytes: numbers[10] ?? 0,
    address: texts[11] ?? '',
  };
}

function transferOf({ texts, ids, numbers }: Fields): TransferResult {
  const [text = '', leaderId = NO_ID] = [texts[1], ids[2]];
  // A reason of a newer replica: it did not move, and nothing more is known here.
  const reason = isTransferReason(text) ? text : 'noLeader';
  return {
    reason: text === '' ? undefined : reason,
    leaderId: leaderId === NO_ID ? undefined : leaderId,
    term: numbers[3] ?? 0,
  };
}

function readFailure(reader: ProtoReader): WireFailure {
  let code = '';
  let message = '';
  const details: [string, string | number][] = [];
  while (reader.next()) {
    if (reader.field === 1) code = reader.text();
    else if (reader.field === 2) message = reader.text();
    else if (reader.field === 3) details.push(readDetail(reader.message()));
    else reader.skip();
  }
  return { code, message, details: Object.fromEntries(details) };
}

function readDetail(reader: ProtoReader): [string, string | number] {
  let name = '';
  let value: string | number = '';
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) value = reader.text();
    else if (reader.field === 3) value = reader.counter();
    else reader.skip();
  }
  return [name, value];
}

function readEvents(reader: ProtoReader): ServerBody {
  let revision = 0;
  let more = false;
  const events: WatchEvent[] = [];
  while (reader.next()) {
    if (reader.field === 1) revision = reader.counter();
    else if (reader.field === 2) events.push(readEvent(reader.message()));
    else if (reader.field === 3) more = reader.flag();
    else reader.skip();
  }
  return { kind: 'events', revision: revision as Revision, events, more };
}

function readEvent(reader: ProtoReader): WatchEvent {
  let isDelete = false;
  let keyValue: KeyValue | undefined;
  let previous: KeyValue | undefined;
  while (reader.next()) {
    if (reader.field === 1) isDelete = reader.flag();
    else if (reader.field === 2) keyValue = readKeyValue(reader.message());
    else if (reader.field === 3) previous = readKeyValue(reader.message());
    else reader.skip();
  }
  if (keyValue === undefined) throw new RangeError('Cannot decode an event: received no key');
  return { kind: isDelete ? 'delete' : 'put', keyValue, previous };
}

function readProgress(reader: ProtoReader): ServerBody {
  let revision = 0;
  const watchIds: number[] = [];
  while (reader.next()) {
    if (reader.field === 1) revision = reader.counter();
    else if (reader.field === 2) reader.counters(watchIds);
    else reader.skip();
  }
  return { kind: 'progress', revision: revision as Revision, watchIds };
}
