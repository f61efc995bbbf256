/**
 * The wire's codec against protobufjs on `kv-wire.proto`: the same bytes both ways, and nothing but
 * a `RangeError` for bytes that are no frame (R93).
 */
import { deepStrictEqual } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import t from 'tap';
import { NO_ID } from '../../base/hex-id';
import type { Compare, KeyValue, Operation, OperationResult, Revision, Txn } from '../kv';
import { readClientFrame, writeClientMessage } from './client-codec';
import type { ClientBody, ServerBody } from './messages';
import { readServerFrame, writeServerMessage } from './server-codec';
import { ProtoWriter } from '../../base/proto-writer';
import { ProtoReader } from '../../base/protobuf';

const { root } = protobuf.parse(readFileSync(join(__dirname, 'kv-wire.proto'), 'utf8'));
const CLIENT_FRAME = root.lookupType('keelson.store.wire.ClientFrame');
const SERVER_FRAME = root.lookupType('keelson.store.wire.ServerFrame');

const bytes = fc
  .oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 120, maxLength: 300 }))
  .map((each) => Uint8Array.from(each));
const number = fc.oneof(fc.nat(200), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER));
const revision = number as fc.Arbitrary<Revision>;
const id = fc.oneof(
  fc.constant(NO_ID),
  fc.constant('7fffffffffffffff'),
  fc.constant('0020000000000001'),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((each) => Buffer.from(each).toString('hex')),
);
const optionalId = fc.constantFrom(undefined, '00000000000000ab');
const flag = fc.boolean();
const text = fc.string({ maxLength: 20 });
const range = fc.record({ start: bytes, end: fc.option(bytes, { nil: undefined }) });
const read = fc.record({ revision, serializable: flag, seenRevision: revision });
const keyValue: fc.Arbitrary<KeyValue> = fc.record({
  key: bytes,
  value: bytes,
  createRevision: revision,
  modRevision: revision,
  version: number,
  leaseId: id,
});
const optionalPair = fc.option(keyValue, { nil: undefined });
const pairs = fc.array(keyValue, { maxLength: 4 });

const target = fc.oneof(range, fc.record({ key: bytes }));
const operator = fc.constantFrom('equal', 'notEqual', 'greater', 'less' as const);
const compare = fc.oneof(
  fc.record({
    range: target,
    operator,
    target: fc.constantFrom('version', 'createRevision', 'modRevision' as const),
    number,
  }),
  fc.record({ range: target, operator, target: fc.constant('value' as const), value: bytes }),
  fc.record({ range: target, operator, target: fc.constant('leaseId' as const), leaseId: id }),
) as fc.Arbitrary<Compare>;
const { txn } = fc.letrec<{ txn: Txn; operation: Operation }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'txn' },
    fc.record({
      kind: fc.constant('put' as const),
      key: bytes,
      value: bytes,
      leaseId: id,
      withPrevious: flag,
    }),
    fc.record({ kind: fc.constant('deleteRange' as const), range: target, withPrevious: flag }),
    fc.record({
      kind: fc.constant('range' as const),
      range: target,
      revision,
      limit: number,
      keysOnly: flag,
      countOnly: flag,
    }),
    fc.record({ kind: fc.constant('txn' as const), txn: tie('txn') }),
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 2 }),
  }),
}));
const operationResult = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), previous: optionalPair }),
  fc.record({ kind: fc.constant('deleteRange' as const), deleted: number, previous: pairs }),
  fc.record({
    kind: fc.constant('range' as const),
    keyValues: pairs,
    more: flag,
    count: number,
  }),
) as fc.Arbitrary<OperationResult>;
const innerResult = fc.record({
  revision,
  succeeded: flag,
  results: fc.array(operationResult, { maxLength: 3 }),
});
const txnResult = fc.record({
  revision,
  succeeded: flag,
  results: fc.array(
    fc.oneof(
      operationResult,
      fc.record({ kind: fc.constant('txn' as const), result: innerResult }),
    ),
    { maxLength: 3 },
  ),
});

function kind<Kind extends string>(name: Kind): fc.Arbitrary<Kind> {
  return fc.constant(name);
}

const clientBody = fc.oneof(
  fc.record({ kind: kind('get'), key: bytes, read }),
  fc.record({ kind: kind('list'), range, read, limit: number, keysOnly: flag, withCount: flag }),
  fc.record({ kind: kind('count'), range, read }),
  fc.record({
    kind: kind('optimisticPut'),
    key: bytes,
    value: bytes,
    expectedModRevision: revision,
    leaseId: id,
  }),
  fc.record({ kind: kind('optimisticDelete'), key: bytes, expectedModRevision: revision }),
  fc.record({ kind: kind('txn'), txn }),
  fc.record({ kind: kind('compact'), revision }),
  fc.record({ kind: kind('currentRevision') }),
  fc.record({ kind: kind('grantLease'), ttlSeconds: number }),
  fc.record({ kind: kind('revokeLease'), leaseId: id }),
  fc.record({ kind: kind('keepAliveLease'), leaseId: id, atLeader: flag }),
  fc.record({ kind: kind('status') }),
  fc.record({ kind: kind('ping') }),
  fc.record({ kind: kind('watch'), range, startRevision: revision }),
  fc.record({ kind: kind('cancelWatch') }),
  fc.record({ kind: kind('credit'), bytes: number }),
  fc.record({ kind: kind('progress'), watchIds: fc.array(number, { maxLength: 40 }) }),
  fc.record({ kind: kind('transferLeadership'), targetId: optionalId }),
) as fc.Arbitrary<ClientBody>;

const failure = fc.record({
  code: text,
  message: text,
  details: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(text, number), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
});
const serverBody = fc.oneof(
  fc.record({
    kind: kind('hello'),
    protocolVersion: fc.nat(5),
    clusterId: id,
    memberId: id,
    hasLeader: flag,
  }),
  fc.record({ kind: kind('health'), hasLeader: flag }),
  fc.record({ kind: kind('failure'), failure }),
  fc.record({ kind: kind('get'), revision, keyValue: optionalPair }),
  fc.record({
    kind: kind('list'),
    revision,
    keyValues: pairs,
    more: flag,
    count: fc.option(number, { nil: undefined }),
  }),
  fc.record({ kind: kind('count'), revision, count: number }),
  fc.record({ kind: kind('optimistic'), revision, succeeded: flag, keyValue: optionalPair }),
  fc.record({ kind: kind('txn'), result: txnResult }),
  fc.record({ kind: kind('revision'), revision }),
  fc.record({ kind: kind('lease'), revision, leaseId: id, ttlSeconds: number }),
  fc.record({
    kind: kind('status'),
    status: fc.record({
      name: text,
      memberId: id,
      clusterId: id,
      role: fc.constantFrom('follower', 'preCandidate', 'candidate', 'leader', 'learner'),
      leaderId: fc.oneof(fc.constant(undefined), fc.constant('00000000000000ab')),
      term: number,
      commitIndex: number,
      appliedIndex: number,
      revision: number,
      databaseBytes: number,
      address: text,
    }),
  }),
  fc.record({ kind: kind('pong') }),
  fc.record({ kind: kind('watchStarted'), startRevision: revision }),
  fc.record({
    kind: kind('events'),
    revision,
    events: fc.array(
      fc.record({
        kind: fc.constantFrom('put', 'delete' as const),
        keyValue,
        previous: optionalPair,
      }),
      { maxLength: 4 },
    ),
    more: flag,
  }),
  fc.record({ kind: kind('progress'), revision, watchIds: fc.array(number, { maxLength: 40 }) }),
  fc.record({ kind: kind('watchEnded'), failure: fc.option(failure, { nil: undefined }) }),
  fc.record({
    kind: kind('transfer'),
    result: fc.record({
      reason: fc.constantFrom(undefined, 'notLeader', 'noTarget', 'busy', 'timeout', 'stopped'),
      leaderId: optionalId,
      term: number,
    }),
  }),
  fc.record({ kind: kind('goodbye') }),
) as fc.Arbitrary<ServerBody>;

/** Through protobufjs and back: it keeps what it knows, so equal bytes mean an equal description. */
function throughProtobuf(type: protobuf.Type, frame: Uint8Array): Buffer {
  const message = type.decode(frame);
  return Buffer.from(type.encode(message).finish());
}

t.test('every client message has the bytes of kv-wire.proto, and reads back equal', (t) => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.tuple(number, clientBody), { maxLength: 3 }), (messages) => {
      const writer = new ProtoWriter();
      for (const [id, body] of messages) {
        kinds.add(body.kind);
        writeClientMessage(writer, id, body);
      }
      const frame = writer.take();
      deepStrictEqual(throughProtobuf(CLIENT_FRAME, frame), Buffer.from(frame));
      // A clone: drawn records have no prototype.
      const expected = structuredClone(messages.map(([id, body]) => ({ id, body })));
      deepStrictEqual(readClientFrame(frame), expected);
    }),
    { numRuns: 200 },
  );
  t.equal(kinds.size, 18, 'all kinds were drawn');
  t.end();
});

t.test('every server message has the bytes of kv-wire.proto, and reads back equal', (t) => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.tuple(number, serverBody), { maxLength: 3 }), (messages) => {
      const writer = new ProtoWriter();
      for (const [id, body] of messages) {
        kinds.add(body.kind);
        writeServerMessage(writer, id, body);
      }
      const frame = writer.take();
      deepStrictEqual(throughProtobuf(SERVER_FRAME, frame), Buffer.from(frame));
      const expected = structuredClone(messages.map(([id, body]) => ({ id, body })));
      deepStrictEqual(readServerFrame(frame), expected);
    }),
    { numRuns: 200 },
  );
  t.equal(kinds.size, 18, 'all kinds were drawn');
  t.end();
});

t.test('bytes that are no frame give a RangeError and nothing else (R93)', (t) => {
  let [read, refused] = [0, 0];
  const attempt = (run: () => void): void => {
    try {
      run();
      read += 1;
    } catch (error) {
      refused += 1;
      if (!(error instanceof RangeError)) throw error;
    }
  };
  const attemptBoth = (frame: Uint8Array): void => {
    attempt(() => readClientFrame(frame));
    attempt(() => readServerFrame(frame));
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), attemptBoth), { numRuns: 2_000 });
  const damaged = fc.tuple(clientBody, serverBody, fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(damaged, ([client, server, at, value, cut]) => {
      const writer = new ProtoWriter();
      writeClientMessage(writer, 7, client);
      writeServerMessage(writer, 8, server);
      const frame = writer.take();
      frame[at % frame.length] = value;
      attemptBoth(frame);
      attemptBoth(frame.subarray(0, cut % frame.length));
    }),
    { numRuns: 1_000 },
  );
  t.ok(read > 100, `${read} were read`);
  t.ok(refused > 100, `${refused} were refused`);
  t.end();
});

t.test(
  'a counter above 2^53-1 is refused on both sides, a transaction nested too deep is not read',
  (t) => {
    const writer = new ProtoWriter();
    t.throws(() => writer.counter(1, 2 ** 53), RangeError);
    t.throws(() => writer.counter(1, -1), RangeError);
    const tooLarge = Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    const reader = new ProtoReader(tooLarge);
    t.ok(reader.next());
    t.throws(() => reader.counter(), RangeError);
    let nested: Txn = { compare: [], success: [], failure: [] };
    for (let i = 0; i < 40; i++) {
      nested = { compare: [], success: [{ kind: 'txn', txn: nested }], failure: [] };
    }
    writeClientMessage(writer, 1, { kind: 'txn', txn: nested });
    t.throws(() => readClientFrame(writer.take()), RangeError);
    t.end();
  },
);
