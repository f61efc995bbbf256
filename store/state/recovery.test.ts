/**
 * What survives: equal members, crashes at every engine write (S1, R60), opening what is not whole
 * or not ours, and damage of any stored byte.
 */
import t from 'tap';
import { utf8 } from '../../base/bytes';
import type { CommandBody } from '../command';
import { MemoryEngine, readAll } from '../engine';
import { META_KEYS, NAMESPACE } from '../mvcc';
import { StateStore } from '.';
import { ALL, at, Bench, CONF, LEASE, put, remove, seeded } from './testing';

t.test('two members with different local conditions have equal hashes (S2)', async (t) => {
  const tiny = { cacheBytes: 0, flushEntries: 2 };
  const members = [await Bench.open(), await Bench.open(new MemoryEngine(), tiny)];
  for (let i = 0; i < 30; i++) {
    const bodies = [put(`k${String(i % 7)}`, String(i)), remove(`k${String(i % 5)}`)];
    await members[0]?.apply(...bodies);
    for (const body of bodies) await members[1]?.apply(body);
    await members[1]?.apply({ kind: 'compact', revision: at(i + 2) });
    await members[0]?.apply({ kind: 'compact', revision: at(i + 2) });
    await members[1]?.store.compactSlice(2);
  }
  t.equal(members[0]?.store.stateHash(), members[1]?.store.stateHash());
  t.equal(await members[0]?.keys(), await members[1]?.keys());
  t.not(members[0]?.store.stateHash(), (await Bench.open()).store.stateHash());
});

t.test('answers see a batch exactly when its events were queued', async (t) => {
  const seen: number[] = [];
  const bench: Bench = await Bench.open(new MemoryEngine(), {
    onApplied: ({ revision }) => seen.push(revision),
    faults: async (step) => {
      if (step !== 'applyAfterBatch') return;
      // The engine has the batch, but nobody was told: reads show the state before it.
      const { revision, keyValues } = await bench.store.ranges.list(ALL);
      t.equal(revision, seen.at(-1) ?? 1);
      t.equal(keyValues.length, revision - 1);
      const { keyValue } = await bench.store.ranges.get(utf8('b'));
      t.equal(keyValue === undefined, revision < 3);
    },
  });
  await bench.apply(put('a', '1'));
  await bench.apply(put('b', '1'));
  await bench.apply(put('c', '1'));
  t.same(seen, [2, 3, 4]);
});

t.test('S1, R60 after a crash at any engine write data and applied index agree', async (t) => {
  const hashes = new Map<number, string>();
  const bodies: CommandBody[] = [];
  for (let i = 0; i < 12; i++) {
    bodies.push(put(`k${String(i % 3)}`, String(i)), put('x', String(i)));
    if (i % 4 === 3) bodies.push({ kind: 'compact', revision: at(i + 2) }, remove('k0', 'k2'));
  }
  const whole = await Bench.open();
  hashes.set(0, whole.store.stateHash());
  for (const body of bodies) {
    await whole.apply(body);
    hashes.set(whole.store.applied().index, whole.store.stateHash());
  }
  let crashes = 0;
  for (let failAt = 0; ; failAt++) {
    let writes = 0;
    const engine = new MemoryEngine({
      onWrite: () => {
        if (writes++ === failAt) throw new Error('crash');
      },
    });
    let bench: Bench | undefined;
    try {
      bench = await Bench.open(engine, { flushEntries: 5 });
      for (const body of bodies) {
        await bench.apply(body);
        await bench.store.compactSlice(2);
      }
    } catch {
      crashes += 1;
    }
    const durable = bench?.store.durableAppliedIndex() ?? 0;
    for (let kept = 0; kept <= engine.unsyncedBatches; kept++) {
      const again = await Bench.open(engine.crash(kept));
      const { index } = again.store.applied();
      if (index < durable) t.fail('what was durable is gone');
      if (again.store.stateHash() !== hashes.get(index)) t.fail(`state at ${String(index)}`);
      for (const body of bodies.slice(index)) await again.apply(body);
      while (await again.store.compactSlice(3));
      if ((await again.keys()) !== (await whole.keys())) t.fail('the rest leads elsewhere');
    }
    if (crashes <= failAt) break;
  }
  t.ok(crashes > 20, `${String(crashes)} crash points`);
});

t.test('applied position, configuration and durable index survive', async (t) => {
  const bench = await seeded();
  t.same(bench.store.applied(), { index: 3, term: 1, confState: CONF });
  t.equal(bench.store.durableAppliedIndex(), 0);
  await bench.store.close();
  t.equal(bench.store.durableAppliedIndex(), 3);
  const again = await Bench.open(bench.engine.crash(0));
  t.same(again.store.applied(), { index: 3, term: 1, confState: CONF });
  t.equal(again.store.stateHash(), bench.store.stateHash());
  const empty = [{ index: 4, term: 2, command: undefined }];
  const outcome = await again.store.apply(empty, { ...CONF, voters: ['0000000000000009'] });
  t.same(outcome.results, [undefined]);
  t.same(again.store.applied().confState.voters, ['0000000000000009']);
  await t.rejects(again.store.apply(empty, CONF), /entries are applied in order/);
});

t.test('S6 with syncEveryBatch nothing that was applied can be lost', async (t) => {
  const bench = await Bench.open(new MemoryEngine(), { syncEveryBatch: true });
  await bench.apply(put('a', '1'));
  t.equal(bench.engine.unsyncedBatches, 0);
  bench.store.setSyncEveryBatch(false);
  await bench.apply(put('a', '2'));
  t.equal(bench.engine.unsyncedBatches, 1);
});

t.test('data of another cluster, or of a later layout, is refused and left alone', async (t) => {
  const { engine } = await seeded();
  const clusterId = '00000000000000c2';
  await t.rejects(StateStore.open({ engine, clusterId }), {
    code: 'STORE_INVALID',
    message: /holds data of cluster 00000000000000c1: received cluster 00000000000000c2/,
  });
  t.equal(await (await Bench.open(engine)).keys(), 'a=3 b=2');
});

t.test('a hole behind the last flush is found at open', async (t) => {
  const bench = await Bench.open();
  for (let i = 0; i < 6; i++) await bench.apply(put(`k${String(i)}`, '1'));
  const entries = await readAll(bench.engine, ALL);
  const holes = entries.filter(({ key }) => {
    const isMeta = key[0] === NAMESPACE.meta && Buffer.compare(key, META_KEYS.compactDone) !== 0;
    return isMeta || key[0] === NAMESPACE.journal || key[0] === NAMESPACE.revisionLog;
  });
  t.equal(holes.length, 4 + 6 + 6);
  for (const { key } of holes) {
    const engine = bench.engine.fork({ location: '/data/state' });
    engine.corrupt(key, undefined);
    await t.rejects(Bench.open(engine), {
      code: 'STORE_CORRUPT',
      message:
        /Cannot trust the store in \/data\/state as it is damaged: .*leave this member stopped/,
    });
  }
});

t.test('each flipped byte of each stored value is detected', async (t) => {
  const bench = await Bench.open();
  await bench.apply({ kind: 'leaseGrant', leaseId: LEASE, ttlSeconds: 10 });
  await bench.apply(put('a', '1', LEASE), put('b', '2'), put('a', '3'), remove('b'));
  await bench.store.flush();
  await bench.apply(put('a', '4'), put('c', '5', LEASE));
  const touchAll = async (engine: MemoryEngine): Promise<void> => {
    const { store } = await Bench.open(engine);
    await store.ranges.list(ALL);
    await store.ranges.list(ALL, { revision: at(4) });
    await store.events.read(at(2));
    await store.ranges.get(utf8('a'));
    await store.ranges.get(utf8('a'), at(2));
    await new Bench(engine, store).apply(
      { kind: 'leaseRevoke', leaseId: LEASE },
      { kind: 'compact', revision: at(8) },
    );
    while (await store.compactSlice(100));
  };
  await touchAll(bench.engine.fork());
  let flips = 0;
  for (const { key, value } of await readAll(bench.engine, ALL)) {
    // Old journal records lie before the last flush; nobody reads them any more.
    const isUnread = key[0] === NAMESPACE.journal && (key[8] ?? 0) <= 5;
    for (let at = 0; at < value.length && !isUnread; at++) {
      const damaged = Uint8Array.from(value);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      const engine = bench.engine.fork();
      engine.corrupt(key, damaged);
      const code = await touchAll(engine).then(
        () => 'nothing',
        (error: unknown) => (error as { code?: string }).code,
      );
      flips += 1;
      if (code !== 'STORE_CORRUPT') t.fail(`${Buffer.from(key).toString('hex')} @${String(at)}`);
    }
  }
  t.ok(flips > 300, `${String(flips)} flips`);
});
