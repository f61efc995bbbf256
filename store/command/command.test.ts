/** The bytes of commands against their .proto, by protobufjs; what decoding refuses; S21 and S25. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import type { Compare, Operation, Revision, Txn } from '../kv';
import {
  decodeCommand,
  decodeRequestId,
  encodeCommand,
  optimisticDeleteTxn,
  optimisticPutTxn,
  type Command,
  type CommandBody,
} from '.';

const root = protobuf.parse(readFileSync(join(__dirname, 'store.proto'), 'utf8')).root;
const commandType = root.lookupType('keelson.store.Command');

const requestId = { memberId: 'fedcba9876543210', incarnation: 3, counter: 2 ** 53 - 1 };
const key = utf8('/registry/pods/default/a');
const range = { start: utf8('a'), end: utf8('b') };
const toEnd = { start: utf8(''), end: undefined };
const LEASE = '7fffffffffffffff';

const compares: Compare[] = [
  { range: { key }, operator: 'equal', target: 'version', number: 0 },
  { range, operator: 'notEqual', target: 'createRevision', number: 7 },
  { range: toEnd, operator: 'greater', target: 'modRevision', number: 2 ** 53 - 1 },
  { range: { key }, operator: 'less', target: 'value', value: utf8('') },
  { range: { key }, operator: 'equal', target: 'leaseId', leaseId: LEASE },
];
const operations: Operation[] = [
  { kind: 'put', key, value: utf8('value'), leaseId: LEASE, withPrevious: true },
  { kind: 'put', key: utf8('k'), value: utf8(''), leaseId: NO_ID, withPrevious: false },
  { kind: 'deleteRange', range: toEnd, withPrevious: true },
  { kind: 'deleteRange', range: { key }, withPrevious: false },
  {
    kind: 'range',
    range,
    revision: 5 as Revision,
    limit: 10,
    keysOnly: true,
    countOnly: true,
  },
];
const txn: Txn = {
  compare: compares,
  success: [...operations, { kind: 'txn', txn: { compare: [], success: operations, failure: [] } }],
  failure: [{ kind: 'txn', txn: { compare: [], success: [], failure: [] } }],
};

const bodies: CommandBody[] = [
  { kind: 'put', key, value: utf8('v'), leaseId: LEASE, withPrevious: true },
  { kind: 'put', key, value: utf8(''), leaseId: NO_ID, withPrevious: false },
  { kind: 'deleteRange', range, withPrevious: true },
  { kind: 'deleteRange', range: toEnd, withPrevious: false },
  { kind: 'txn', txn },
  { kind: 'txn', txn: optimisticPutTxn(key, utf8('v'), 9 as Revision) },
  { kind: 'txn', txn: optimisticDeleteTxn(key, 0 as Revision) },
  { kind: 'compact', revision: 12 as Revision },
  { kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 9_000_000_000 },
  { kind: 'leaseRevoke', leaseId: LEASE },
  { kind: 'leaseExpire', leaseIds: [LEASE, '0000000000000001'], term: 4 },
  { kind: 'leaseCheckpoint', checkpoints: [{ leaseId: LEASE, remainingSeconds: 0 }], term: 4 },
];

t.test('each command survives its bytes, and protobufjs writes the same ones', (t) => {
  for (const body of bodies) {
    const command: Command = { ...body, requestId };
    const bytes = encodeCommand(command);
    t.same(decodeCommand(bytes), command, body.kind);
    t.same(decodeRequestId(bytes), requestId);
    const again = commandType.encode(commandType.decode(bytes)).finish();
    t.equal(Buffer.from(again).toString('hex'), Buffer.from(bytes).toString('hex'), body.kind);
  }
  t.end();
});

t.test('field numbers and types are those of the .proto', (t) => {
  const put: Command = { ...(bodies[0] as CommandBody), requestId };
  const read = commandType.toObject(commandType.decode(encodeCommand(put)), { longs: String });
  t.match(read, {
    requestId: { memberId: BigInt('0xfedcba9876543210').toString(), incarnation: '3' },
    put: { key: Buffer.from(key), value: Buffer.from('v'), withPrevious: true },
  });
  t.end();
});

t.test('a command that this version does not know whole is refused, not skipped', (t) => {
  const bytes = encodeCommand({ ...(bodies[0] as CommandBody), requestId });
  const unknownBody = Buffer.concat([bytes, Buffer.from([0x7a, 0])]);
  t.throws(() => decodeCommand(unknownBody), RangeError);
  t.throws(() => decodeCommand(new Uint8Array(0)), /request id or body is missing/);
  for (let length = 1; length < bytes.length; length++) {
    t.throws(() => decodeCommand(bytes.subarray(0, length)), `cut at ${String(length)}`);
  }
  const unknownField = protobuf.Writer.create();
  unknownField.uint32(10).bytes(Buffer.from('0911223344556677881001', 'hex'));
  unknownField.uint32(18).bytes(Buffer.from('9a0600', 'hex'));
  t.throws(() => decodeCommand(unknownField.finish()), /unknown field 99/);
  t.end();
});

t.test('transactions nested without end are refused before the stack is', (t) => {
  let nested: Txn = { compare: [], success: [], failure: [] };
  for (let depth = 0; depth < 200; depth++) {
    nested = { compare: [], success: [{ kind: 'txn', txn: nested }], failure: [] };
  }
  const bytes = encodeCommand({ kind: 'txn', txn: nested, requestId });
  t.throws(() => decodeCommand(bytes), /nested too deep/);
  t.end();
});
