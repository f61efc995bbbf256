/** The generic verbs through `handle`, by rule: create, get, list, watch, update, patch, tables. */
import t from 'tap';
import { startTestApi, type TestDocument } from './testing/test-api';

const CM = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const configMap = (name: string, more: TestDocument = {}): TestDocument => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, ...more.metadata },
  data: more.data ?? { a: 'b' },
});

const deployment = (name: string): TestDocument => ({
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  metadata: { name },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    },
  },
});

t.test('create sets what the server owns and drops what the client claims (K42)', async (t) => {
  const api = await startTestApi(t);
  const metadata = {
    name: 'a',
    uid: 'mine',
    creationTimestamp: null,
    deletionTimestamp: '2020-01-01T00:00:00Z',
    generation: 9,
    managedFields: [{}],
  };
  const { status, json } = await api.post(CM, { ...configMap('a'), metadata });
  t.equal(status, 201);
  t.match(json.metadata, { name: 'a', namespace: 'default', resourceVersion: /^\d+$/ });
  t.match(json.metadata.uid, /^[0-9a-f-]{36}$/);
  t.match(json.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  t.same(
    Object.keys(json.metadata).sort(),
    ['creationTimestamp', 'name', 'namespace', 'resourceVersion', 'uid'],
    'no generation (K45), no managedFields (K56), no deletionTimestamp',
  );
  t.equal((await api.post(DEPLOYMENTS, deployment('d'))).json.metadata.generation, 1);
  t.same((await api.get(`${CM}/a`)).json, json, 'a read returns what the write returned');
});

t.test('create refuses in the words of Kubernetes (K39, K42)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a'));
  const cases: readonly [string, string, TestDocument, TestDocument][] = [
    [
      'again',
      CM,
      configMap('a'),
      {
        code: 409,
        reason: 'AlreadyExists',
        message: 'configmaps "a" already exists',
        details: { name: 'a', kind: 'configmaps' },
      },
    ],
    [
      'with resourceVersion',
      CM,
      configMap('b', { metadata: { resourceVersion: '1' } }),
      { code: 500, message: 'resourceVersion should not be set on objects to be created' },
    ],
    [
      'other namespace',
      CM,
      configMap('b', { metadata: { namespace: 'x' } }),
      {
        code: 400,
        message:
          'the namespace of the provided object does not match the namespace sent on the request',
      },
    ],
    [
      'no name',
      CM,
      { data: {} },
      {
        code: 422,
        reason: 'Invalid',
        message:
          'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
        details: { kind: 'ConfigMap' },
      },
    ],
    [
      'absent namespace',
      '/api/v1/namespaces/nope/configmaps',
      configMap('b'),
      { code: 404, message: 'namespaces "nope" not found' },
    ],
    [
      'other kind',
      CM,
      { ...configMap('b'), kind: 'Secret' },
      {
        code: 400,
        message:
          'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (v1.ConfigMap): unknown conversion',
      },
    ],
    [
      'other version',
      CM,
      { ...configMap('b'), apiVersion: 'v2' },
      {
        code: 400,
        message: 'the API version in the data (v2) does not match the expected API version (v1)',
      },
    ],
  ];
  for (const [name, url, body, expected] of cases) {
    const { status, json } = await api.post(url, body);
    t.equal(status, expected.code, name);
    t.match(json, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      ...expected,
    });
  }
  const withVersion = await api.post(CM, configMap('b', { metadata: { resourceVersion: '1' } }));
  t.notOk('reason' in withVersion.json, 'K42: that 500 has no reason');
});

t.test(
  'generateName draws a name, also in a dry run without a resourceVersion (K42, K51)',
  async (t) => {
    const api = await startTestApi(t);
    const generated = { ...configMap(''), metadata: { generateName: 'web-' } };
    const { json } = await api.post(CM, generated);
    t.match(json.metadata, { name: /^web-[a-z0-9]{5}$/, generateName: 'web-' });
    const dry = await api.post(`${CM}?dryRun=All`, generated);
    t.equal(dry.status, 201);
    t.match(dry.json.metadata, { name: /^web-/, uid: /./ });
    t.notOk('resourceVersion' in dry.json.metadata);
    t.equal((await api.get(CM)).json.items.length, 1);
    const wrong = await api.post(`${CM}?dryRun=yes`, generated);
    t.match(wrong.json, {
      code: 422,
      message: /dryRun: Unsupported value: \["yes"\]: supported values: "All"/,
    });
  },
);

t.test('bad bodies are named, never a stack (K30, K50)', async (t) => {
  const api = await startTestApi(t);
  const send = (body: string, type = 'application/json'): Promise<TestDocument> =>
    api.call('POST', CM, { body, headers: { 'content-type': type } });
  t.match((await send('{"a')).json, {
    code: 400,
    message:
      /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .* \(\{"a\)$/,
  });
  t.match((await send('')).json.message, /\(<empty>\)$/);
  t.match((await send('[]')).json, { code: 400 });
  t.match((await send('x', 'text/plain')).json, {
    code: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  });
  t.match((await send('k8s\0', 'application/vnd.kubernetes.protobuf')).json, {
    code: 415,
    message: /does not read application\/vnd\.kubernetes\.protobuf bodies yet/,
  });
  const yaml = await send(
    'kind: ConfigMap\nmetadata:\n  name: yam\ndata: {k: v}\n',
    'application/yaml',
  );
  t.equal(yaml.status, 201, 'YAML bodies are read');
});

t.test('unknown and duplicate fields warn, or fail when Strict (K50, T27)', async (t) => {
  const api = await startTestApi(t);
  const body = '{"metadata":{"name":"a"},"zz":1,"data":{"a":"1"},"data":{"a":"2"}}';
  const send = (query: string): Promise<TestDocument> =>
    api.call('POST', `${CM}?${query}`, { body, headers: { 'content-type': 'application/json' } });
  const strict = await send('fieldValidation=Strict');
  t.match(strict.json, {
    code: 400,
    message:
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data", unknown field "zz"',
  });
  t.match((await send('fieldValidation=No')).json, {
    code: 422,
    message: /fieldValidation: Unsupported value: "No"/,
  });
  const warned = await send('');
  t.equal(warned.status, 201);
  t.same(warned.headers.warning, [
    '299 - "duplicate field \\"data\\""',
    '299 - "unknown field \\"zz\\""',
  ]);
  t.same(warned.json.data, { a: '2' });
  t.notOk('zz' in warned.json);
  await api.delete(`${CM}/a`);
  t.notOk((await send('fieldValidation=Ignore')).headers.warning);
});

t.test('update replaces, with the stored identity (K43)', async (t) => {
  const api = await startTestApi(t);
  const { json: first } = await api.post(CM, configMap('a'));
  const second = await api.put(`${CM}/a`, configMap('a', { data: { a: 'c' } }));
  t.equal(second.status, 200, 'without a resourceVersion the last write wins');
  t.match(second.json, {
    data: { a: 'c' },
    metadata: { uid: first.metadata.uid, creationTimestamp: first.metadata.creationTimestamp },
  });
  const cases: readonly [string, TestDocument, TestDocument][] = [
    [
      'stale',
      first,
      {
        code: 409,
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
        details: { name: 'a', kind: 'configmaps' },
      },
    ],
    [
      'other uid',
      configMap('a', { metadata: { uid: 'x' } }),
      { code: 409, message: /Precondition failed: UID in precondition: x, UID in object meta: / },
    ],
    [
      'other name',
      configMap('b'),
      { code: 400, message: 'the name of the object (b) does not match the name on the URL (a)' },
    ],
    [
      'other namespace',
      configMap('a', { metadata: { namespace: 'x' } }),
      {
        code: 400,
        message:
          'the namespace of the object (x) does not match the namespace on the request (default)',
      },
    ],
    [
      'other creation',
      configMap('a', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } }),
      {
        code: 422,
        message:
          /metadata\.creationTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable/,
      },
    ],
  ];
  for (const [name, body, expected] of cases)
    t.match((await api.put(`${CM}/a`, body)).json, expected, name);
  t.match((await api.put(`${CM}/zz`, configMap('zz'))).json, {
    code: 404,
    message: 'configmaps "zz" not found',
  });
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const lease = { metadata: { name: 'l' }, spec: { holderIdentity: 'x' } };
  t.equal((await api.put(`${leases}/l`, lease)).status, 201, 'leases are created by PUT');
  t.match((await api.put(`${leases}/l`, lease)).json, {
    code: 422,
    message:
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    details: { kind: 'leases' },
  });
});

t.test('identical content is not written: same resourceVersion, no event (K44, T11)', async (t) => {
  const api = await startTestApi(t);
  const { json } = await api.post(DEPLOYMENTS, deployment('d'));
  const { revision } = api.kv;
  t.equal(
    (await api.put(`${DEPLOYMENTS}/d`, deployment('d'))).json.metadata.resourceVersion,
    json.metadata.resourceVersion,
  );
  t.equal((await api.put(`${DEPLOYMENTS}/d`, json)).status, 200);
  t.equal((await api.patch(`${DEPLOYMENTS}/d`, 'merge', { spec: { replicas: 1 } })).status, 200);
  t.equal((await api.put(`${DEPLOYMENTS}/d/status`, json)).status, 200);
  t.equal(api.kv.revision, revision);
});

t.test(
  'status and spec are written apart, and status leaves generation (K45, K46, T17)',
  async (t) => {
    const api = await startTestApi(t);
    await api.post(DEPLOYMENTS, { ...deployment('d'), status: { replicas: 9 } });
    const { json } = await api.get(`${DEPLOYMENTS}/d`);
    t.not(json.status?.replicas, 9, 'a new object has no status of the client');
    const both = { ...json, spec: { ...json.spec, replicas: 5 }, status: { replicas: 3 } };
    const status = await api.put(`${DEPLOYMENTS}/d/status`, both);
    t.match(status.json, {
      spec: { replicas: 1 },
      status: { replicas: 3 },
      metadata: { generation: 1 },
    });
    const spec = await api.put(`${DEPLOYMENTS}/d`, {
      ...both,
      status: { replicas: 7 },
      metadata: { name: 'd' },
    });
    t.match(spec.json, {
      spec: { replicas: 5 },
      status: { replicas: 3 },
      metadata: { generation: 2 },
    });
    const patched = await api.patch(`${DEPLOYMENTS}/d/status`, 'merge', {
      status: { replicas: 4 },
      spec: { replicas: 1 },
    });
    t.match(patched.json, {
      spec: { replicas: 5 },
      status: { replicas: 4 },
      metadata: { generation: 2 },
    });
  },
);

t.test('patches: merge, JSON, their faults, and what is refused (K52, K56)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a'));
  const merged = await api.patch(`${CM}/a`, 'merge', {
    data: { a: null, n: '1' },
    metadata: { labels: { x: 'y' } },
  });
  t.match(merged.json, { data: { n: '1' }, metadata: { labels: { x: 'y' } } });
  t.notOk('a' in merged.json.data);
  const added = await api.patch(`${CM}/a`, 'json', [{ op: 'add', path: '/data/z', value: '2' }]);
  t.match(added.json.data, { n: '1', z: '2' });
  t.match(
    (await api.patch(`${CM}/a`, 'json', [{ op: 'test', path: '/data/z', value: '3' }])).json,
    {
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    },
  );
  const many = Array.from({ length: 10_001 }, () => ({ op: 'remove', path: '/x' }));
  t.match((await api.patch(`${CM}/a`, 'json', many)).json, { code: 413 });
  t.match((await api.patch(`${CM}/zz`, 'merge', {})).json, { code: 404 });
  t.match((await api.patch(`${CM}/a`, 'merge', { metadata: { resourceVersion: '1' } })).json, {
    code: 409,
  });
  const apply = await api.call('PATCH', `${CM}/a`, {
    body: '{}',
    headers: { 'content-type': 'application/apply-patch+yaml' },
  });
  t.match(apply.json, {
    code: 415,
    message: /accepted media types include: application\/json-patch\+json, /,
  });
  t.equal(
    (await api.patch(`${CM}/a`, 'merge', { data: { s: 5 } })).status,
    400,
    'the result is typed',
  );
});

t.test('a patch goes over other writers unless it names a resourceVersion (K52)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a', { data: {} }));
  const patches = Array.from({ length: 12 }, (_, i) =>
    api.patch(`${CM}/a`, 'merge', { data: { [`k${i}`]: 'v' } }),
  );
  for (const { status } of await Promise.all(patches)) t.equal(status, 200);
  t.equal(Object.keys((await api.get(`${CM}/a`)).json.data).length, 12);
});

t.test('scale reads and writes the replicas of its parent (K46)', async (t) => {
  const api = await startTestApi(t);
  await api.post(DEPLOYMENTS, deployment('d'));
  const { json } = await api.get(`${DEPLOYMENTS}/d/scale`);
  t.match(json, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 1 },
    status: { selector: 'app=d' },
  });
  const patched = await api.patch(`${DEPLOYMENTS}/d/scale`, 'merge', { spec: { replicas: 4 } });
  t.match(patched.json, { kind: 'Scale', spec: { replicas: 4 } });
  t.match(
    (await api.put(`${DEPLOYMENTS}/d/scale`, json)).json,
    { code: 409 },
    'the parent has moved on',
  );
  t.match((await api.get(`${DEPLOYMENTS}/d`)).json, {
    spec: { replicas: 4 },
    metadata: { generation: 2 },
  });
  t.match((await api.patch(`${DEPLOYMENTS}/d/scale`, 'merge', { spec: { replicas: -1 } })).json, {
    code: 422,
    message: /spec\.replicas/,
  });
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
  const names = (answer: TestDocument): string =>
    answer.json.items.map((item: TestDocument) => item.metadata.name).join();
  t.equal(names(all), 'a,b,c');
  t.notOk('kind' in all.json.items[0], 'items of built-in types leave out kind and apiVersion');
  t.equal(names(await api.get(`${CM}?labelSelector=odd%3Dyes`)), 'a,c');
  t.equal(names(await api.get(`${CM}?fieldSelector=metadata.name%3Db`)), 'b');
  t.match((await api.get(`${CM}?fieldSelector=data.a%3Db`)).json, {
    code: 400,
    message: 'field label not supported: data.a',
  });
  const page = await api.get(`${CM}?limit=2`);
  t.equal(names(page), 'a,b');
  t.equal(page.json.metadata.remainingItemCount, 1);
  t.equal(
    names(await api.get(`${CM}?limit=2&continue=${String(page.json.metadata.continue)}`)),
    'c',
  );
  const table = await api.get(CM, { accept: TABLE });
  t.match(table.json, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } }, {}, {}],
  });
  t.equal(table.json.columnDefinitions[0].name, 'Name');
  const bare = await api.get(`${CM}?includeObject=None`, { accept: TABLE });
  t.equal(bare.json.rows[0].object, null);
  const partial = await api.get(CM, {
    accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  });
  t.match(partial.json, {
    kind: 'PartialObjectMetadataList',
    items: [{ kind: 'PartialObjectMetadata' }, {}, {}],
  });
  t.notOk('data' in partial.json.items[0]);
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
  if (body instanceof Uint8Array) return t.fail('the list is a stream');
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
    const { answer, events } = await api.watch(
      `${CM}?watch=1&labelSelector=x%3D1&resourceVersion=${String(first.metadata.resourceVersion)}&timeoutSeconds=30`,
    );
    t.equal(answer.status, 200);
    t.equal(answer.headers['content-type'], 'application/json');
    await api.patch(`${CM}/a`, 'merge', { data: { a: 'c' } });
    await api.patch(`${CM}/a`, 'merge', { metadata: { labels: { x: '2' } } });
    const modified = (await events.next()).value as TestDocument;
    t.match(modified, {
      type: 'MODIFIED',
      object: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'c' } },
    });
    const left = (await events.next()).value as TestDocument;
    t.match(
      left,
      { type: 'DELETED', object: { metadata: { labels: { x: '1' } } } },
      'it left the selection',
    );
    t.not(left.object.metadata.resourceVersion, modified.object.metadata.resourceVersion);
    const end = events.next();
    api.clock.advance(30_000);
    t.ok((await end).done);
  },
);

t.test(
  'initial events end with the annotated bookmark, also when there are none (K15, T1)',
  async (t) => {
    const api = await startTestApi(t);
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const { events } = await api.watch(`${CM}?${query}`);
    t.match((await events.next()).value, {
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
    await events.return?.();
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
  const { events } = await api.watch(`${CM}?watch=1&resourceVersion=0`, {
    headers: { accept: TABLE },
  });
  const first = (await events.next()).value as TestDocument;
  const second = (await events.next()).value as TestDocument;
  t.match(first, {
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ object: { metadata: { name: 'a' } } }] },
  });
  t.ok(first.object.columnDefinitions.length > 0);
  t.equal(second.object.columnDefinitions.length, 0);
  await events.return?.();
});

t.test(
  'a watch from a forgotten revision is one ERROR event and a clean end (K10, K14)',
  async (t) => {
    const first = await startTestApi(t);
    await first.post(CM, configMap('a'));
    await first.post(CM, configMap('b'));
    // A server that comes later has no history of what was before it.
    const api = await startTestApi(t, { kv: first.kv });
    const { answer, events } = await api.watch(`${CM}?watch=1&resourceVersion=2`);
    t.equal(answer.status, 200);
    t.match((await events.next()).value, {
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    t.ok((await events.next()).done);
  },
);

t.test('a client that goes away ends its watch, and nothing is left of it (K41)', async (t) => {
  const api = await startTestApi(t);
  const client = new AbortController();
  const timers = api.clock.pending;
  const { events } = await api.watch(`${CM}?watch=1`, { signal: client.signal });
  const end = events.next();
  client.abort();
  t.ok((await end).done);
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
