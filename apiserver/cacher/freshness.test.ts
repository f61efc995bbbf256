/** How fresh the cache is, and what happens when it is not: K5, K7, K8, K21, K25, on its clock. */
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { storeError, type Revision } from '../../store/index';
import { isApiError } from '../machinery/status';
import {
  at,
  CONSISTENT,
  createPods,
  failureOf,
  listing,
  pathsOf,
  replacePod,
  selecting,
  settled,
  WatchReader,
} from '../storage/conformance/harness';
import type { ListRequest } from '../storage/index';
import { decideGet, decideList, type ListFacts } from './delegation';
import { ProgressRequester } from './progress-requester';
import { Readiness } from './readiness';
import { makeCached, type CachedSubject } from './testing/cached-subject';

const OTHER_KEY = utf8('/registry/configmaps/ns/c');

/** Another resource's write: the store moves on, this cache sees nothing of it. */
function writeElsewhere({ kv }: CachedSubject): Revision {
  return kv.commit([{ key: OTHER_KEY, value: utf8('{}') }]);
}

const TOO_LARGE = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'Timeout: Too large resource version: 1003, current: 3',
  reason: 'Timeout',
  details: {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  },
  code: 504,
};

t.test('T7, K8: N that does not come is a 504 after 3 s, in every form', async (t) => {
  const subject = await makeCached();
  const { storage, clock } = subject;
  await createPods(storage, 'ns/a', 'ns/b');
  const wanted = at('notOlderThan', '1003');
  const exact = at('exact', '1003');
  const forms: Readonly<Record<string, () => Promise<unknown>>> = {
    GET: () => storage.get('ns/a', wanted),
    LIST: () => storage.list(listing({ freshness: wanted })),
    'LIST Exact': () => storage.list(listing({ freshness: exact })),
    'LIST limit and N': () => storage.list(listing({ freshness: exact, limit: 1 })),
    'LIST by label': () =>
      storage.list(listing({ freshness: wanted, predicate: selecting('a=b') })),
    'WATCH with initial state': async () => {
      const start = { kind: 'initialState', freshness: wanted } as const;
      await (await WatchReader.open(storage, { start })).next();
    },
  };
  for (const [name, run] of Object.entries(forms)) {
    let isSettled = false;
    const failure = failureOf(run()).finally(() => (isSettled = true));
    await settled();
    clock.advance(2_999);
    await settled();
    t.notOk(isSettled, `${name} waits`);
    clock.advance(1);
    const error = await failure;
    if (!isApiError(error)) throw error;
    t.equal(JSON.stringify(error.status), JSON.stringify(TOO_LARGE), name);
  }
  await subject.close();
});

t.test('K8: N that comes within 3 s is answered', async (t) => {
  const subject = await makeCached();
  const { storage, kv, clock } = subject;
  kv.hold();
  await createPods(storage, 'ns/a');
  const list = storage.list(listing({ freshness: at('notOlderThan', '2') }));
  await settled();
  clock.advance(1_000);
  kv.release();
  t.same(pathsOf(await list), ['ns/a']);
  await subject.close();
});

t.test('T8: an idle resource reaches an N that others wrote', async (t) => {
  const subject = await makeCached();
  const { storage, clock } = subject;
  let revision = 0;
  for (let i = 0; i < 100; i++) revision = writeElsewhere(subject);
  const before = clock.monotonicMs();
  const list = await storage.list(listing({ freshness: at('notOlderThan', String(revision)) }));
  t.equal(list.resourceVersion, String(revision));
  t.equal(clock.monotonicMs(), before, 'no time passed');
  await subject.close();
});

t.test('K7: while N is awaited, progress is asked for every 100 ms', async (t) => {
  const subject = await makeCached();
  const { storage, kv, clock } = subject;
  const list = storage.list(listing({ freshness: at('notOlderThan', '2') }));
  await settled();
  t.equal(kv.calls.progress, 1);
  clock.advance(100);
  await settled();
  t.equal(kv.calls.progress, 2);
  writeElsewhere(subject);
  clock.advance(100);
  t.equal((await list).resourceVersion, '2');
  clock.advance(10_000);
  await settled();
  t.equal(kv.calls.progress, 3, 'and no longer than that');
  await subject.close();
});

t.test('T8: a progress of revision 0 changes nothing', async (t) => {
  const subject = await makeCached();
  const { storage, kv } = subject;
  await createPods(storage, 'ns/a');
  kv.inject({ kind: 'progress', revision: 0 as Revision });
  await settled();
  t.equal((await storage.list(listing())).resourceVersion, '2');
  t.ok(storage.isReady());
  await subject.close();
});

t.test(
  'K7: a consistent list needs one progress, no polling and no read of the range',
  async (t) => {
    const subject = await makeCached();
    const { storage, kv, clock, metrics } = subject;
    const other = await subject.another();
    await createPods(other, 'ns/a');
    writeElsewhere(subject);
    const { list: lists, count, progress } = kv.calls;
    const timers = clock.pending;
    const list = await storage.list(listing());
    t.same(pathsOf(list), ['ns/a']);
    t.equal(list.resourceVersion, '3', 'at least the linearizable revision');
    t.same(
      { list: kv.calls.list, count: kv.calls.count, progress: kv.calls.progress },
      { list: lists, count, progress: progress + 1 },
    );
    t.equal(clock.pending, timers, 'no timer is left');
    t.equal(metrics.consistentReads.value(['pods', 'true', 'false']), 1);
    await subject.close();
  },
);

t.test('K7: concurrent consistent lists share round trips', async (t) => {
  const subject = await makeCached();
  const { storage, kv } = subject;
  await createPods(storage, 'ns/a');
  const lists = await Promise.all(Array.from({ length: 50 }, () => storage.list(listing())));
  t.ok(lists.every((list) => list.resourceVersion === '2'));
  t.ok(kv.calls.progress <= 2, `${String(kv.calls.progress)} round trips`);
  await subject.close();
});

t.test('K7 (c): a cache that does not get there in 3 s lets the store answer', async (t) => {
  const subject = await makeCached();
  const { storage, kv, clock, metrics } = subject;
  kv.hold();
  await createPods(storage, 'ns/a');
  const before = kv.calls.list;
  const list = storage.list(listing());
  await settled();
  clock.advance(3_000);
  t.same(pathsOf(await list), ['ns/a']);
  t.equal(kv.calls.list, before + 1);
  t.equal(metrics.consistentReads.value(['pods', 'false', 'true']), 1);
  const labelled = storage.list(listing({ predicate: selecting('!x') }));
  await settled();
  clock.advance(3_000);
  t.same(pathsOf(await labelled), ['ns/a'], 'by label as well');
  await subject.close();
});

t.test('K7: a store that cannot answer falls back at once, and its failure shows', async (t) => {
  const subject = await makeCached();
  const { storage, kv } = subject;
  kv.failNext('progress', storeError('RAFT_NO_LEADER', 'Cannot read: no leader'));
  kv.failNext('list', storeError('RAFT_NO_LEADER', 'Cannot read: no leader'));
  const error = await failureOf(storage.list(listing()));
  t.match(error, { code: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 1 });
  await subject.close();
});

t.test('K6: a consistent watch of a cache that cannot follow fails after 3 s', async (t) => {
  const subject = await makeCached();
  const { storage, kv, clock } = subject;
  kv.hold();
  await createPods(storage, 'ns/a');
  const failure = failureOf(WatchReader.open(storage).then((watch) => watch.next()));
  await settled();
  clock.advance(3_000);
  t.match(await failure, { code: 504, retryAfterSeconds: 1 });
  await subject.close();
});

t.test('K5 "0": the cache as it is, however old, and the limit does not count', async (t) => {
  const subject = await makeCached();
  const { storage, kv } = subject;
  await createPods(storage, 'ns/a', 'ns/b', 'ns/c');
  await settled();
  kv.hold();
  await createPods(storage, 'ns/d');
  await replacePod(storage, 'ns/a', { phase: 'Running' });
  const before = { ...kv.calls };
  const any = { kind: 'any' } as const;
  const list = await storage.list(listing({ freshness: any, limit: 1 }));
  t.same(pathsOf(list), ['ns/a', 'ns/b', 'ns/c'], 'LIST limit > 0: the whole list');
  t.same([list.resourceVersion, list.continueToken], ['4', undefined]);
  t.equal((await storage.get('ns/a', any))?.resourceVersion, '2', 'GET');
  t.equal(await storage.get('ns/d', any), undefined);
  t.same(kv.calls, before, 'the store was not asked');
  t.equal(
    (await storage.get('ns/a', CONSISTENT))?.resourceVersion,
    '6',
    'GET "" goes to the store',
  );
  await subject.close();
});

t.test('K5 NotOlderThan with a limit honours the limit', async (t) => {
  const subject = await makeCached();
  const { storage } = subject;
  const resourceVersion = await createPods(storage, 'ns/a', 'ns/b', 'ns/c');
  const freshness = at('notOlderThan', resourceVersion);
  const page = await storage.list(listing({ freshness, limit: 2 }));
  t.same(pathsOf(page), ['ns/a', 'ns/b']);
  t.equal(page.remainingItemCount, 1);
  await subject.close();
});

t.test('T28: a client that moves between servers never sees the past again', async (t) => {
  let isHeld = false;
  const waiting: (() => void)[] = [];
  const faultPoint = (): Promise<void> =>
    isHeld ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
  const subject = await makeCached();
  const { storage: fast, clock } = subject;
  const slow = subject.cacher({ faultPoint });
  subject.run(slow);
  await slow.whenReady();
  await createPods(fast, 'ns/a');
  await settled();
  isHeld = true;
  const { resourceVersion } = await replacePod(fast, 'ns/a', { phase: 'Running' });
  t.equal((await fast.list(listing())).resourceVersion, resourceVersion);
  const seen = at('notOlderThan', resourceVersion);
  t.equal((await slow.get('ns/a', { kind: 'any' }))?.resourceVersion, '2', '"0" may go back (K25)');
  const get = slow.get('ns/a', seen);
  const list = slow.list(listing({ freshness: seen }));
  const consistent = slow.list(listing());
  await settled();
  clock.advance(500);
  isHeld = false;
  for (const resume of waiting) resume();
  t.equal((await get)?.resourceVersion, resourceVersion);
  t.equal((await list).resourceVersion, resourceVersion);
  t.equal((await consistent).items[0]?.resourceVersion, resourceVersion);
  t.equal((await slow.get('ns/a', CONSISTENT))?.resourceVersion, resourceVersion);
  await subject.close();
});

t.test('K21: a cache that is not ready lets the store answer what is bounded', async (t) => {
  const subject = await makeCached({ start: false });
  const { storage } = subject;
  await createPods(storage, 'ns/a', 'ns/b');
  t.notOk(storage.isReady());
  t.equal((await storage.get('ns/a', { kind: 'any' }))?.resourceVersion, '2');
  t.equal((await storage.get('ns/a', at('notOlderThan', '3')))?.resourceVersion, '2');
  t.same(pathsOf(await storage.list(listing({ limit: 1 }))), ['ns/a']);
  const point = listing({ scope: { namespace: 'ns', name: 'a' }, predicate: selecting('') });
  t.same(pathsOf(await storage.list(point)), ['ns/a']);
  const refusals: readonly Partial<ListRequest>[] = [
    {},
    { freshness: { kind: 'any' } },
    { limit: 1, predicate: selecting('a=b') },
  ];
  for (const request of refusals) {
    t.match(await failureOf(storage.list(listing(request))), {
      code: 429,
      reason: 'TooManyRequests',
      message: 'storage is (re)initializing',
      retryAfterSeconds: 1,
    });
  }
  t.match(await failureOf(WatchReader.open(storage)), { code: 429 });
  subject.run(storage);
  await storage.whenReady();
  t.same(pathsOf(await storage.list(listing())), ['ns/a', 'ns/b']);
  await subject.close();
});

t.test('K5, K21: who answers a list, row by row', (t) => {
  const facts = (more: Partial<ListFacts>): ListFacts => ({
    freshness: CONSISTENT,
    hasLimit: false,
    hasSelector: false,
    isPoint: false,
    continueRevision: undefined,
    isReady: true,
    ...more,
  });
  const any = { kind: 'any' } as const;
  const rows: readonly (readonly [string, Partial<ListFacts>, string])[] = [
    ['LIST ""', {}, 'cacheConsistent'],
    ['LIST "" by label', { hasSelector: true }, 'cacheConsistent'],
    ['LIST "" limit', { hasLimit: true }, 'cacheConsistent'],
    ['LIST "0"', { freshness: any }, 'cacheAny'],
    ['LIST "0" limit', { freshness: any, hasLimit: true }, 'cacheAny'],
    ['LIST N', { freshness: at('notOlderThan', '5') }, 'cacheNotOlderThan'],
    [
      'LIST N NotOlderThan limit',
      { freshness: at('notOlderThan', '5'), hasLimit: true },
      'cacheNotOlderThan',
    ],
    [
      'LIST N limit (legacy) and Exact',
      { freshness: at('exact', '5'), hasLimit: true },
      'cacheExact',
    ],
    ['LIST Exact of one name', { freshness: at('exact', '5'), isPoint: true }, 'store'],
    ['continue', { continueRevision: 5, hasLimit: true }, 'cacheExact'],
    ['continue at the newest', { continueRevision: -1, hasLimit: true }, 'cacheConsistent'],
    ['not ready: LIST', { isReady: false }, 'refuse'],
    ['not ready: LIST by label', { isReady: false, hasSelector: true, hasLimit: true }, 'refuse'],
    ['not ready: LIST limit', { isReady: false, hasLimit: true }, 'store'],
    ['not ready: one name', { isReady: false, isPoint: true }, 'store'],
  ];
  for (const [name, more, kind] of rows) t.equal(decideList(facts(more)).kind, kind, name);
  t.equal(decideGet(CONSISTENT, true), 'store', 'GET ""');
  t.equal(decideGet(any, true), 'cacheAny', 'GET "0"');
  t.equal(decideGet(any, false), 'store', 'GET "0", not ready');
  t.equal(decideGet(at('notOlderThan', '5'), true), 'cacheNotOlderThan', 'GET N');
  t.end();
});

t.test('progress: a caller never gets an answer that was asked for before it came', async (t) => {
  const answers: ((revision: Revision) => void)[] = [];
  const requester = new ProgressRequester(
    () => new Promise<Revision>((resolve) => answers.push(resolve)),
  );
  const first = requester.current();
  await settled();
  const second = requester.current();
  const third = requester.current();
  await settled();
  t.equal(answers.length, 1, 'one under way');
  answers[0]?.(5 as Revision);
  t.equal(await first, 5);
  await settled();
  t.equal(answers.length, 2, 'one for both who came later');
  answers[1]?.(7 as Revision);
  t.same(await Promise.all([second, third]), [7, 7]);
  const broken = new ProgressRequester(() => Promise.reject(new Error('gone')));
  t.match(await failureOf(broken.current()), { message: 'gone' });
  t.match(await failureOf(broken.current()), { message: 'gone' }, 'a failure ends nothing');
});

t.test('readiness: pending, ready, pending again, stopped', async (t) => {
  const readiness = new Readiness();
  const waited = readiness.whenReady();
  readiness.setReady();
  await waited;
  t.ok(readiness.isReady);
  readiness.setPending();
  t.notOk(readiness.isReady);
  const abort = new AbortController();
  const aborted = failureOf(readiness.whenReady(abort.signal));
  abort.abort();
  t.match(await aborted, { message: /aborted/ });
  const stopped = failureOf(readiness.whenReady());
  readiness.stop();
  t.match(await stopped, { message: /stopped/ });
  readiness.setReady();
  t.notOk(readiness.isReady, 'stopped stays stopped');
});
