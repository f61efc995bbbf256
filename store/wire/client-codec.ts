/** What clients say, as frames (`kv-wire.proto`, `ClientFrame`). */
import { assertNever } from '../../base/assert';
import { EMPTY_BYTES } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import type { KeyRange, Revision } from '../kv';
import type { ClientBody, ClientMessage, WireRead } from './messages';
import { readRange, readTxn, writeRange, writeTxn } from './value-codec';
import type { ProtoWriter } from '../../base/proto-writer';
import { ProtoReader } from '../../base/protobuf';

const FIELDS = {
  get: 2,
  list: 3,
  count: 4,
  optimisticPut: 5,
  optimisticDelete: 6,
  txn: 7,
  compact: 8,
  currentRevision: 9,
  grantLease: 10,
  revokeLease: 11,
  keepAliveLease: 12,
  status: 13,
  ping: 14,
  watch: 15,
  cancelWatch: 16,
  credit: 17,
  progress: 18,
  transferLeadership: 19,
} as const satisfies Record<ClientBody['kind'], number>;

const KINDS = new Map<number, ClientBody['kind']>(
  Object.entries(FIELDS).map(([kind, field]) => [field, kind as ClientBody['kind']]),
);

/** Appends one message to the frame in `writer`. */
export function writeClientMessage(writer: ProtoWriter, id: number, body: ClientBody): void {
  const message = writer.open(1);
  writer.counter(1, id);
  const start = writer.open(FIELDS[body.kind]);
  writeBody(writer, body);
  writer.close(start);
  writer.close(message);
}

/** Reads a frame; throws a `RangeError` if it is malformed. The frame may be used again. */
export function readClientFrame(frame: Uint8Array): ClientMessage[] {
  // One copy for all keys and values in it: requests are soon encoded anew and forgotten.
  const reader = new ProtoReader(Uint8Array.prototype.slice.call(frame));
  const messages: ClientMessage[] = [];
  while (reader.next()) {
    if (reader.field === 1) messages.push(readMessage(reader.message()));
    else reader.skip();
  }
  return messages;
}

function readMessage(reader: ProtoReader): ClientMessage {
  let id = 0;
  let body: ClientBody | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      id = reader.counter();
      continue;
    }
    const kind = KINDS.get(reader.field);
    if (kind === undefined) reader.skip();
    else body = readBody(kind, reader.message());
  }
  if (body === undefined) throw new RangeError(`Cannot decode request ${id}: received no body`);
  return { id, body };
}

type BodyOf<Kind extends ClientBody['kind']> = Extract<ClientBody, { readonly kind: Kind }>;

/** How the fields of each body are written. */
const WRITERS: {
  readonly [Kind in ClientBody['kind']]: (writer: ProtoWriter, body: BodyOf<Kind>) => void;
} = {
  get: (writer, body) => {
    writer.bytes(1, body.key);
    writeRead(writer, 2, body.read);
  },
  list: (writer, body) => {
    writeRange(writer, 1, body.range);
    writeRead(writer, 2, body.read);
    writer.counter(3, body.limit);
    writer.flag(4, body.keysOnly);
    writer.flag(5, body.withCount);
  },
  count: (writer, body) => {
    writeRange(writer, 1, body.range);
    writeRead(writer, 2, body.read);
  },
  optimisticPut: (writer, body) => {
    writer.bytes(1, body.key);
    writer.bytes(2, body.value);
    writer.counter(3, body.expectedModRevision);
    writer.id(4, body.leaseId);
  },
  optimisticDelete: (writer, body) => {
    writer.bytes(1, body.key);
    writer.counter(2, body.expectedModRevision);
  },
  txn: (writer, body) => writeTxn(writer, body.txn),
  compact: (writer, body) => writer.counter(1, body.revision),
  grantLease: (writer, body) => writer.counter(1, body.ttlSeconds),
  revokeLease: (writer, body) => writer.id(1, body.leaseId),
  keepAliveLease: (writer, body) => {
    writer.id(1, body.leaseId);
    writer.flag(2, body.atLeader);
  },
  watch: (writer, body) => {
    writeRange(writer, 1, body.range);
    writer.counter(2, body.startRevision);
  },
  credit: (writer, body) => writer.counter(1, body.bytes),
  progress: (writer, body) => writer.packed(1, body.watchIds),
  transferLeadership: (writer, body) => writer.id(1, body.targetId ?? NO_ID),
  currentRevision: () => undefined,
  status: () => undefined,
  ping: () => undefined,
  cancelWatch: () => undefined,
};

function writeBody(writer: ProtoWriter, body: ClientBody): void {
  // The table has the function of this very kind; the compiler cannot pair the two.
  const write = WRITERS[body.kind] as (writer: ProtoWriter, body: ClientBody) => void;
  write(writer, body);
}

function writeRead(writer: ProtoWriter, field: number, read: WireRead): void {
  if (read.revision === 0 && read.seenRevision === 0 && !read.serializable) return;
  const start = writer.open(field);
  writer.counter(1, read.revision);
  writer.flag(2, read.serializable);
  writer.counter(3, read.seenRevision);
  writer.close(start);
}

/** Every field that a body may have: bodies are small, so one reading loop serves them all. */
interface Fields {
  bytes: Uint8Array[];
  numbers: number[];
  ids: string[];
  range: KeyRange;
  read: WireRead;
}

const LATEST: WireRead = {
  revision: 0 as Revision,
  serializable: false,
  seenRevision: 0 as Revision,
};
const ALL: KeyRange = { start: EMPTY_BYTES, end: undefined };

/** The type of each field of the bodies that consist of plain fields. */
const SHAPES = {
  get: ['bytes', 'read'],
  list: ['range', 'read', 'number', 'number', 'number'],
  count: ['range', 'read'],
  optimisticPut: ['bytes', 'bytes', 'number', 'id'],
  optimisticDelete: ['bytes', 'number'],
  compact: ['number'],
  grantLease: ['number'],
  revokeLease: ['id'],
  keepAliveLease: ['id', 'number'],
  watch: ['range', 'number'],
  credit: ['number'],
  transferLeadership: ['id'],
} as const satisfies Partial<
  Record<ClientBody['kind'], readonly ('bytes' | 'number' | 'id' | 'range' | 'read')[]>
>;

function readFields(kind: keyof typeof SHAPES, reader: ProtoReader): Fields {
  const shape: readonly string[] = SHAPES[kind];
  const fields: Fields = { bytes: [], numbers: [], ids: [], range: ALL, read: LATEST };
  while (reader.next()) {
    const at = reader.field;
    const type = shape[at - 1];
    if (type === 'bytes') fields.bytes[at] = reader.bytes();
    else if (type === 'number') fields.numbers[at] = reader.counter();
    else if (type === 'id') fields.ids[at] = reader.id();
    else if (type === 'range') fields.range = readRange(reader.message());
    else if (type === 'read') fields.read = readRead(reader.message());
    else reader.skip();
  }
  return fields;
}

function readRead(reader: ProtoReader): WireRead {
  let revision = 0;
  let serializable = false;
  let seenRevision = 0;
  while (reader.next()) {
    if (reader.field === 1) revision = reader.counter();
    else if (reader.field === 2) serializable = reader.flag();
    else if (reader.field === 3) seenRevision = reader.counter();
    else reader.skip();
  }
  return {
    revision: revision as Revision,
    serializable,
    seenRevision: seenRevision as Revision,
  };
}

function readBody(kind: ClientBody['kind'], reader: ProtoReader): ClientBody {
  switch (kind) {
    case 'txn':
      return { kind, txn: readTxn(reader) };
    case 'progress':
      return { kind, watchIds: readWatchIds(reader) };
    case 'currentRevision':
    case 'status':
    case 'ping':
    case 'cancelWatch':
      while (reader.next()) reader.skip();
      return { kind };
    default:
      return fromFields(kind, readFields(kind, reader));
  }
}

function fromFields(kind: keyof typeof SHAPES, fields: Fields): ClientBody {
  const bytes = (field: number): Uint8Array => fields.bytes[field] ?? EMPTY_BYTES;
  const number = (field: number): number => fields.numbers[field] ?? 0;
  const revision = (field: number): Revision => number(field) as Revision;
  const id = (field: number): string => fields.ids[field] ?? NO_ID;
  const { range, read } = fields;
  switch (kind) {
    case 'get':
      return { kind, key: bytes(1), read };
    case 'list': {
      const [limit, keysOnly, withCount] = [number(3), number(4) !== 0, number(5) !== 0];
      return { kind, range, read, limit, keysOnly, withCount };
    }
    case 'count':
      return { kind, range, read };
    case 'optimisticPut': {
      const [key, value] = [bytes(1), bytes(2)];
      return { kind, key, value, expectedModRevision: revision(3), leaseId: id(4) };
    }
    case 'optimisticDelete':
      return { kind, key: bytes(1), expectedModRevision: revision(2) };
    case 'compact':
      return { kind, revision: revision(1) };
    case 'grantLease':
      return { kind, ttlSeconds: number(1) };
    case 'revokeLease':
      return { kind, leaseId: id(1) };
    case 'keepAliveLease':
      return { kind, leaseId: id(1), atLeader: number(2) !== 0 };
    case 'watch':
      return { kind, range, startRevision: revision(2) };
    case 'credit':
      return { kind, bytes: number(1) };
    case 'transferLeadership':
      return { kind, targetId: id(1) === NO_ID ? undefined : id(1) };
    default:
      return assertNever(kind);
  }
}

function readWatchIds(reader: ProtoReader): number[] {
  const watchIds: number[] = [];
  while (reader.next()) {
    if (reader.field === 1) reader.counters(watchIds);
    else reader.skip();
  }
  return watchIds;
}
