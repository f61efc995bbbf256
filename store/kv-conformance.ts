/**
 * What every `TxnKv` must pass: the store called directly, over the wire, without a log, and later
 * others. Run on a factory of fresh, empty stores; an implementation adds only what is special to
 * it. Rules shown: S20 to S25, S31, S32, S34 to S37, S44, S45, S50.
 */
import type { Test } from 'tap';
import { fromUtf8, keyAfter, prefixRangeEnd, utf8 } from '../base/bytes';
import { KeelsonError } from '../base/error';
import { NO_ID } from '../base/hex-id';
import type { KeyValue, Operation, Revision, TxnKv } from './kv';
import { STORE_LIMITS } from './limits';
import { readWatch as reader } from './testing/watch-reader';

/** A store for one subtest; its time must pass by itself. */
export interface KvUnderTest {
  readonly kv: TxnKv;
  readonly close: () => Promise<void>;
}

const ALL = { start: new Uint8Array(0), end: undefined };
const LATEST = 0 as Revision;

/** Runs the suite as subtests of `t`. */
export async function kvConformance(t: Test, open: () => Promise<KvUnderTest>): Promise<void> {
  const withKv = (name: string, run: (t: Test, kv: TxnKv) => Promise<void>): Promise<unknown> =>
    t.test(name, async (t) => {
      const { kv, close } = await open();
      try {
        await run(t, kv);
      } finally {
        await close();
      }
    });

  await readsAndWrites(withKv);
  await oldRevisions(withKv);
  await transactions(withKv);
  await limits(withKv);
  await watches(withKv);
  await progress(withKv);
  await leases(withKv);
}

type WithKv = (name: string, run: (t: Test, kv: TxnKv) => Promise<void>) => Promise<unknown>;

async function readsAndWrites(withKv: WithKv): Promise<void> {
  await withKv('an empty store has revision 1, the first write makes 2', async (t, kv) => {
    t.equal(await kv.currentRevision(), 1);
    t.same(await kv.get(utf8('a')), { revision: 1, keyValue: undefined });
    t.same(await kv.optimisticPut(utf8('a'), utf8('1'), LATEST), {
      succeeded: true,
      revision: 2,
      previous: undefined,
    });
    const { revision, keyValue } = await kv.get(utf8('a'));
    t.equal(revision, 2);
    t.same(shown(keyValue), { key: 'a', value: '1', create: 2, mod: 2, version: 1, lease: NO_ID });
  });

  await withKv('a failed expectation is a value that shows what is there', async (t, kv) => {
    await put(kv, 'a', '1');
    const exists = await kv.optimisticPut(utf8('a'), utf8('x'), LATEST);
    t.equal(exists.succeeded, false);
    t.equal(exists.revision, 2, 'and moves no revision (S23)');
    t.equal(!exists.succeeded && shown(exists.keyValue)?.value, '1');
    const missing = await kv.optimisticPut(utf8('b'), utf8('x'), 2 as Revision);
    t.same(missing, { succeeded: false, revision: 2, keyValue: undefined });
    const updated = await kv.optimisticPut(utf8('a'), utf8('2'), 2 as Revision);
    t.equal(updated.succeeded && shown(updated.previous)?.value, '1');
    const { keyValue } = await kv.get(utf8('a'));
    t.same(shown(keyValue), { key: 'a', value: '2', create: 2, mod: 3, version: 2, lease: NO_ID });
    const stale = await kv.optimisticDelete(utf8('a'), 2 as Revision);
    t.equal(!stale.succeeded && shown(stale.keyValue)?.mod, 3);
    const gone = await kv.optimisticDelete(utf8('a'), 3 as Revision);
    t.equal(gone.succeeded && shown(gone.previous)?.value, '2');
    t.equal(gone.revision, 4);
    t.equal((await kv.get(utf8('a'))).keyValue, undefined);
    await put(kv, 'a', '3');
    t.equal(shown((await kv.get(utf8('a'))).keyValue)?.version, 1, 'versions start anew');
  });

  await withKv('a list is in key order, cut by its limit, counted as a whole', async (t, kv) => {
    for (const key of ['b/2', 'a', 'b/1', 'c', 'b/3']) await put(kv, key, key);
    const all = await kv.list(ALL);
    t.same(keys(all.keyValues), ['a', 'b/1', 'b/2', 'b/3', 'c']);
    t.equal(all.more, false);
    t.equal(all.count, undefined);
    const prefix = { start: utf8('b/'), end: prefixRangeEnd(utf8('b/')) };
    const first = await kv.list(prefix, { limit: 2, withCount: true });
    t.same(keys(first.keyValues), ['b/1', 'b/2']);
    t.same([first.more, first.count], [true, 3]);
    const start = keyAfter((first.keyValues.at(-1) as KeyValue).key);
    const rest = await kv.list({ ...prefix, start }, { limit: 2, revision: first.revision });
    t.same(keys(rest.keyValues), ['b/3']);
    t.equal(rest.more, false);
    const bare = await kv.list(prefix, { keysOnly: true });
    t.ok(bare.keyValues.every(({ value, modRevision }) => value.length === 0 && modRevision > 1));
    t.same(await kv.count(prefix), { revision: 6, count: 3 });
    t.equal((await kv.count({ start: utf8('x'), end: utf8('b') })).count, 0, 'an empty range');
  });

  await withKv('a serializable read is a past state, a cancelled one rejects', async (t, kv) => {
    await put(kv, 'a', '1');
    const read = await kv.get(utf8('a'), { serializable: true });
    t.equal(read.revision, 2, 'not older than what this caller has seen (S50)');
    const reason = new Error('enough');
    await t.rejects(kv.get(utf8('a'), { signal: AbortSignal.abort(reason) }), reason);
    const status = await kv.status();
    t.ok(status.revision >= 2 && status.appliedIndex > 0 && status.role === 'leader', 'status');
  });
}

async function oldRevisions(withKv: WithKv): Promise<void> {
  await withKv('the past can be read until it is compacted', async (t, kv) => {
    await put(kv, 'a', '1');
    await put(kv, 'a', '2', 2);
    await kv.optimisticDelete(utf8('a'), 3 as Revision);
    await put(kv, 'b', '1');
    const at = async (revision: number): Promise<string | undefined> =>
      shown((await kv.get(utf8('a'), { revision: revision as Revision })).keyValue)?.value;
    t.same([await at(2), await at(3), await at(4), await at(5)], ['1', '2', undefined, undefined]);
    const old = await kv.list(ALL, { revision: 3 as Revision });
    t.same([keys(old.keyValues), old.revision], [['a'], 5], 'the header has the current revision');
    t.equal((await kv.count(ALL, { revision: 4 as Revision })).count, 0);
    await fails(t, 'STORE_FUTURE_REVISION', kv.get(utf8('a'), { revision: 6 as Revision }));
    await kv.compact(3 as Revision);
    await fails(t, 'STORE_COMPACTED', kv.get(utf8('a'), { revision: 2 as Revision }));
    t.equal(await at(3), '2', 'at the compact revision reads work');
    await fails(t, 'STORE_COMPACTED', kv.compact(3 as Revision));
    await fails(t, 'STORE_FUTURE_REVISION', kv.compact(9 as Revision));
    t.equal(await kv.currentRevision(), 5, 'compactions move no revision (S23)');
  });
}

async function transactions(withKv: WithKv): Promise<void> {
  await withKv('a transaction changes many keys in one revision (S20 to S24)', async (t, kv) => {
    await put(kv, 'a', '1');
    const result = await kv.txn({
      compare: [
        { range: { key: utf8('a') }, operator: 'equal', target: 'value', value: utf8('1') },
        { range: { key: utf8('x') }, operator: 'equal', target: 'version', number: 0 },
      ],
      success: [
        putOf('b', '2'),
        { kind: 'deleteRange', range: { key: utf8('a') }, withPrevious: true },
        rangeOf(),
        {
          kind: 'txn',
          txn: { compare: [], success: [putOf('c', '3')], failure: [putOf('d', '4')] },
        },
      ],
      failure: [],
    });
    t.same([result.succeeded, result.revision], [true, 3]);
    const [, deleted, read] = result.results;
    t.same(deleted?.kind === 'deleteRange' && keys(deleted.previous), ['a']);
    t.same(read?.kind === 'range' && keys(read.keyValues), ['b'], 'sees what was done before it');
    t.same(keys((await kv.list(ALL)).keyValues), ['b', 'c']);
    const missed = await kv.txn({
      compare: [{ range: { key: utf8('b') }, operator: 'less', target: 'modRevision', number: 3 }],
      success: [putOf('z', '')],
      failure: [rangeOf()],
    });
    t.same([missed.succeeded, missed.revision], [false, 3]);
    const compacted: Operation = { ...rangeOf(), revision: 99 as Revision } as Operation;
    const txn = { compare: [], success: [putOf('e', '5'), compacted], failure: [] };
    await fails(t, 'STORE_FUTURE_REVISION', kv.txn(txn));
    t.equal((await kv.get(utf8('e'))).keyValue, undefined, 'all or nothing (S20)');
    const twice = { compare: [], success: [putOf('e', '1'), putOf('e', '2')], failure: [] };
    await fails(t, 'STORE_INVALID', kv.txn(twice));
  });
}

async function limits(withKv: WithKv): Promise<void> {
  await withKv('limits hold at the limit and one beyond', async (t, kv) => {
    const { keyBytesMax, requestBytesMax, operationsPerTxnMax, listBytesMax } = STORE_LIMITS;
    await fails(t, 'STORE_INVALID', kv.get(new Uint8Array(0)));
    await fails(t, 'STORE_INVALID', kv.optimisticPut(new Uint8Array(0), utf8('x'), LATEST));
    const longest = new Uint8Array(keyBytesMax).fill(97);
    t.ok((await kv.optimisticPut(longest, utf8('x'), LATEST)).succeeded);
    await fails(t, 'STORE_TOO_LARGE', kv.optimisticPut(keyAfter(longest), utf8('x'), LATEST));
    const largest = new Uint8Array(requestBytesMax - 2);
    t.ok((await kv.optimisticPut(utf8('b0'), largest, LATEST)).succeeded);
    const tooLarge = new Uint8Array(requestBytesMax - 1);
    await fails(t, 'STORE_TOO_LARGE', kv.optimisticPut(utf8('b1'), tooLarge, LATEST));
    const many = (count: number) => ({
      compare: [],
      success: Array.from({ length: count }, (_, i) => putOf(`c${i}`, '')),
      failure: [],
    });
    t.ok((await kv.txn(many(operationsPerTxnMax))).succeeded);
    await fails(t, 'STORE_TOO_MANY_OPERATIONS', kv.txn(many(operationsPerTxnMax + 1)));
    for (let i = 1; i < 4; i++) await kv.optimisticPut(utf8(`b${i}`), largest, LATEST);
    const list = await kv.list({ start: utf8('b'), end: utf8('c') });
    t.ok(list.more, `an answer is cut at ${listBytesMax} bytes`);
    t.ok(list.keyValues.length < 4);
  });
}

async function watches(withKv: WithKv): Promise<void> {
  await withKv('a watch delivers from its revision on, itself included', async (t, kv) => {
    await put(kv, 'a', '1');
    await put(kv, 'a', '2', 2);
    const watch = reader(kv.watch(ALL, { startRevision: 3 as Revision }));
    t.same(await watch.next(), { revision: 3, events: ['put a=2 was 1'] });
    await put(kv, 'b', '1');
    t.same(await watch.next(), { revision: 4, events: ['put b=1 was undefined'] });
    await kv.optimisticDelete(utf8('a'), 3 as Revision);
    t.same(await watch.next(), { revision: 5, events: ['delete a= was 2'] }, 'S31');
    await watch.close();
  });

  await withKv('a watch without a revision delivers what follows its opening', async (t, kv) => {
    await put(kv, 'a', '1');
    const watch = reader(kv.watch({ start: utf8('a'), end: utf8('b') }));
    await put(kv, 'b', 'out of range');
    await put(kv, 'a', '2', 2);
    t.same(await watch.next(), { revision: 4, events: ['put a=2 was 1'] });
    const future = reader(kv.watch(ALL, { startRevision: 7 as Revision }));
    for (const key of ['c', 'd', 'e', 'f']) await put(kv, key, '');
    t.equal((await future.next()).revision, 7, 'nothing below its start (S36)');
    t.equal((await future.next()).revision, 8);
    await watch.close();
    await future.close();
  });

  await withKv('revisions come whole, in order, each once (S32)', async (t, kv) => {
    const watch = reader(kv.watch(ALL, { startRevision: 2 as Revision }));
    await kv.txn({ compare: [], success: [putOf('b', '1'), putOf('a', '2')], failure: [] });
    const events = ['put b=1 was undefined', 'put a=2 was undefined'];
    t.same(await watch.next(), { revision: 2, events });
    await Promise.all(Array.from({ length: 50 }, (_, i) => put(kv, `k${i}`, '')));
    for (let i = 0; i < 50; i++) t.equal((await watch.next()).revision, 3 + i);
    const again = reader(kv.watch(ALL, { startRevision: 2 as Revision }));
    t.same((await again.next()).events, events, 'history as it was');
    await watch.close();
    await again.close();
  });

  await withKv('a watch below the compact revision fails, at it it works (S37)', async (t, kv) => {
    await put(kv, 'a', '1');
    await put(kv, 'a', '2', 2);
    await kv.compact(3 as Revision);
    const late = reader(kv.watch(ALL, { startRevision: 2 as Revision }));
    const error = await late.next().catch((error: unknown) => error);
    t.ok(error instanceof KeelsonError && error.code === 'STORE_COMPACTED');
    t.equal(error instanceof KeelsonError && error.details['compactRevision'], 3);
    const watch = reader(kv.watch(ALL, { startRevision: 3 as Revision }));
    t.same(await watch.next(), { revision: 3, events: ['put a=2 was 1'] }, 'S31');
    await watch.close();
  });

  await withKv('a watch ends by its signal and by leaving the loop', async (t, kv) => {
    const controller = new AbortController();
    const aborted = reader(kv.watch(ALL, { signal: controller.signal }));
    const waiting = aborted.end();
    controller.abort();
    t.equal(await waiting, true, 'the iteration just ends');
    for await (const batch of kv.watch(ALL, { startRevision: 2 as Revision, ...(await first(kv)) }))
      if (batch.kind === 'events') break;
    const early = AbortSignal.abort();
    t.equal(await reader(kv.watch(ALL, { signal: early })).end(), true);
  });
}

async function progress(withKv: WithKv): Promise<void> {
  await withKv('progress comes behind all events up to its revision (S34)', async (t, kv) => {
    const [busy, idle] = [kv.watch(ALL, { startRevision: 2 as Revision }), kv.watch(emptyRange())];
    const [busyReader, idleReader] = [reader(busy), reader(idle)];
    await Promise.all(Array.from({ length: 20 }, (_, i) => put(kv, `k${i}`, '')));
    const [revision, other] = await Promise.all([busy.requestProgress(), idle.requestProgress()]);
    t.ok(revision >= 21 && other >= 21, 'the present of the call, or later');
    const batches = await busyReader.untilProgress(revision);
    t.same(
      batches.map((batch) => batch.revision),
      Array.from({ length: 20 }, (_, i) => i + 2),
    );
    t.same(await idleReader.untilProgress(other), [], 'an idle watch hears of it too');
    await busyReader.close();
    await idleReader.close();
    await fails(t, 'STORE_STOPPED', busy.requestProgress());
  });
}

async function leases(withKv: WithKv): Promise<void> {
  await withKv('a lease takes its keys with it in one revision (S44, S45)', async (t, kv) => {
    const { leaseId, ttlSeconds, revision } = await kv.grantLease(60);
    t.same([ttlSeconds, revision], [60, 1], 'a grant moves no revision (S23)');
    for (const key of ['b', 'a', 'c'])
      await kv.optimisticPut(utf8(key), utf8(''), LATEST, { leaseId });
    await put(kv, 'c', 'detached', 4);
    t.equal((await kv.keepAliveLease(leaseId)).ttlSeconds, 60);
    const watch = reader(kv.watch(ALL, { startRevision: 6 as Revision }));
    t.equal((await kv.revokeLease(leaseId)).revision, 6);
    t.same(await watch.next(), { revision: 6, events: ['delete a= was ', 'delete b= was '] });
    t.same(keys((await kv.list(ALL)).keyValues), ['c']);
    t.equal((await kv.keepAliveLease(leaseId)).ttlSeconds, 0, 'unknown: 0, no error');
    await fails(t, 'STORE_LEASE_NOT_FOUND', kv.revokeLease(leaseId));
    const orphan = kv.optimisticPut(utf8('d'), utf8(''), LATEST, { leaseId });
    await fails(t, 'STORE_LEASE_NOT_FOUND', orphan);
    await fails(t, 'STORE_INVALID', kv.grantLease(0));
    await watch.close();
  });

  await withKv('a lease that nobody renews expires, and not before its time', async (t, kv) => {
    const { leaseId } = await kv.grantLease(2);
    await kv.optimisticPut(utf8('a'), utf8(''), LATEST, { leaseId });
    const watch = reader(kv.watch(ALL, { startRevision: 2 as Revision }));
    t.equal((await watch.next()).revision, 2);
    t.same(await watch.next(), { revision: 3, events: ['delete a= was '] });
    await watch.close();
  });
}

/** Makes a first event, so that a watch has something to break its loop with. */
async function first(kv: TxnKv): Promise<object> {
  await put(kv, 'first', '');
  return {};
}

async function put(kv: TxnKv, key: string, value: string, expected = 0): Promise<void> {
  const result = await kv.optimisticPut(utf8(key), utf8(value), expected as Revision);
  if (!result.succeeded) throw new Error(`Cannot put ${key} at ${expected}`);
}

function putOf(key: string, value: string): Operation {
  return {
    kind: 'put',
    key: utf8(key),
    value: utf8(value),
    leaseId: NO_ID,
    withPrevious: false,
  };
}

function rangeOf(): Operation {
  const rest = { revision: LATEST, limit: 0, keysOnly: false, countOnly: false };
  return { kind: 'range', range: ALL, ...rest };
}

function emptyRange(): { start: Uint8Array; end: Uint8Array } {
  return { start: utf8('nothing/'), end: utf8('nothing0') };
}

function keys(keyValues: readonly KeyValue[]): string[] {
  return keyValues.map(({ key }) => fromUtf8(key));
}

function shown(keyValue: KeyValue | undefined) {
  if (keyValue === undefined) return undefined;
  const { key, value, createRevision, modRevision, version, leaseId } = keyValue;
  return {
    key: fromUtf8(key),
    value: fromUtf8(value),
    create: createRevision,
    mod: modRevision,
    version,
    lease: leaseId,
  };
}

async function fails(t: Test, code: string, promise: Promise<unknown>): Promise<void> {
  const error = await promise.catch((error: unknown) => error);
  t.equal(error instanceof KeelsonError ? error.code : error, code, `fails with ${code}`);
}
