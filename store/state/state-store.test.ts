/** The state store on the memory engine: transactions (S20 to S25), compaction, leases, lists. */
import t from 'tap';
import { utf8, fromUtf8 } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { optimisticDeleteTxn, optimisticPutTxn, optimisticResult } from '../command';
import type { CommandBody, CommandResult } from '../command';
import type { Compare, KeyValue, Operation, Txn } from '../kv';
import { checkTxn } from '../mvcc';
import { ALL, at, Bench, LEASE, put, remove, seeded } from './testing';

const read = (key: string, revision = 0): Operation => ({
  kind: 'range',
  range: { start: utf8(key), end: utf8(`${key}~`) },
  revision: at(revision),
  limit: 0,
  keysOnly: false,
  countOnly: false,
});
const txn = (parts: Partial<Txn>): CommandBody & { readonly txn: Txn } => ({
  kind: 'txn',
  txn: { compare: [], success: [], failure: [], ...parts },
});

t.test('puts, deletes and answers follow the data model', async (t) => {
  const bench = await Bench.open();
  t.equal(bench.store.revision(), 1, 'an empty store has revision 1');
  const { results, changes } = await bench.apply(put('a', '1'), put('a', '2'), remove('a'));
  const [first, second, third] = results as [CommandResult, CommandResult, CommandResult];
  t.match(first, { kind: 'put', revision: 2, previous: undefined });
  t.match(second, { kind: 'put', revision: 3, previous: { version: 1, modRevision: 2 } });
  t.match(third, { kind: 'deleteRange', revision: 4, deleted: 1, previous: [{ version: 2 }] });
  t.match(
    changes.map(({ revision, events }) => [revision, events.length, events[0]?.kind]),
    [
      [2, 1, 'put'],
      [3, 1, 'put'],
      [4, 1, 'delete'],
    ],
  );
  t.match(await bench.one(put('a', '4')), { revision: 5, previous: undefined });
  const { keyValue } = await bench.store.ranges.get(utf8('a'));
  t.match(keyValue, { createRevision: 5, modRevision: 5, version: 1, leaseId: NO_ID });
  const old = await bench.store.ranges.get(utf8('a'), at(3));
  t.match(old, { revision: 5, keyValue: { createRevision: 2, modRevision: 3, version: 2 } });
  t.equal((await bench.store.ranges.get(utf8('a'), at(4))).keyValue, undefined);
});

t.test('S23 only changes move the revision', async (t) => {
  const bench = await seeded();
  const revision = bench.store.revision();
  for (const body of [
    remove('x'),
    txn({ success: [read('a')] }),
    txn({ compare: [modRevisionIs('a', 99)], success: [put('a', 'no')] }),
    { kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 10 } as const,
    { kind: 'compact', revision: at(2) } as const,
    put('a', 'no', '00000000000000ff'),
  ]) {
    const result = await bench.one(body);
    t.equal(bench.store.revision(), revision, result.kind);
  }
  t.equal((await bench.one(put('a', '4'))).kind, 'put');
  t.equal(bench.store.revision(), revision + 1);
});

function modRevisionIs(key: string, number: number): Compare {
  return { range: { key: utf8(key) }, operator: 'equal', target: 'modRevision', number };
}

t.test('S20 a refused transaction has changed nothing', async (t) => {
  const bench = await seeded();
  await bench.apply({ kind: 'compact', revision: at(3) });
  const before = await bench.keys();
  for (const [code, refused] of [
    ['STORE_COMPACTED', read('a', 2)],
    ['STORE_FUTURE_REVISION', read('a', 5)],
    ['STORE_LEASE_NOT_FOUND', put('c', '1', '00000000000000ff')],
    ['STORE_INVALID', put('', '1')],
    ['STORE_TOO_LARGE', put('k'.repeat(65_537), '1')],
  ] as const) {
    const result = await bench.one(txn({ success: [put('a', 'changed'), refused] }));
    t.match(result, { kind: 'failed', error: { code } });
    const nested = txn({ success: [refused] });
    const outer = txn({ success: [put('b', 'changed'), { kind: 'txn', txn: nested.txn }] });
    t.match(await bench.one(outer), { kind: 'failed', error: { code } });
  }
  t.equal(await bench.keys(), before);
  t.match(await bench.one(txn({ success: [read('a', 3), read('a', 4)] })), { kind: 'txn' });
});

t.test('S21 a key changes once per transaction', (t) => {
  const nested = (success: Operation[], failure: Operation[] = []): Operation => ({
    kind: 'txn',
    txn: { compare: [], success, failure },
  });
  const refused: Operation[][] = [
    [put('a', '1'), put('a', '2')],
    [put('b', '1'), remove('a', 'c')],
    [remove('a', 'c'), put('b', '1')],
    [put('a', '1'), nested([put('a', '2')])],
    [nested([put('a', '1')]), put('a', '2')],
    [nested([], [put('a', '1')]), put('a', '2')],
    [nested([put('a', '1')]), nested([], [remove('a')])],
    [nested([nested([put('a', '1')])]), remove('a')],
  ];
  const allowed: Operation[][] = [
    [put('a', '1'), put('b', '2')],
    [put('c', '1'), remove('a', 'c')],
    [remove('a', 'c'), remove('b', 'd')],
    [nested([put('a', '1')], [put('a', '2'), read('a')])],
    [read('a'), put('a', '1'), read('a')],
  ];
  for (const success of refused) {
    t.match(checkTxn(txn({ success }).txn), { code: 'STORE_INVALID', message: /more than once/ });
    t.match(checkTxn(txn({ failure: success }).txn), { code: 'STORE_INVALID' });
  }
  for (const success of allowed) t.equal(checkTxn(txn({ success }).txn), undefined);
  t.end();
});

t.test('S22 operations run in order and see earlier ones; paths do not', async (t) => {
  const bench = await seeded();
  const inner = {
    compare: [modRevisionIs('a', 4)],
    success: [read('a')],
    failure: [],
  };
  const success = [
    read('a'),
    put('a', '9'),
    put('aa', 'new'),
    read('a'),
    read('a', 4),
    { kind: 'txn', txn: inner } as const,
    remove('b'),
    read('b'),
  ];
  const result = await bench.one(txn({ success }));
  if (result.kind !== 'txn') throw new Error(result.kind);
  t.equal(result.result.revision, 5);
  const values = result.result.results.map((answer) => {
    const found = answer.kind === 'txn' ? answer.result.results[0] : answer;
    return found?.kind === 'range' ? found.keyValues.map(({ value }) => fromUtf8(value)) : [];
  });
  t.same(values, [['3'], [], [], ['9', 'new'], ['3'], ['9', 'new'], [], []]);
  const nested = result.result.results[5];
  t.match(nested, { kind: 'txn', result: { succeeded: true, revision: 5 } });
});

t.test('S22 commands of one batch see each other, by every kind of read', async (t) => {
  const bench = await seeded();
  const { results } = await bench.apply(
    put('c', '1'),
    txn({ success: [read('', 4), read('', 5)] }),
    remove('a', 'b'),
    txn({ success: [read('', 5), read('', 6), read('')] }),
    { kind: 'compact', revision: at(6) },
    txn({ success: [read('', 5)] }),
    remove('a', 'z'),
  );
  const keys = results.map((result) => {
    if (result?.kind !== 'txn') return result?.kind;
    return result.result.results.map((answer) => {
      return answer.kind === 'range'
        ? answer.keyValues.map(({ key }) => fromUtf8(key)).join('')
        : '';
    });
  });
  const expected = [
    'put',
    ['ab', 'abc'],
    'deleteRange',
    ['abc', 'bc', 'bc'],
    'compact',
    'failed',
    'deleteRange',
  ];
  t.same(keys, expected);
  t.match(results[6], { deleted: 2 });
});

t.test('S24 comparisons, also with missing keys and ranges', async (t) => {
  const bench = await seeded();
  await bench.apply({ kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 9 }, put('l', 'x', LEASE));
  const missing = { range: { key: utf8('x') } };
  const a = { range: { key: utf8('a') } };
  const both = { range: { start: utf8('a'), end: utf8('c') } };
  const none = { range: { start: utf8('x'), end: utf8('z') } };
  const rows: [Compare, boolean][] = [
    [{ ...a, target: 'version', operator: 'equal', number: 2 }, true],
    [{ ...a, target: 'createRevision', operator: 'equal', number: 2 }, true],
    [{ ...a, target: 'modRevision', operator: 'equal', number: 4 }, true],
    [{ ...a, target: 'modRevision', operator: 'greater', number: 4 }, false],
    [{ ...a, target: 'modRevision', operator: 'less', number: 5 }, true],
    [{ ...a, target: 'modRevision', operator: 'notEqual', number: 4 }, false],
    [{ ...a, target: 'value', operator: 'equal', value: utf8('3') }, true],
    [{ ...a, target: 'value', operator: 'greater', value: utf8('2') }, true],
    [{ ...a, target: 'leaseId', operator: 'equal', leaseId: NO_ID }, true],
    [{ range: { key: utf8('l') }, target: 'leaseId', operator: 'equal', leaseId: LEASE }, true],
    [{ ...missing, target: 'version', operator: 'equal', number: 0 }, true],
    [{ ...missing, target: 'modRevision', operator: 'less', number: 1 }, true],
    [{ ...missing, target: 'createRevision', operator: 'greater', number: 0 }, false],
    [{ ...missing, target: 'leaseId', operator: 'equal', leaseId: NO_ID }, true],
    [{ ...missing, target: 'value', operator: 'equal', value: utf8('') }, false],
    [{ ...missing, target: 'value', operator: 'notEqual', value: utf8('q') }, false],
    [{ ...both, target: 'version', operator: 'greater', number: 0 }, true],
    [{ ...both, target: 'version', operator: 'equal', number: 1 }, false],
    [{ ...none, target: 'version', operator: 'equal', number: 0 }, true],
    [{ ...none, target: 'value', operator: 'less', value: utf8('z') }, false],
  ];
  for (const [compare, expected] of rows) {
    const result = await bench.one(txn({ compare: [compare] }));
    if (result.kind !== 'txn') throw new Error(result.kind);
    t.equal(result.result.succeeded, expected, JSON.stringify(compare));
  }
});

t.test('S25 at the limit of operations and one beyond, nested ones included', async (t) => {
  const bench = await Bench.open();
  const reads = (count: number): Operation[] => Array.from({ length: count }, () => read('a'));
  const inner: Operation = { kind: 'txn', txn: txn({ success: reads(27) }).txn };
  t.match(await bench.one(txn({ success: reads(128) })), { kind: 'txn' });
  t.match(await bench.one(txn({ success: [...reads(100), inner] })), { kind: 'txn' });
  for (const operations of [reads(129), [...reads(101), inner]]) {
    const error = { code: 'STORE_TOO_MANY_OPERATIONS', message: /received 129/ };
    t.match(await bench.one(txn({ success: operations })), { kind: 'failed', error });
    t.match(await bench.one(txn({ failure: operations })), { kind: 'failed', error });
  }
  t.match(await bench.one(put('k'.repeat(65_536), '')), { kind: 'put' });
  t.match(await bench.one(put('k'.repeat(65_537), '')), { error: { code: 'STORE_TOO_LARGE' } });
});

t.test('the optimistic forms: a failed expectation is a value', async (t) => {
  const bench = await Bench.open();
  const run = async (form: Txn) => {
    const result = await bench.one({ kind: 'txn', txn: form });
    if (result.kind !== 'txn') throw new Error(result.kind);
    return optimisticResult(result.result);
  };
  const key = utf8('k');
  const create = optimisticPutTxn(key, utf8('1'), at(0));
  t.match(await run(create), { succeeded: true, revision: 2, previous: undefined });
  t.match(await run(create), { succeeded: false, revision: 2, keyValue: { modRevision: 2 } });
  const update = optimisticPutTxn(key, utf8('2'), at(2));
  t.match(await run(update), { succeeded: true, revision: 3, previous: { modRevision: 2 } });
  const stale = await run(optimisticDeleteTxn(key, at(2)));
  t.match(stale, { succeeded: false, keyValue: { modRevision: 3 } });
  const deleted = await run(optimisticDeleteTxn(key, at(3)));
  t.match(deleted, { succeeded: true, revision: 4, previous: { version: 2 } });
  const gone = await run(optimisticDeleteTxn(key, at(3)));
  t.same(gone, { succeeded: false, revision: 4, keyValue: undefined });
});

t.test('S30, S31, S37 compaction: below it reads fail, at it they work', async (t) => {
  const bench = await seeded();
  await bench.apply(remove('b'), put('b', 'again'));
  const result = await bench.one({ kind: 'compact', revision: at(5) });
  t.match(result, { kind: 'compact', revision: 6 });
  while (await bench.store.compactSlice(1));
  await t.rejects(bench.store.ranges.list(ALL, { revision: at(4) }), {
    code: 'STORE_COMPACTED',
    details: { compactRevision: 5 },
  });
  await t.rejects(bench.store.ranges.get(utf8('a'), at(7)), { code: 'STORE_FUTURE_REVISION' });
  await t.rejects(bench.store.events.read(at(4)), { code: 'STORE_COMPACTED' });
  const { changes } = await bench.store.events.read(at(5));
  t.match(changes, [
    { revision: 5, events: [{ kind: 'delete', previous: { modRevision: 3 } }] },
    { revision: 6, events: [{ kind: 'put', previous: undefined }] },
  ]);
  for (const revision of [0, 5, 7]) {
    const refused = await bench.one({ kind: 'compact', revision: at(revision) });
    t.equal(refused.kind, 'failed');
  }
});

t.test('S40, S45 leases at apply', async (t) => {
  const bench = await Bench.open();
  const grant = { kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 10 } as const;
  const other = '00000000000000bb';
  t.match(await bench.one(grant), { kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 10 });
  t.match(await bench.one(grant), { error: { code: 'STORE_LEASE_EXISTS' } });
  for (const ttlSeconds of [0, 1.5, 9_000_000_001]) {
    const refused = await bench.one({ ...grant, leaseId: other, ttlSeconds });
    t.match(refused, { error: { code: 'STORE_INVALID' } });
  }
  await bench.apply({ ...grant, leaseId: other, ttlSeconds: 9_000_000_000 });
  await bench.apply(put('z', '1', LEASE), put('a', '1', LEASE), put('m', '1', LEASE));
  await bench.apply(put('m', '2', other), put('a', '2'), put('n', '1', LEASE), remove('n'));
  const expire = { kind: 'leaseExpire', leaseIds: [other, LEASE], term: 1 } as const;
  bench.term = 2;
  t.match(await bench.one(expire), { expired: [] }, 'S40 of an older term');
  const revoked = await bench.apply(put('b', '1', LEASE), {
    kind: 'leaseRevoke',
    leaseId: LEASE,
  });
  t.match(revoked.results[1], { kind: 'leaseRevoke', deleted: 2 });
  const keys = revoked.changes.at(-1)?.events.map(({ keyValue }) => fromUtf8(keyValue.key));
  t.same(keys, ['b', 'z'], 'in one revision, in key order');
  const gone = await bench.one({ kind: 'leaseRevoke', leaseId: LEASE });
  t.match(gone, { error: { code: 'STORE_LEASE_NOT_FOUND' } });
  const checkpoints = [{ leaseId: other, remainingSeconds: 4 }];
  await bench.apply({ kind: 'leaseCheckpoint', checkpoints, term: 2 });
  t.same(
    [...bench.store.leases()].map(({ remainingSeconds }) => remainingSeconds),
    [4],
  );
  const again = await Bench.open(bench.engine.fork());
  t.match(again.store.lease(other), { ttlSeconds: 9_000_000_000, remainingSeconds: 4 });
  t.match(await bench.one({ ...expire, term: 2 }), { expired: [other] });
  t.equal(await bench.keys(), 'a=2');
  t.same([...bench.store.leases()], []);
});

t.test('lists: limit, count, keys only, cut by bytes', async (t) => {
  const bench = await Bench.open();
  await bench.apply(...['a', 'b', 'c', 'd', 'e'].map((key) => put(key, key.repeat(100))));
  const { ranges } = bench.store;
  const names = (list: { keyValues: readonly KeyValue[] }): string =>
    list.keyValues.map(({ key }) => fromUtf8(key)).join('');
  const limited = await ranges.list(ALL, { limit: 2, withCount: true });
  t.match([names(limited), limited.more, limited.count], ['ab', true, 5]);
  const rest = await ranges.list({ start: utf8('c'), end: utf8('e') }, { limit: 2 });
  t.match([names(rest), rest.more, rest.count], ['cd', false, undefined]);
  const cut = await ranges.list(ALL, { bytesMax: 300 });
  t.match([names(cut), cut.more], ['ab', true]);
  const bare = await ranges.list(ALL, { keysOnly: true });
  t.ok(bare.keyValues.every(({ value }) => value.length === 0));
  t.same(names(await ranges.list({ start: utf8('d'), end: utf8('b') })), '');
  t.match(await ranges.count(ALL), { revision: 6, count: 5 });
  t.match(await ranges.count({ start: utf8('b'), end: utf8('d') }, at(3)), { count: 1 });
});
