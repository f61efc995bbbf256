/** GET and LIST as every `Storage` does them: each row of K5, pages and tokens (K9, K11 to K13). */
import type { Test } from 'tap';
import { utf8 } from '../../../base/bytes';
import { isApiError } from '../../machinery/status';
import { decodeContinueToken, encodeContinueToken } from '../continue-token';
import {
  at,
  CONSISTENT,
  createPods,
  failureOf,
  listing,
  pathsOf,
  pod,
  replacePod,
  selecting,
  settled,
  type SubjectFactory,
} from './harness';
import type { Storage, StoredList } from '../storage';
import type { ListRequest } from '../storage';

/** Follows continue tokens to the end. */
export async function allPages(
  storage: Storage,
  request: Partial<ListRequest>,
): Promise<StoredList[]> {
  const pages: StoredList[] = [];
  let continueToken: string | undefined;
  do {
    const page: StoredList = await storage.list(
      listing(
        continueToken === undefined
          ? request
          : { ...request, freshness: CONSISTENT, continueToken },
      ),
    );
    pages.push(page);
    ({ continueToken } = page);
  } while (continueToken !== undefined);
  return pages;
}

/** The suite of reads. */
export function conformReads(t: Test, make: SubjectFactory): void {
  conformGet(t, make);
  conformList(t, make);
  conformPages(t, make);
}

function conformGet(t: Test, make: SubjectFactory): void {
  t.test('K5 GET rv "": linearizable, also right after another server wrote', async (t) => {
    const { storage, another, close } = await make();
    const other = await another();
    await other.create('ns/a', pod('ns/a'));
    t.equal((await storage.get('ns/a', CONSISTENT))?.resourceVersion, '2');
    t.equal(await storage.get('ns/b', CONSISTENT), undefined);
    await close();
  });

  t.test('K5 GET rv "0": any version', async (t) => {
    const { storage, close } = await make();
    await storage.create('ns/a', pod('ns/a'));
    await settled();
    t.equal((await storage.get('ns/a', { kind: 'any' }))?.resourceVersion, '2');
    await close();
  });

  t.test('K5 GET rv N: at least as fresh as N', async (t) => {
    const { storage, another, close } = await make();
    const { resourceVersion } = await (await another()).create('ns/a', pod('ns/a'));
    const got = await storage.get('ns/a', at('notOlderThan', resourceVersion));
    t.equal(got?.resourceVersion, resourceVersion);
    await close();
  });

  t.test('K81: a value that is not an object is a 500 naming its key', async (t) => {
    const { storage, kv, close } = await make();
    await storage.create('ns/b', pod('ns/b'));
    kv.commit([{ key: utf8('/registry/pods/ns/a'), value: utf8('k8s\0garbage') }]);
    await settled();
    for (const read of [
      storage.get('ns/a', CONSISTENT),
      storage.list(listing()),
      storage.list(listing({ scope: { namespace: 'ns', name: undefined } })),
    ]) {
      const error = await failureOf(read);
      t.match(error, { code: 500, message: /\/registry\/pods\/ns\/a/ });
    }
    t.equal((await storage.get('ns/b', CONSISTENT))?.resourceVersion, '2', 'others are readable');
    await close();
  });
}

function conformList(t: Test, make: SubjectFactory): void {
  t.test('K5 LIST rv "": consistent, also right after another server wrote', async (t) => {
    const { storage, another, close } = await make();
    const other = await another();
    await createPods(other, 'ns/b', 'ns/a', 'default/x');
    const list = await storage.list(listing());
    t.same(pathsOf(list), ['default/x', 'ns/a', 'ns/b'], 'K9: in key order');
    t.equal(list.resourceVersion, '4', 'K1: the revision of the snapshot');
    t.equal(list.continueToken, undefined);
    t.equal(list.remainingItemCount, undefined);
    await close();
  });

  t.test('T6: the list rv is not below any item, also for empty lists', async (t) => {
    const { storage, kv, close } = await make();
    t.equal((await storage.list(listing())).resourceVersion, '1');
    kv.commit([{ key: utf8('/registry/configmaps/ns/c'), value: utf8('{}') }]);
    const list = await storage.list(listing());
    t.same(list.items, [], 'never null');
    t.equal(list.resourceVersion, '2', 'another resource moves it on');
    await close();
  });

  t.test('K5 LIST rv "0": any version', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a', 'ns/b');
    await settled();
    t.same(pathsOf(await storage.list(listing({ freshness: { kind: 'any' } }))), ['ns/a', 'ns/b']);
    await close();
  });

  t.test('K5 LIST rv N: at least as fresh as N', async (t) => {
    const { storage, another, close } = await make();
    const resourceVersion = await createPods(await another(), 'ns/a', 'ns/b');
    const list = await storage.list(listing({ freshness: at('notOlderThan', resourceVersion) }));
    t.same(pathsOf(list), ['ns/a', 'ns/b']);
    await close();
  });

  t.test('K5 LIST match=Exact: exactly N, also after later changes (K22)', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a', 'ns/b');
    await replacePod(storage, 'ns/a', { phase: 'Running' });
    await createPods(storage, 'ns/c');
    await storage.delete('ns/b', { uid: undefined, resourceVersion: undefined }, () =>
      Promise.resolve(),
    );
    const list = await storage.list(listing({ freshness: at('exact', '3') }));
    t.equal(list.resourceVersion, '3');
    t.same(
      list.items.map(({ path, resourceVersion }) => [path, resourceVersion]),
      [
        ['ns/a', '2'],
        ['ns/b', '3'],
      ],
    );
    const now = await storage.list(listing({ freshness: at('exact', '6') }));
    t.same(pathsOf(now), ['ns/a', 'ns/c']);
    await close();
  });

  t.test('K5 LIST limit > 0 and rv N: exactly N, paginated', async (t) => {
    const { storage, close } = await make();
    const resourceVersion = await createPods(storage, 'ns/a', 'ns/b', 'ns/c');
    await createPods(storage, 'ns/d');
    const freshness = at('exact', resourceVersion);
    const pages = await allPages(storage, { freshness, limit: 2 });
    t.same(pages.map(pathsOf), [['ns/a', 'ns/b'], ['ns/c']]);
    t.same(
      pages.map((page) => page.resourceVersion),
      [resourceVersion, resourceVersion],
    );
    await close();
  });

  t.test('a namespace is a range that ends at its slash (K76)', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'default/a', 'default2/b', 'default-x/c', 'e/d');
    const scope = { namespace: 'default', name: undefined };
    t.same(pathsOf(await storage.list(listing({ scope }))), ['default/a']);
    await close();
  });

  t.test('K5 LIST of one name is a point read', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'ns/a', 'ns/b', 'other/a');
    const predicate = selecting('', 'metadata.name=a');
    const scope = { namespace: 'ns', name: 'a' };
    t.same(pathsOf(await storage.list(listing({ scope, predicate, limit: 1 }))), ['ns/a']);
    const everywhere = { namespace: undefined, name: 'a' };
    const list = await storage.list(listing({ scope: everywhere, predicate }));
    t.same(pathsOf(list), ['ns/a', 'other/a'], 'across namespaces');
    const exact = listing({ scope, predicate, freshness: at('exact', '2') });
    t.same(pathsOf(await storage.list(exact)), ['ns/a']);
    await close();
  });

  t.test('K24: every kind of selector returns what its meaning says', async (t) => {
    const { storage, close } = await make();
    const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'n/a': { app: 'web', tier: 'front', n: '1' },
      'n/b': { app: 'web', tier: 'back', n: '5' },
      'n/c': { app: 'db', n: '10' },
      'm/d': { app: 'web' },
      'n/e': {},
    };
    for (const [path, set] of Object.entries(labels)) {
      const node = path === 'n/b' ? 'node-1' : 'node-2';
      await storage.create(path, pod(path, { labels: set, node, phase: 'Running' }));
    }
    const cases: readonly (readonly [string, string, readonly string[]])[] = [
      ['app=web', '', ['m/d', 'n/a', 'n/b']],
      ['app==web,tier', '', ['n/a', 'n/b']],
      ['app!=web', '', ['n/c', 'n/e']],
      ['app in (web,db),tier notin (front)', '', ['m/d', 'n/b', 'n/c']],
      ['app', '', ['m/d', 'n/a', 'n/b', 'n/c']],
      ['!app', '', ['n/e']],
      ['!tier,app', '', ['m/d', 'n/c']],
      ['n>1,n<10', '', ['n/b']],
      ['app=none', '', []],
      ['', 'spec.nodeName=node-1', ['n/b']],
      ['', 'spec.nodeName!=node-1,metadata.namespace=n', ['n/a', 'n/c', 'n/e']],
      ['app=web', 'status.phase=Running,spec.nodeName=node-2', ['m/d', 'n/a']],
      ['', 'status.phase=Failed', []],
    ];
    for (const [label, field, expected] of cases) {
      const predicate = selecting(label, field);
      t.same(pathsOf(await storage.list(listing({ predicate }))), expected, `${label} ${field}`);
      const scope = { namespace: 'n', name: undefined };
      const inN = expected.filter((path) => path.startsWith('n/'));
      t.same(pathsOf(await storage.list(listing({ predicate, scope }))), inN, `in n: ${label}`);
    }
    await close();
  });
}

function conformPages(t: Test, make: SubjectFactory): void {
  t.test('K11: pages at one revision, tokens after the last item, remaining counted', async (t) => {
    const { storage, another, close } = await make();
    await createPods(storage, 'a/1', 'a/2', 'b/1', 'b/2', 'c/1');
    const first = await storage.list(listing({ limit: 2 }));
    t.same(pathsOf(first), ['a/1', 'a/2']);
    t.equal(first.remainingItemCount, 3);
    t.same(decodeContinueToken(first.continueToken ?? ''), { revision: 6, start: 'a/2\0' });
    await createPods(storage, 'a/3', 'b/0');
    const { continueToken } = first;
    const second = await (await another()).list(listing({ limit: 2, continueToken }));
    t.same(pathsOf(second), ['b/1', 'b/2'], 'K12: another server goes on at the same state');
    t.equal(second.resourceVersion, first.resourceVersion);
    t.equal(second.remainingItemCount, 1);
    const last = await storage.list(listing({ limit: 2, continueToken: second.continueToken }));
    t.same(pathsOf(last), ['c/1']);
    t.equal(last.continueToken, undefined);
    t.equal(last.remainingItemCount, undefined);
    await close();
  });

  t.test('a page that ends at the last key has no token', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'a/1', 'a/2');
    t.equal((await storage.list(listing({ limit: 2 }))).continueToken, undefined);
    const scope = { namespace: 'a', name: undefined };
    const inNamespace = await storage.list(listing({ limit: 1, scope }));
    const start = decodeContinueToken(inNamespace.continueToken ?? '').start;
    t.equal(start, '1\0', "relative to the list's own prefix");
    await close();
  });

  t.test('T13: limit plus selector misses and doubles nothing', async (t) => {
    const { storage, close } = await make();
    for (let i = 0; i < 30; i++) {
      const path = `n/p${String(i).padStart(2, '0')}`;
      await storage.create(path, pod(path, { labels: { odd: String(i % 3 === 1) } }));
    }
    const predicate = selecting('odd=true');
    const pages = await allPages(storage, { predicate, limit: 3 });
    const whole = pathsOf(await storage.list(listing({ predicate })));
    t.equal(whole.length, 10);
    t.same(pages.flatMap(pathsOf), whole);
    t.ok(pages.every((page) => page.remainingItemCount === undefined));
    t.equal(new Set(pages.map((page) => page.resourceVersion)).size, 1, 'constant rv');
    t.ok(pages.every((page) => Array.isArray(page.items)));
    const exactFit = await storage.list(listing({ predicate, limit: 10 }));
    t.not(exactFit.continueToken, undefined, 'further keys exist, though none matches');
    const { continueToken } = exactFit;
    const tail = await storage.list(listing({ predicate, limit: 10, continueToken }));
    t.same([pathsOf(tail), tail.continueToken], [[], undefined], 'a last page may be empty');
    await close();
  });

  t.test('T12: a compacted page is 410 with a token that works, elsewhere too', async (t) => {
    const { storage, kv, another, close } = await make();
    await createPods(storage, 'a/1', 'a/2', 'a/3');
    const { continueToken } = await storage.list(listing({ limit: 1 }));
    await createPods(storage, 'a/0', 'a/4');
    await kv.compact(kv.revision);
    const fresh = await another();
    const error = await failureOf(fresh.list(listing({ limit: 1, continueToken })));
    if (!isApiError(error, 'Expired')) throw error;
    t.equal(error.code, 410);
    t.match(error.message, /^The provided continue parameter is too old to display a consistent/);
    const next = error.status.metadata.continue ?? '';
    t.same(decodeContinueToken(next), { revision: -1, start: 'a/1\0' });
    const page = await storage.list(listing({ limit: 2, continueToken: next }));
    t.same(pathsOf(page), ['a/2', 'a/3']);
    t.equal(page.resourceVersion, '6', 'the newest revision');
    const rest = await fresh.list(listing({ limit: 2, continueToken: page.continueToken }));
    t.same(pathsOf(rest), ['a/4']);
    await close();
  });

  t.test('T12: a tampered token cannot leave its prefix (K12)', async (t) => {
    const { storage, close } = await make();
    await createPods(storage, 'a/1');
    const tampered = ['../secrets/x', 'a//1', '..', 'a/../../b', '.', '/../x'].map((start) =>
      encodeContinueToken({ revision: 2, start }),
    );
    const raw = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = [
      ...tampered,
      '%%%',
      'abcde',
      raw({ v: 'v2', rv: 2, start: 'a' }),
      raw({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' }),
      raw({ v: 'meta.k8s.io/v1', rv: 2, start: '' }),
      raw([]),
    ];
    for (const continueToken of bad) {
      const error = await failureOf(storage.list(listing({ limit: 1, continueToken })));
      t.match(error, {
        code: 400,
        reason: 'BadRequest',
        message: /^invalid continue token: continue key is not valid/,
      });
    }
    await close();
  });

  t.test('K13: an exact list at a compacted revision is 410', async (t) => {
    const { storage, kv, another, close } = await make();
    await createPods(storage, 'a/1', 'a/2', 'a/3');
    await kv.compact(kv.revision);
    const fresh = await another();
    const error = await failureOf(fresh.list(listing({ freshness: at('exact', '2') })));
    t.match(error, {
      status: {
        code: 410,
        reason: 'Expired',
        message: 'The resourceVersion for the provided list is too old.',
        metadata: {},
      },
    });
    await close();
  });
}
