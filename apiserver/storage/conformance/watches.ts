/** WATCH as every `Storage` does it: each row of K6, and what streams promise (K15 to K19). */
import type { Test } from 'tap';
import { utf8 } from '../../../base/bytes';
import {
  CONSISTENT,
  createPods,
  deletePod,
  eventText,
  failureOf,
  listing,
  pathsOf,
  pod,
  replacePod,
  selecting,
  settled,
  WatchReader,
  type SubjectFactory,
} from './harness';

const BOOKMARKS = { bookmarks: true, initialEventsEnd: true };

/** The suite of watches. */
export function conformWatches(t: Test, make: SubjectFactory): void {
  conformStarts(t, make);
  conformEvents(t, make);
}

function conformStarts(t: Test, make: SubjectFactory): void {
  t.test('K6 WATCH rv "": the consistent state as ADDED, then changes (T25)', async (t) => {
    const { storage, another, close } = await make();
    const other = await another();
    await createPods(other, 'ns/b', 'ns/a');
    const watch = await WatchReader.open(storage);
    t.same(await watch.texts(2), ['added ns/a 3', 'added ns/b 2'], 'K16: key order, own rv');
    await replacePod(other, 'ns/a', { phase: 'Running' });
    t.same(await watch.texts(1), ['modified ns/a 4']);
    await watch.close();
    await close();
  });

  t.test('K6 WATCH rv "0": any state, then changes', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    await settled();
    const start = { kind: 'initialState', freshness: { kind: 'any' } } as const;
    const watch = await WatchReader.open(storage, { start });
    t.same(await watch.texts(1), ['added ns/a 2']);
    await createPods(storage, 'ns/b');
    t.same(await watch.texts(1), ['added ns/b 3']);
    await watch.close();
    await close();
  });

  t.test('K6 WATCH rv N: exactly the changes after N', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a', 'ns/b');
    const watch = await WatchReader.from(storage, '2');
    t.same(await watch.texts(1), ['added ns/b 3'], 'N itself was seen by the client');
    await deletePod(storage, 'ns/a');
    t.same(await watch.texts(1), ['deleted ns/a 4']);
    await watch.close();
    await close();
  });

  t.test('K6 sendInitialEvents=true rv "": state, annotated bookmark, changes', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.open(storage, BOOKMARKS);
    t.same(await watch.texts(2), ['added ns/a 2', 'bookmark 2 end']);
    await createPods(storage, 'ns/b');
    t.same(await watch.texts(1), ['added ns/b 3']);
    await watch.close();
    await close();
  });

  t.test('K6 sendInitialEvents=true rv "0": any state, bookmark', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    await settled();
    const start = { kind: 'initialState', freshness: { kind: 'any' } } as const;
    const watch = await WatchReader.open(storage, { ...BOOKMARKS, start });
    t.same(await watch.texts(2), ['added ns/a 2', 'bookmark 2 end']);
    await watch.close();
    await close();
  });

  t.test('K6 sendInitialEvents=true rv N: state at least N, bookmark', async (t) => {
    const { storage, another, close } = await make();
    const resourceVersion = await createPods(await another(), 'ns/a', 'ns/b');
    const freshness = { kind: 'notOlderThan', resourceVersion } as const;
    const start = { kind: 'initialState', freshness } as const;
    const watch = await WatchReader.open(storage, { ...BOOKMARKS, start });
    t.same(await watch.texts(3), ['added ns/a 2', 'added ns/b 3', 'bookmark 3 end']);
    await watch.close();
    await close();
  });

  t.test('K6 sendInitialEvents=false rv "": changes after now, no state', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    const start = { kind: 'now', freshness: CONSISTENT } as const;
    const watch = await WatchReader.open(storage, { start, bookmarks: true });
    t.same(await watch.arrived(), []);
    await createPods(storage, 'ns/b');
    t.same(await watch.texts(1), ['added ns/b 3']);
    await watch.close();
    await close();
  });

  t.test('K6 sendInitialEvents=false rv "0": changes after what is known', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    await settled();
    const start = { kind: 'now', freshness: { kind: 'any' } } as const;
    const watch = await WatchReader.open(storage, { start });
    t.same(await watch.arrived(), []);
    await createPods(storage, 'ns/b');
    t.same(await watch.texts(1), ['added ns/b 3']);
    await watch.close();
    await close();
  });

  t.test('T1: an empty collection gets one annotated bookmark at once (K15)', async (t) => {
    const { storage, kv, close } = await make();
    kv.commit([{ key: utf8('/registry/configmaps/ns/c'), value: utf8('{}') }]);
    const watch = await WatchReader.open(storage, BOOKMARKS);
    t.same(await watch.arrived(), ['bookmark 2 end'], 'its rv is the linearizable revision');
    await watch.close();
    await close();
  });

  t.test('K15: without allowWatchBookmarks there is no bookmark', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.open(storage);
    t.same(await watch.arrived(), ['added ns/a 2']);
    await watch.close();
    await close();
  });

  t.test('T29: a watch at a future rv is silent, then delivers what follows it', async (t) => {
    const { storage, clock, close } = await make();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.from(storage, '4', { bookmarks: true });
    t.same(await watch.arrived(), []);
    await createPods(storage, 'ns/b');
    clock.advance(60_000);
    t.same(await watch.arrived(), [], 'no bookmark from before N either');
    await createPods(storage, 'ns/c', 'ns/d');
    t.same(await watch.texts(1), ['added ns/d 5']);
    await watch.close();
    await close();
  });

  t.test('a client that goes away ends its stream', async (t) => {
    const { storage, close } = await make();
    const watch = await WatchReader.open(storage, BOOKMARKS);
    t.same(await watch.texts(1), ['bookmark 1 end']);
    watch.start();
    await watch.close();
    t.same(await watch.texts(1), ['end']);
    await close();
  });
}

function conformEvents(t: Test, make: SubjectFactory): void {
  t.test('K17, T5: enter, stay, leave and re-enter a selection', async (t) => {
    const { storage, close } = await make();
    const predicate = selecting('app=web');
    const watch = await WatchReader.open(storage, { predicate });
    watch.start();
    await settled();
    await storage.create('ns/a', pod('ns/a', { labels: { app: 'db' } }));
    await replacePod(storage, 'ns/a', { labels: { app: 'web' } });
    await replacePod(storage, 'ns/a', { labels: { app: 'web' }, phase: 'Running' });
    await replacePod(storage, 'ns/a', { labels: {} });
    await replacePod(storage, 'ns/a', { labels: { app: 'web' } });
    await deletePod(storage, 'ns/a');
    const events = [];
    for (let i = 0; i < 5; i++) events.push(await watch.next());
    t.same(
      events.map((event) => event && eventText(event)),
      ['added ns/a 3', 'modified ns/a 4', 'deleted ns/a 5', 'added ns/a 6', 'deleted ns/a 7'],
    );
    const left = events[2];
    t.equal(left?.kind, 'deleted');
    if (left?.kind === 'deleted') {
      t.match(left.object.object, {
        metadata: { labels: { app: 'web' }, resourceVersion: '5' },
        status: { phase: 'Running' },
      });
    }
    await watch.close();
    await close();
  });

  t.test('K17: a field selector and a namespace select in the same way', async (t) => {
    const { storage, close } = await make();
    const predicate = selecting('', 'spec.nodeName=n1');
    const scope = { namespace: 'ns', name: undefined };
    const watch = await WatchReader.open(storage, { predicate, scope });
    watch.start();
    await settled();
    await storage.create('other/a', pod('other/a', { node: 'n1' }));
    await storage.create('ns/a', pod('ns/a', { node: 'n2' }));
    await replacePod(storage, 'ns/a', { node: 'n1' });
    await replacePod(storage, 'ns/a', { node: 'n3' });
    t.same(await watch.texts(2), ['added ns/a 4', 'deleted ns/a 5']);
    await watch.close();
    await close();
  });

  t.test('a watch of one name sees that object alone', async (t) => {
    const { storage, close } = await make();
    const predicate = selecting('', 'metadata.name=a');
    const scope = { namespace: 'ns', name: 'a' };
    const watch = await WatchReader.open(storage, { predicate, scope, ...BOOKMARKS });
    t.same(await watch.texts(1), ['bookmark 1 end']);
    await createPods(storage, 'ns/b', 'ns/a', 'other/a');
    await deletePod(storage, 'ns/a');
    t.same(await watch.texts(2), ['added ns/a 3', 'deleted ns/a 5']);
    await watch.close();
    await close();
  });

  t.test("T3, T4: DELETED has the last state and the deletion's revision", async (t) => {
    const { storage, clock, kv, close } = await make();
    await storage.create('ns/a', pod('ns/a', { phase: 'Running' }));
    await storage.create('ns/e', pod('ns/e', { phase: 'Old' }), { ttlSeconds: 60 });
    const watch = await WatchReader.from(storage, '3');
    watch.start();
    await settled();
    const { resourceVersion } = await deletePod(storage, 'ns/a');
    const deleted = await watch.next();
    t.equal(deleted?.kind, 'deleted');
    if (deleted?.kind !== 'deleted') return;
    t.equal(deleted.object.resourceVersion, resourceVersion);
    t.match(deleted.object.object, {
      kind: 'Pod',
      status: { phase: 'Running' },
      metadata: { resourceVersion: '4' },
    });
    const again = await WatchReader.from(storage, deleted.object.resourceVersion);
    t.same(await again.arrived(), [], 'a re-watch from it brings nothing old');
    clock.advance(70_000);
    const expired = await watch.next();
    t.equal(expired?.kind === 'deleted' && expired.object.path, 'ns/e', 'K80: by lease expiry');
    if (expired?.kind === 'deleted') {
      t.match(expired.object.object, { status: { phase: 'Old' } }, 'never null');
      t.equal(expired.object.resourceVersion, String(kv.revision));
    }
    t.same(await again.texts(1), ['deleted ns/e 5']);
    await watch.close();
    await again.close();
    await close();
  });

  t.test('K19: all keys of one revision come together, in order, to everybody', async (t) => {
    const { storage, kv, clock, close } = await make();
    const value = (name: string): Uint8Array =>
      utf8(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${name}","namespace":"ns"}}`);
    const watches = [
      await WatchReader.open(storage, BOOKMARKS),
      await WatchReader.open(storage, BOOKMARKS),
    ];
    for (const watch of watches) t.same(await watch.texts(1), ['bookmark 1 end']);
    kv.commit(
      ['b', 'a', 'c'].map((name) => ({
        key: utf8(`/registry/pods/ns/${name}`),
        value: value(name),
      })),
    );
    for (const watch of watches) {
      watch.start();
      await settled();
      t.same(await watch.texts(3), ['added ns/a 2', 'added ns/b 2', 'added ns/c 2']);
    }
    for (const watch of watches) watch.start();
    clock.advance(60_000);
    for (const watch of watches) t.same(await watch.arrived(), ['bookmark 2']);
    for (const watch of watches) await watch.close();
    await close();
  });

  t.test('T10: a watch from a bookmark yields exactly the next event', async (t) => {
    const { storage, kv, clock, close } = await make();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.from(storage, '2', { bookmarks: true });
    watch.start();
    await settled();
    kv.commit([{ key: utf8('/registry/configmaps/ns/c'), value: utf8('{}') }]);
    clock.advance(60_000);
    t.same(await watch.texts(1), ['bookmark 3'], 'an idle resource moves on too');
    await createPods(storage, 'ns/b', 'ns/c');
    t.same(await watch.texts(2), ['added ns/b 4', 'added ns/c 5']);
    const again = await WatchReader.from(storage, '3');
    t.same(await again.texts(2), ['added ns/b 4', 'added ns/c 5']);
    await watch.close();
    await again.close();
    await close();
  });

  t.test('K15: a last bookmark comes 2 s before the end of the watch', async (t) => {
    const { storage, clock, close } = await make();
    const watch = await WatchReader.from(storage, '1', { bookmarks: true, timeoutMs: 10_000 });
    watch.start();
    await settled();
    clock.advance(7_999);
    t.same(await watch.arrived(), []);
    clock.advance(1);
    t.same(await watch.arrived(), ['bookmark 1']);
    await watch.close();
    await close();
  });

  t.test('T11: a write that changes nothing makes no event', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a');
    const watch = await WatchReader.from(storage, '2');
    await replacePod(storage, 'ns/a', {});
    t.same(await watch.arrived(), []);
    await watch.close();
    await close();
  });

  t.test('T6: LIST then WATCH under writers loses and repeats nothing', async (t) => {
    const { storage, another, close } = await make();
    const other = await another();
    const write = async (worker: number): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const path = `ns/w${String(worker)}-${String(i % 8)}`;
        if (i % 8 === 7) await deletePod(other, `ns/w${String(worker)}-0`).catch(() => undefined);
        await replacePod(other, path, { phase: `p${String(i)}` });
      }
    };
    const writing = Promise.all([write(1), write(2), write(3)]);
    await settled();
    const list = await storage.list(listing());
    const state = new Map(list.items.map((item) => [item.path, item.resourceVersion]));
    const watch = await WatchReader.from(storage, list.resourceVersion);
    watch.start();
    await writing;
    let last = Number(list.resourceVersion);
    for (const text of await watch.arrived()) {
      const [kind, path = '', revision = ''] = text.split(' ');
      t.ok(Number(revision) > last, 'in order, once');
      last = Number(revision);
      if (kind === 'deleted') state.delete(path);
      else state.set(path, revision);
    }
    const end = await other.list(listing());
    t.same(
      [...state].sort(),
      end.items.map(({ path, resourceVersion }) => [path, resourceVersion]).sort(),
    );
    t.same(pathsOf(await storage.list(listing())), pathsOf(end));
    await watch.close();
    await close();
  });

  t.test('T9: a watch from a compacted revision fails once, with 410', async (t) => {
    const { storage, kv, another, close } = await make();
    await createPods(storage, 'ns/a', 'ns/b', 'ns/c');
    await kv.compact(kv.revision);
    const watch = await WatchReader.from(await another(), '2');
    const error = await failureOf(watch.next());
    t.match(error, { status: { code: 410, reason: 'Expired', message: /too old/ } });
    t.equal(await watch.next(), undefined, 'then a clean end');
    await close();
  });
}
