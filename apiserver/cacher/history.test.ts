/**
 * The ring of events and its 410 (K14), exact reads from history (K22), undecodable values (K81),
 * first guesses of writes, and the cache's way back to the store.
 */
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { SeededRandom } from '../../base/random';
import { storeError, type Revision } from '../../store/index';
import {
  at,
  CONSISTENT,
  createPods,
  deletePod,
  failureOf,
  listing,
  pathsOf,
  pod,
  replacePod,
  settled,
  WatchReader,
} from '../storage/conformance/harness';
import { allPages } from '../storage/conformance/reads';
import { makeCached } from './testing/cached-subject';
import { changeAt } from './testing/entries';
import { WatchHistory } from './watch-history';

const LIMITS = {
  historyEventsMin: 4,
  historyEventsMax: 16,
  historyBytesMax: Number.MAX_SAFE_INTEGER,
  historyFreshMs: 75_000,
};

t.test('K14: the ring doubles while its events are younger than 75 s', (t) => {
  const history = new WatchHistory(LIMITS, 1 as Revision);
  for (let i = 0; i < 40; i++) history.append(changeAt(2 + i, i));
  t.equal(history.capacity, 16, 'up to its maximum');
  t.equal(history.size, 16);
  t.equal(history.oldestDeliverable, 25, 'the last event that was dropped');
  t.equal(history.since(24 as Revision), undefined);
  t.same(
    history
      .since(25 as Revision)
      ?.map(({ revision }) => revision)
      .slice(0, 2),
    [26, 27],
  );
  t.same(history.since(41 as Revision), []);
  t.end();
});

t.test('K14: old events make room, and a quarter that spans 75 s halves the ring', (t) => {
  const history = new WatchHistory(LIMITS, 1 as Revision);
  for (let i = 0; i < 16; i++) history.append(changeAt(2 + i, 0));
  t.equal(history.capacity, 16);
  history.append(changeAt(18, 75_000));
  t.equal(history.capacity, 16, 'the oldest is no longer fresh: it goes');
  t.equal(history.oldestDeliverable, 2);
  for (let i = 0; i < 40; i++) history.append(changeAt(19 + i, 75_000 + i * 80_000));
  t.equal(history.capacity, 4, 'down to its minimum');
  t.equal(history.size, 4);
  t.end();
});

t.test('K14: the ring does not grow beyond its bytes', (t) => {
  const history = new WatchHistory({ ...LIMITS, historyBytesMax: 1 }, 1 as Revision);
  for (let i = 0; i < 40; i++) history.append(changeAt(2 + i, 0));
  t.equal(history.capacity, 4);
  t.end();
});

t.test('K14, K19: a revision cut apart by the ring cannot be delivered from below', (t) => {
  const history = new WatchHistory({ ...LIMITS, historyEventsMax: 4 }, 1 as Revision);
  for (const [i, path] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    history.append(changeAt(i < 3 ? 2 : 3, 0, `ns/${path}`));
  }
  t.equal(history.since(1 as Revision), undefined);
  t.same(
    history.since(2 as Revision)?.map(({ path }) => path),
    ['ns/d', 'ns/e'],
  );
  t.end();
});

t.test('K14: a watch from before the ring is 410, also if the store has it', async (t) => {
  const limits = { historyEventsMin: 2, historyEventsMax: 2 };
  const { storage, close } = await makeCached({ limits });
  await createPods(storage, 'ns/a', 'ns/b', 'ns/c', 'ns/d');
  await settled();
  const early = await WatchReader.from(storage, '1');
  const error = await failureOf(early.next());
  t.match(error, {
    status: {
      kind: 'Status',
      metadata: {},
      message: 'too old resource version: 1 (3)',
      reason: 'Expired',
      code: 410,
    },
  });
  t.equal(await early.next(), undefined, 'K10: then a clean end');
  const watch = await WatchReader.from(storage, '3');
  t.same(await watch.texts(2), ['added ns/c 4', 'added ns/d 5'], 'the oldest deliverable N');
  await watch.close();
  await close();
});

t.test('K14: history can be forgotten on purpose', async (t) => {
  const { storage, close } = await makeCached();
  await createPods(storage, 'ns/a', 'ns/b');
  await settled();
  const open = await WatchReader.from(storage, '3');
  t.same(await open.arrived(), []);
  storage.forgetHistory();
  const late = await WatchReader.from(storage, '2');
  t.match(await failureOf(late.next()), { message: 'too old resource version: 2 (3)' });
  await createPods(storage, 'ns/c');
  t.same(await open.texts(1), ['added ns/c 4'], 'open watches go on');
  await open.close();
  await close();
});

t.test('K22: exact reads come from history, and from the store beyond it', async (t) => {
  const limits = { historyEventsMin: 3, historyEventsMax: 3 };
  const { storage, kv, close } = await makeCached({ limits });
  await createPods(storage, 'ns/a', 'ns/b');
  await replacePod(storage, 'ns/a', { phase: 'Running' });
  await deletePod(storage, 'ns/b');
  await createPods(storage, 'ns/c');
  await settled();
  const before = kv.calls.list;
  const past = await storage.list(listing({ freshness: at('exact', '4') }));
  t.same(pathsOf(past), ['ns/a', 'ns/b']);
  t.equal(past.items[0]?.resourceVersion, '4');
  t.equal(kv.calls.list, before, 'from the cache');
  const older = await storage.list(listing({ freshness: at('exact', '2') }));
  t.same(pathsOf(older), ['ns/a']);
  t.equal(kv.calls.list, before + 1, 'from the store at that revision');
  await close();
});

t.test('K22: an exact read that would undo too much goes to the store', async (t) => {
  const { storage, kv, close } = await makeCached({ limits: { exactUndoEventsMax: 2 } });
  await createPods(storage, 'ns/a', 'ns/b', 'ns/c', 'ns/d');
  await settled();
  const before = kv.calls.list;
  t.same(pathsOf(await storage.list(listing({ freshness: at('exact', '3') }))), ['ns/a', 'ns/b']);
  t.equal(kv.calls.list, before);
  t.same(pathsOf(await storage.list(listing({ freshness: at('exact', '2') }))), ['ns/a']);
  t.equal(kv.calls.list, before + 1);
  await close();
});

t.test('K22: any past state from history equals the one from the store', async (t) => {
  const { storage, kv, close } = await makeCached();
  const random = new SeededRandom('7');
  for (let i = 0; i < 120; i++) {
    const path = `n${String(random.below(3))}/p${String(random.below(12))}`;
    if (random.below(3) === 0) await deletePod(storage, path).catch(() => undefined);
    else await replacePod(storage, path, { phase: `p${String(i)}` });
  }
  await settled();
  const listsBefore = kv.calls.list;
  for (let revision = 2; revision <= kv.revision; revision += 3) {
    const list = await storage.list(listing({ freshness: at('exact', String(revision)) }));
    const truth = await kv.list(
      { start: utf8('/registry/pods/'), end: utf8('/registry/pods0') },
      { revision: revision as Revision },
    );
    t.same(
      list.items.map(({ resourceVersion }) => Number(resourceVersion)),
      truth.keyValues.map(({ modRevision }) => modRevision),
      `at ${String(revision)}`,
    );
    const scope = { namespace: 'n1', name: undefined };
    const freshness = at('exact', String(revision));
    const pages = await allPages(storage, { freshness, scope, limit: 3 });
    const inN1 = pathsOf(list).filter((path) => path.startsWith('n1/'));
    t.same(pages.flatMap(pathsOf), inN1, 'page by page');
    t.same(
      pages.map(({ remainingItemCount = 0, items }) => remainingItemCount + items.length),
      pages.map((_, i) => inN1.length - 3 * i),
    );
  }
  t.equal(kv.calls.list, listsBefore + Math.ceil((kv.revision - 1) / 3), 'only the oracle read');
  await close();
});

t.test(
  'K81: an undecodable value shows in the health and ends the watches it concerns',
  async (t) => {
    const { storage, kv, close } = await makeCached();
    await createPods(storage, 'ns/a');
    const key = utf8('/registry/pods/ns/bad');
    const watch = await WatchReader.from(storage, '2');
    const elsewhere = await WatchReader.from(storage, '2', {
      scope: { namespace: 'other', name: undefined },
    });
    watch.start();
    elsewhere.start();
    await settled();
    t.equal(storage.problem(), undefined);
    kv.commit([{ key, value: utf8('not json') }]);
    t.match(await failureOf(watch.next()), { code: 500, message: /registry\/pods\/ns\/bad/ });
    t.match(storage.problem(), /key \/registry\/pods\/ns\/bad/);
    t.match(await failureOf(storage.list(listing({ freshness: { kind: 'any' } }))), { code: 500 });
    await createPods(storage, 'other/b');
    t.same(await elsewhere.texts(1), ['added other/b 4'], 'the others go on');
    kv.commit([{ key, value: undefined }]);
    await settled();
    t.equal(storage.problem(), undefined);
    t.same(pathsOf(await storage.list(listing())), ['ns/a', 'other/b']);
    await elsewhere.close();
    await close();
  },
);

t.test(
  'a broken watch of the store goes on from the same revision, unseen by clients',
  async (t) => {
    const { storage, kv, clock, close } = await makeCached();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.from(storage, '2');
    watch.start();
    await settled();
    kv.breakWatches(storeError('STORE_CONNECTION_LOST', 'Cannot read: gone'));
    await settled();
    await createPods(storage, 'ns/b');
    t.ok(storage.isReady());
    const lists = kv.calls.list;
    clock.advance(5_000);
    t.same(await watch.texts(1), ['added ns/b 3']);
    t.equal(kv.calls.list, lists, 'no new list');
    await watch.close();
    await close();
  },
);

t.test('an idle cache keeps up: compaction does not cost its watchers their place', async (t) => {
  const { storage, kv, clock, close } = await makeCached();
  await createPods(storage, 'ns/a');
  const watch = await WatchReader.from(storage, '2');
  watch.start();
  await settled();
  for (let i = 0; i < 5; i++) kv.commit([{ key: utf8('/registry/other/x'), value: utf8('{}') }]);
  clock.advance(60_000);
  await settled();
  await kv.compact(kv.revision);
  kv.breakWatches(storeError('STORE_CONNECTION_LOST', 'Cannot read: gone'));
  await settled();
  clock.advance(5_000);
  await settled();
  t.ok(storage.isReady());
  await createPods(storage, 'ns/b');
  t.match(await watch.texts(1), [/^added ns\/b /]);
  await watch.close();
  await close();
});

t.test('a cache that lost its place lists anew; its watches end and are 410 then', async (t) => {
  const { storage, kv, clock, close } = await makeCached();
  await createPods(storage, 'ns/a', 'ns/b');
  const watch = await WatchReader.from(storage, '3');
  watch.start();
  await settled();
  kv.breakWatches(storeError('STORE_CONNECTION_LOST', 'Cannot read: gone'));
  await settled();
  await replacePod(storage, 'ns/a', { phase: 'Running' });
  await createPods(storage, 'ns/c');
  await kv.compact(kv.revision);
  clock.advance(100);
  await settled();
  t.notOk(storage.isReady(), 'K21');
  t.same(await watch.texts(1), ['end'], 'a clean end');
  clock.advance(5_000);
  await storage.whenReady();
  t.same(pathsOf(await storage.list(listing())), ['ns/a', 'ns/b', 'ns/c']);
  const late = await WatchReader.from(storage, '3');
  t.match(await failureOf(late.next()), { message: 'too old resource version: 3 (5)' });
  await close();
});

t.test('a store that cannot be listed is tried again, ever more slowly', async (t) => {
  const subject = await makeCached({ start: false });
  const { storage, kv, clock } = subject;
  for (let i = 0; i < 3; i++) kv.failNext('list', storeError('RAFT_NO_LEADER', 'Cannot list'));
  subject.run(storage);
  await settled();
  t.equal(kv.calls.list, 1);
  clock.advance(50);
  await settled();
  t.equal(kv.calls.list, 2);
  clock.advance(50);
  await settled();
  t.equal(kv.calls.list, 2, 'twice as long now');
  clock.advance(5_000);
  await settled();
  clock.advance(5_000);
  await storage.whenReady();
  t.equal((await storage.list(listing())).resourceVersion, '1');
  await subject.close();
});

t.test('an update begins with the cached object and saves a read', async (t) => {
  const { storage, kv, close } = await makeCached();
  await createPods(storage, 'ns/a');
  await settled();
  const { get } = kv.calls;
  await replacePod(storage, 'ns/a', { phase: 'Running' });
  await settled();
  await deletePod(storage, 'ns/a');
  t.equal(kv.calls.get, get, 'no read before the compare-and-set');
  await close();
});

t.test('a stale guess is never the reason of a failure', async (t) => {
  const { storage, kv, close } = await makeCached();
  await createPods(storage, 'ns/a');
  await settled();
  kv.hold();
  const { resourceVersion } = await replacePod(storage, 'ns/a', { uid: 'new', phase: 'Old' });
  t.equal(
    (await storage.get('ns/a', { kind: 'any' }))?.resourceVersion,
    '2',
    'the cache is behind',
  );
  const preconditions = { uid: 'new', resourceVersion };
  const updated = await storage.guaranteedUpdate('ns/a', preconditions, (current) => {
    if (current?.object.metadata.uid !== 'new') throw new Error('Cannot accept a stale object');
    return Promise.resolve({ object: pod('ns/a', { uid: 'new', phase: 'New' }) });
  });
  t.equal(updated.resourceVersion, '4');
  // What the cache has equals this, but not what is stored: it must be written.
  const back = await replacePod(storage, 'ns/a', {});
  t.equal(back.resourceVersion, '5', 'a needless write is believed of a fresh read only');
  await storage.delete('ns/a', { uid: 'uid-ns/a', resourceVersion: '5' }, () => Promise.resolve());
  t.equal(await storage.get('ns/a', CONSISTENT), undefined);
  await close();
});
