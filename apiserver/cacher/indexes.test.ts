/** Indexes for lists and for dispatch (K23), and watchers that are slow (K20). */
import t from 'tap';
import { SeededRandom } from '../../base/random';
import {
  createPods,
  deletePod,
  listing,
  pathsOf,
  pod,
  POD_FIELDS,
  replacePod,
  selecting,
  settled,
  WatchReader,
} from '../storage/conformance/harness';
import type { Scope } from '../storage/index';
import type { CacheEntry } from './cache-entry';
import { makeCached } from './testing/cached-subject';
import { entryOf } from './testing/entries';
import { WatchStore } from './watch-store';

const EVERYWHERE: Scope = { namespace: undefined, name: undefined };

t.test('K20: a slow watcher is cut after a grace, the others are not delayed', async (t) => {
  const limits = { watcherQueueSoft: 3, watcherQueueMax: 8, slowWatcherGraceMs: 1_000 };
  const { storage, clock, metrics, close } = await makeCached({ limits });
  const slow = await WatchReader.from(storage, '1');
  const quick = await WatchReader.from(storage, '1');
  slow.start();
  quick.start();
  await settled();
  const paths = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `ns/${name}`);
  for (const path of paths) {
    await createPods(storage, path);
    t.match((await quick.texts(1))[0], `added ${path}`);
  }
  t.equal(metrics.terminatedWatchers.value(['pods']), 0, 'within its grace');
  clock.advance(1_000);
  t.equal(metrics.terminatedWatchers.value(['pods']), 1);
  t.match((await slow.texts(7)).at(-1), 'end', 'what was queued still comes, then a clean end');
  for (const path of paths) await deletePod(storage, path);
  t.equal((await quick.texts(6)).length, 6);
  await slow.close();
  await quick.close();
  await close();
});

t.test('K20: a watcher that catches up within its grace is not cut', async (t) => {
  const limits = { watcherQueueSoft: 2, watcherQueueMax: 100, slowWatcherGraceMs: 1_000 };
  const { storage, clock, metrics, close } = await makeCached({ limits });
  const watch = await WatchReader.from(storage, '1');
  watch.start();
  await settled();
  await createPods(storage, 'ns/a', 'ns/b', 'ns/c', 'ns/d', 'ns/e');
  await settled();
  t.equal((await watch.texts(5)).length, 5);
  clock.advance(1_000);
  t.equal(metrics.terminatedWatchers.value(['pods']), 0);
  await createPods(storage, 'ns/f');
  t.same(await watch.texts(1), ['added ns/f 7']);
  await watch.close();
  await close();
});

t.test('K20: a queue is full by bytes as well as by count', async (t) => {
  // Of the test's pods four fit by bytes, and twenty would by count.
  const limits = { watcherQueueSoft: 15, watcherQueueMax: 20, watcherQueueBytesMax: 500 };
  const { storage, metrics, close } = await makeCached({ limits });
  const watch = await WatchReader.from(storage, '1');
  watch.start();
  await settled();
  for (let i = 0; i < 8; i++) await createPods(storage, `ns/p${String(i)}`);
  await settled();
  t.equal(metrics.terminatedWatchers.value(['pods']), 1);
  const texts = await watch.arrived();
  t.equal(texts.at(-1), 'end');
  t.ok(texts.length < 8, `${String(texts.length)} came`);
  await watch.close();
  await close();
});

t.test('K20: a full queue cuts at once', async (t) => {
  const limits = { watcherQueueSoft: 2, watcherQueueMax: 4 };
  const { storage, metrics, close } = await makeCached({ limits });
  const watch = await WatchReader.from(storage, '1');
  watch.start();
  await settled();
  for (let i = 0; i < 8; i++) await createPods(storage, `ns/p${String(i)}`);
  await settled();
  t.equal(metrics.terminatedWatchers.value(['pods']), 1);
  const texts = await watch.arrived();
  t.same(texts.slice(-2), ['added ns/p4 6', 'end'], 'one was taken, four were queued');
  await watch.close();
  await close();
});

t.test('K20: watchers that see a change alike get the same event and the same bytes', async (t) => {
  const { storage, close } = await makeCached();
  const everybody = await WatchReader.from(storage, '1');
  const labelled = await WatchReader.from(storage, '1', { predicate: selecting('app=web') });
  await storage.create('ns/a', pod('ns/a', { labels: { app: 'web' } }));
  t.equal(await everybody.next(), await labelled.next());
  await deletePod(storage, 'ns/a');
  t.equal(await everybody.next(), await labelled.next());
  await everybody.close();
  await labelled.close();
  await close();
});

t.test('K23: a list by label reads nothing of the store, and looks at few objects', async (t) => {
  const { storage, kv, metrics, registry, close } = await makeCached();
  for (let i = 0; i < 300; i++) {
    const path = `ns/p${String(i)}`;
    const labels = { app: i % 100 === 0 ? 'rare' : 'common' };
    await storage.create(path, pod(path, { labels, node: `node-${String(i % 50)}` }));
  }
  const calls = { list: kv.calls.list, get: kv.calls.get, count: kv.calls.count };
  const labelled = await storage.list(listing({ predicate: selecting('app=rare') }));
  t.same(pathsOf(labelled), ['ns/p0', 'ns/p100', 'ns/p200']);
  t.equal(metrics.cacheFetched.value(['pods', 'label']), 3, 'only what has the label');
  await storage.list(listing({ predicate: selecting('', 'spec.nodeName=node-7') }));
  t.equal(metrics.cacheFetched.value(['pods', 'field']), 6, 'only what is on the node');
  const both = selecting('app=common', 'spec.nodeName=node-7');
  await storage.list(listing({ predicate: both }));
  t.equal(metrics.cacheFetched.value(['pods', 'field']), 12, 'the most selective term first');
  t.same({ list: kv.calls.list, get: kv.calls.get, count: kv.calls.count }, calls);
  t.equal(metrics.storeLists.value(['pods']), 0);
  t.match(
    registry.expose(),
    /apiserver_cache_list_total\{resource="pods",index="label"\} 1\n/,
    'as /metrics shows it',
  );
  await close();
});

t.test('K23: the indexes change what a list costs, never what it returns', (t) => {
  const random = new SeededRandom('11');
  const store = new WatchStore({ isNamespaced: true, selectable: POD_FIELDS });
  const model = new Map<string, CacheEntry>();
  const pick = (prefix: string, below: number): string => `${prefix}${String(random.below(below))}`;
  for (let i = 0; i < 3_000; i++) {
    const path = `${pick('n', 4)}/${pick('p', 150)}`;
    if (random.below(4) === 0) {
      t.equal(store.delete(path), model.get(path), 'the same object goes');
      model.delete(path);
      continue;
    }
    const labels: Record<string, string> = {};
    if (random.below(3) > 0) labels['app'] = pick('a', 5);
    if (random.below(4) === 0) labels['rare'] = pick('r', 40);
    if (random.below(3) === 0) labels['n'] = String(random.below(20));
    const entry = entryOf(path, i + 2, { labels, node: pick('node', 9), phase: pick('ph', 2) });
    store.set(entry);
    model.set(path, entry);
  }
  const selectors = [
    ['app=a1', ''],
    ['app in (a1,a2),rare', ''],
    ['rare=r3', ''],
    ['rare notin (r1,r2)', ''],
    ['!app,!rare', ''],
    ['app,n>10', ''],
    ['app!=a1', 'spec.nodeName=node3'],
    ['', 'spec.nodeName=node3,status.phase!=ph1'],
    ['', 'metadata.name=p7'],
    ['app=a1', 'metadata.namespace=n2'],
    ['none', ''],
  ] as const;
  let matched = 0;
  for (const [label, field] of selectors) {
    const predicate = selecting(label, field);
    for (const scope of [EVERYWHERE, { namespace: 'n1', name: undefined }]) {
      for (const start of [undefined, 'n1/p5', 'n2/']) {
        const expected = [...model.values()]
          .filter((entry) => predicate.matchesAttributes(entry))
          .filter(
            (entry) =>
              (entry.object.object.metadata.namespace ?? '') ===
              (scope.namespace ?? entry.path.split('/')[0]),
          )
          .map(({ path }) => path)
          .filter((path) => start === undefined || path >= start)
          .sort();
        const found = store.select(scope, predicate, start).entries.map(({ path }) => path);
        t.same(
          found,
          expected,
          `${label} ${field} in ${String(scope.namespace)} from ${String(start)}`,
        );
        matched += found.length;
      }
    }
  }
  t.ok(matched > 500, `the selectors select something: ${String(matched)}`);
  t.equal(store.size, model.size);
  t.end();
});

t.test('K23: dispatch by index delivers exactly what each selection sees', async (t) => {
  const { storage, kv, close } = await makeCached();
  const selections = [
    { predicate: selecting('') },
    { predicate: selecting('app=a1') },
    { predicate: selecting('app in (a1,a2)') },
    { predicate: selecting('app!=a1') },
    { predicate: selecting('', 'spec.nodeName=node1') },
    { predicate: selecting('app=a2', 'spec.nodeName=node1') },
    { predicate: selecting(''), scope: { namespace: 'n1', name: undefined } },
    { predicate: selecting('', 'metadata.name=p1'), scope: { namespace: 'n1', name: 'p1' } },
    { predicate: selecting('', 'metadata.name=p1'), scope: { namespace: undefined, name: 'p1' } },
  ];
  const live = [];
  for (const selection of selections) live.push(await WatchReader.from(storage, '1', selection));
  for (const watch of live) watch.start();
  await settled();
  const random = new SeededRandom('3');
  for (let i = 0; i < 200; i++) {
    const path = `n${String(random.below(2))}/p${String(random.below(4))}`;
    const labels = { app: `a${String(random.below(3))}` };
    if (random.below(4) === 0) await deletePod(storage, path).catch(() => undefined);
    else await replacePod(storage, path, { labels, node: `node${String(random.below(3))}` });
  }
  await settled();
  for (const [i, selection] of selections.entries()) {
    // From history each watcher tests every change itself: no index is involved.
    const replay = await WatchReader.from(storage, '1', selection);
    const expected = await replay.arrived();
    t.same(await live[i]?.arrived(), expected);
    t.ok(expected.length > 0, `selection ${String(i)} saw ${String(expected.length)} events`);
    await replay.close();
    await live[i]?.close();
  }
  t.ok(kv.revision > 100);
  await close();
});
