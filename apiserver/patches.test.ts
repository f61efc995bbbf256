/** PATCH and scale through `handle`, by rule. */
import t from 'tap';
import { startTestApi, type TestBody } from './testing/test-api';

const CM = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

const configMap = (
  name: string,
  more: { metadata?: TestBody; data?: TestBody } = {},
): TestBody => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, ...more.metadata },
  data: more.data ?? { a: 'b' },
});

const deployment = (name: string): TestBody => ({
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

t.test('copies in a JSON patch cannot grow without end (K52)', async (t) => {
  const api = await startTestApi(t);
  const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
  await api.post(path, { metadata: { name: 'r' }, revision: 1, data: { a: 'x' } });
  const copies = (count: number): unknown[] =>
    Array.from({ length: count }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/b${i}` }));
  t.match((await api.patch(`${path}/r`, 'json', copies(60))).json, { code: 422 });
  t.equal((await api.patch(`${path}/r`, 'json', copies(5))).status, 200);
});

t.test('a patch is of the kind it is sent to, and force is for apply', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a'));
  t.match((await api.patch(`${CM}/a`, 'merge', { kind: 'Pod' })).json, {
    code: 400,
    message: /^Pod in version "v1" cannot be handled as a ConfigMap/,
  });
  t.match((await api.patch(`${CM}/a?force=true`, 'merge', {})).json, {
    code: 422,
    message: /force: Forbidden: may not be specified for non-apply patch/,
  });
});

t.test('creating what has no effect yet is stored with a warning (K91)', async (t) => {
  const api = await startTestApi(t);
  const quota = { metadata: { name: 'q' }, spec: { hard: { pods: '1' } } };
  const created = await api.post('/api/v1/namespaces/default/resourcequotas', quota);
  t.equal(created.status, 201);
  t.match(String(created.headers['warning']), /resourcequotas are stored but have no effect/);
  t.notOk('warning' in (await api.post(CM, configMap('w'))).headers);
});

t.test('a strategic merge patch merges lists by their key (K53)', async (t) => {
  const api = await startTestApi(t);
  await api.post(DEPLOYMENTS, deployment('d'));
  const containers = [{ name: 'side', image: 'j' }];
  const change = { spec: { template: { spec: { containers } } } };
  const { json } = await api.patch(`${DEPLOYMENTS}/d`, 'strategic', change);
  t.match(json, {
    spec: { template: { spec: { containers: [{ name: 'side' }, { name: 'c' }] } } },
  });
  const gone = {
    spec: { template: { spec: { containers: [{ $patch: 'delete', name: 'side' }] } } },
  };
  const { json: after } = await api.patch(`${DEPLOYMENTS}/d`, 'strategic', gone);
  t.match(after, { spec: { template: { spec: { containers: [{ name: 'c' }] } } } });
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
