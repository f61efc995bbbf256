/** Reads through `handle`, by rule: lists, pages, tables, watches, paths. */
import t from 'tap';
import { startTestApi, type TestAnswer, type TestBody } from './testing/test-api';

const CM = '/api/v1/namespaces/default/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const configMap = (
  name: string,
  more: { metadata?: TestBody; data?: TestBody } = {},
): TestBody => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, ...more.metadata },
  data: more.data ?? { a: 'b' },
});

t.test('lists: shape, selectors, pages, tables, metadata alone (K9, K11, K36, K37)', async (t) => {
  const api = await startTestApi(t);
  t.same((await api.get(CM)).json.items, [], 'never null');
  for (const name of ['c', 'a', 'b']) {
    await api.post(
      CM,
      configMap(name, { metadata: { labels: { odd: name === 'b' ? 'no' : 'yes' } } }),
    );
  }
  const all = await api.get(CM);
  t.match(all.json, {
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: /^\d+$/ },
  });
  const names = (answer: TestAnswer): string =>
    answer.json.items.map((item) => item.metadata.name).join();
  t.equal(names(all), 'a,b,c');
  t.notOk(
    'kind' in (all.json.items[0] ?? {}),
    'items of built-in types leave out kind and apiVersion',
  );
  t.equal(names(await api.get(`${CM}?labelSelector=odd%3Dyes`)), 'a,c');
  t.equal(names(await api.get(`${CM}?fieldSelector=metadata.name%3Db`)), 'b');
  t.match((await api.get(`${CM}?fieldSelector=data.a%3Db`)).json, {
    code: 400,
    message: 'field label not supported: data.a',
  });
  const page = await api.get(`${CM}?limit=2`);
  t.equal(names(page), 'a,b');
  t.equal(page.json.metadata.remainingItemCount, 1);
  t.equal(names(await api.get(`${CM}?limit=2&continue=${page.json.metadata.continue}`)), 'c');
  const table = await api.get(CM, { accept: TABLE });
  t.match(table.json, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } }, {}, {}],
  });
  t.equal(table.json.columnDefinitions[0]?.name, 'Name');
  const bare = await api.get(`${CM}?includeObject=None`, { accept: TABLE });
  t.equal(bare.json.rows[0]?.object, null);
  const partial = await api.get(CM, {
    accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  });
  t.match(partial.json, {
    kind: 'PartialObjectMetadataList',
    items: [{ kind: 'PartialObjectMetadata' }, {}, {}],
  });
  t.notOk('data' in (partial.json.items[0] ?? {}));
  t.match((await api.get(CM, { accept: 'text/html' })).json, {
    code: 406,
    reason: 'NotAcceptable',
  });
  t.match(
    (await api.get(`${CM}/a`, { accept: 'application/yaml' })).text,
    /^kind: ConfigMap\napiVersion: v1\n/m,
  );
  t.match((await api.get(`${CM}/a?pretty=true`)).text, /^\{\n {2}"kind": "ConfigMap",\n/);
});

t.test('a long list is written in pieces and says the same (K38)', async (t) => {
  const api = await startTestApi(t);
  for (let i = 0; i < 30; i++)
    await api.post(CM, configMap(`n${i + 10}`, { data: { k: 'x'.repeat(9_000) } }));
  const { body } = await api.send('GET', CM);
  if (body instanceof Uint8Array) throw new Error('the list is not a stream');
  const pieces: number[] = [];
  for await (const chunk of body) pieces.push(chunk.length);
  t.ok(pieces.length > 2, `pieces of ${pieces.join()}`);
  t.equal((await api.get(CM)).json.items.length, 30);
});

t.test('a list by label reads no range of the store; the counter shows it (K23)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a', { metadata: { labels: { x: 'y' } } }));
  const counter = /etcd_request_duration_seconds_count\{operation="list",type="configmaps"\} (\d+)/;
  const reads = async (): Promise<string | undefined> =>
    counter.exec((await api.get('/metrics')).text)?.[1];
  const before = await reads();
  const calls = api.kv.calls.list;
  t.equal((await api.get(`${CM}?labelSelector=x%3Dy`)).json.items.length, 1);
  t.equal(await reads(), before);
  t.equal(api.kv.calls.list, calls);
});

t.test(
  'a watch tells changes in frames of one line and ends cleanly (K6, K17, K33, K34)',
  async (t) => {
    const api = await startTestApi(t);
    const { json: first } = await api.post(
      CM,
      configMap('a', { metadata: { labels: { x: '1' } } }),
    );
    const { answer, next, ended } = await api.watch(
      `${CM}?watch=1&labelSelector=x%3D1&resourceVersion=${first.metadata.resourceVersion}&timeoutSeconds=30`,
    );
    t.equal(answer.status, 200);
    t.equal(answer.headers['content-type'], 'application/json');
    await api.patch(`${CM}/a`, 'merge', { data: { a: 'c' } });
    await api.patch(`${CM}/a`, 'merge', { metadata: { labels: { x: '2' } } });
    const modified = await next();
    t.match(modified, {
      type: 'MODIFIED',
      object: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'c' } },
    });
    const left = await next();
    t.match(
      left,
      { type: 'DELETED', object: { metadata: { labels: { x: '1' } } } },
      'it left the selection',
    );
    t.not(left.object.metadata.resourceVersion, modified.object.metadata.resourceVersion);
    const end = ended();
    api.clock.advance(30_000);
    t.ok(await end);
  },
);

t.test(
  'initial events end with the annotated bookmark, also when there are none (K15, T1)',
  async (t) => {
    const api = await startTestApi(t);
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const { next, close } = await api.watch(`${CM}?${query}`);
    t.match(await next(), {
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          annotations: { 'k8s.io/initial-events-end': 'true' },
          resourceVersion: /^\d+$/,
        },
      },
    });
    await close();
    t.match((await api.get(`${CM}?watch=1&sendInitialEvents=true`)).json, {
      code: 422,
      message: /^ListOptions\.meta\.k8s\.io "" is invalid: /,
    });
  },
);

t.test('a watch as Table: columns come with the first event only (K36)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a'));
  await api.post(CM, configMap('b'));
  const { next, close } = await api.watch(`${CM}?watch=1&resourceVersion=0`, {
    headers: { accept: TABLE },
  });
  const first = await next();
  const second = await next();
  t.match(first, {
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ object: { metadata: { name: 'a' } } }] },
  });
  t.ok(first.object.columnDefinitions.length > 0);
  t.equal(second.object.columnDefinitions.length, 0);
  await close();
});

t.test(
  'a watch from a forgotten revision is one ERROR event and a clean end (K10, K14)',
  async (t) => {
    const first = await startTestApi(t);
    await first.post(CM, configMap('a'));
    await first.post(CM, configMap('b'));
    // A server that comes later has no history of what was before it.
    const api = await startTestApi(t, { kv: first.kv });
    const { answer, next, ended } = await api.watch(`${CM}?watch=1&resourceVersion=2`);
    t.equal(answer.status, 200);
    t.match(await next(), {
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    t.ok(await ended());
  },
);

t.test('a client that goes away ends its watch, and nothing is left of it (K41)', async (t) => {
  const api = await startTestApi(t);
  const client = new AbortController();
  const timers = api.clock.pending;
  const { ended } = await api.watch(`${CM}?watch=1`, { signal: client.signal });
  const end = ended();
  client.abort();
  t.ok(await end);
  t.equal(api.clock.pending, timers);
});

t.test('names with colons and percent-encoding, HEAD, trailing slash (K26, T24)', async (t) => {
  const api = await startTestApi(t);
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
  t.equal((await api.post(roles, { metadata: { name: 'system:coredns' }, rules: [] })).status, 201);
  for (const name of ['system:coredns', 'system%3Acoredns', 'system:coredns/']) {
    t.equal((await api.get(`${roles}/${name}`)).json.metadata.name, 'system:coredns', name);
  }
  t.equal((await api.call('HEAD', `${roles}/system:coredns`)).status, 200);
  for (const name of ['..', 'a%2Fb', 'a%25b']) {
    t.equal((await api.get(`${CM}/${name}`)).status, 400, name);
  }
});

t.test('unknown things and wrong methods (K28)', async (t) => {
  const api = await startTestApi(t);
  for (const url of ['/nothing', '/apis/no.group/v1/things', '/api/v9/pods']) {
    const { status, text, headers } = await api.get(url);
    t.equal(status, 404, url);
    t.equal(text, '404 page not found\n');
    t.match(headers['content-type'], 'text/plain');
  }
  t.match((await api.get('/api/v1/things')).json, {
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
  t.match((await api.post('/api/v1/configmaps', configMap('a'))).json, {
    code: 405,
    reason: 'MethodNotAllowed',
  });
  t.match((await api.put(CM, configMap('a'))).json, { code: 405 });
  t.match(
    (await api.post(`${CM}/a`, configMap('a'))).json,
    { code: 405 },
    'POST is for collections',
  );
  const pod = '/api/v1/namespaces/default/pods/p';
  for (const view of ['log', 'exec', 'attach', 'portforward']) {
    t.match((await api.get(`${pod}/${view}`)).json, { code: 501, message: /no kubelet/ }, view);
  }
  t.match((await api.post('/apis/authentication.k8s.io/v1/tokenreviews', {})).json, { code: 501 });
});
