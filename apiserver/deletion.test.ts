/** Deletion through `handle`, by rule: preconditions, finalizers, grace, collections, namespaces. */
import t from 'tap';
import { startTestApi, type TestApi, type TestBody } from './testing/test-api';

const CM = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';

const configMap = (name: string, metadata: TestBody = {}): TestBody => ({
  metadata: { name, ...metadata },
});

t.test('what nothing holds is gone at once, with a Status that names the uid (K47)', async (t) => {
  const api = await startTestApi(t);
  const { json } = await api.post(CM, configMap('a'));
  const deleted = await api.delete(`${CM}/a`, { propagationPolicy: 'Background' });
  t.equal(deleted.status, 200);
  t.same(deleted.json, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'a', kind: 'configmaps', uid: json.metadata.uid },
  });
  t.equal((await api.delete(`${CM}/a`)).status, 404);
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await api.post(PODS, pod);
  t.match((await api.delete(`${PODS}/p`)).json, { kind: 'Pod', metadata: { name: 'p' } });
});

t.test('preconditions and options are judged (K39, K47)', async (t) => {
  const api = await startTestApi(t);
  const { json } = await api.post(CM, configMap('a'));
  const { uid, resourceVersion } = json.metadata;
  const refused = async (body: TestBody, expected: TestBody): Promise<void> => {
    t.match((await api.delete(`${CM}/a`, body)).json, expected);
  };
  await refused(
    { preconditions: { uid: 'x' } },
    {
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
      details: { name: 'a', kind: 'ConfigMap' },
    },
  );
  await refused(
    { preconditions: { resourceVersion: '1' } },
    { code: 409, message: /the ResourceVersion in the precondition \(1\) does not match/ },
  );
  await refused(
    { propagationPolicy: 'Nope' },
    {
      code: 422,
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Nope": supported values: "Foreground", "Background", "Orphan", "nil"',
    },
  );
  await refused({ propagationPolicy: 'Orphan', orphanDependents: true }, { code: 422 });
  await refused({ dryRun: ['x'] }, { code: 422, message: /dryRun: Unsupported value/ });
  t.equal((await api.delete(`${CM}/a`, { dryRun: ['All'] })).status, 200);
  t.equal((await api.delete(`${CM}/a?dryRun=All`)).status, 200);
  t.equal((await api.get(`${CM}/a`)).status, 200, 'nothing was deleted so far');
  t.equal((await api.delete(`${CM}/a`, { preconditions: { uid, resourceVersion } })).status, 200);
});

t.test('a body that is not DeleteOptions deletes nothing (K47)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a'));
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } };
  t.match((await api.delete(`${CM}/a`, pod)).json, {
    code: 400,
    message: /must be of type DeleteOptions/,
  });
  t.match((await api.delete(`${CM}/a?gracePeriodSeconds=abc`)).json, {
    code: 400,
    message: 'strconv.ParseInt: parsing "abc": invalid syntax',
  });
  const options = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' };
  t.equal((await api.delete(`${CM}/a`, options)).status, 200);
});

t.test('a policy that needs a garbage collector deletes at once and says so', async (t) => {
  const api = await startTestApi(t);
  for (const propagationPolicy of ['Foreground', 'Orphan']) {
    await api.post(CM, configMap('a'));
    const { status, headers } = await api.delete(`${CM}/a`, { propagationPolicy });
    t.equal(status, 200);
    t.match(
      String(headers['warning']),
      `propagationPolicy ${propagationPolicy} is not supported yet`,
    );
    t.equal((await api.get(`${CM}/a`)).status, 404, 'and no finalizer keeps it for ever');
  }
});

t.test('the finalizer round trip ends in one DELETED (K48, T15)', async (t) => {
  const api = await startTestApi(t);
  await api.post(CM, configMap('a', { finalizers: ['a.b/c'] }));
  const { next, close } = await api.watch(`${CM}?watch=1&resourceVersion=0`);
  t.match(await next(), { type: 'ADDED' });
  const marked = await api.delete(`${CM}/a`);
  t.equal(marked.status, 200);
  t.match(marked.json, {
    kind: 'ConfigMap',
    metadata: { deletionTimestamp: /Z$/, deletionGracePeriodSeconds: 0, finalizers: ['a.b/c'] },
  });
  t.match(await next(), { type: 'MODIFIED' });
  const { revision } = api.kv;
  t.equal((await api.delete(`${CM}/a`, { orphanDependents: false })).status, 202);
  t.equal(api.kv.revision, revision, 'a second delete changes nothing');
  const more = await api.patch(`${CM}/a`, 'merge', {
    metadata: { finalizers: ['a.b/c', 'd.e/f'] },
  });
  t.match(more.json, {
    code: 422,
    message:
      'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
  });
  const revived = await api.patch(`${CM}/a`, 'merge', { metadata: { deletionTimestamp: null } });
  t.match(revived.json.metadata, { deletionTimestamp: /Z$/ }, 'there is no way back');
  const last = await api.patch(`${CM}/a`, 'merge', { metadata: { finalizers: null } });
  t.equal(last.status, 200);
  t.equal(last.json.metadata.resourceVersion, marked.json.metadata.resourceVersion);
  const deleted = await next();
  t.match(deleted, { type: 'DELETED', object: { metadata: { name: 'a' } } });
  t.ok(
    Number(deleted.object.metadata.resourceVersion) > Number(last.json.metadata.resourceVersion),
  );
  t.equal((await api.get(`${CM}/a`)).status, 404);
  await close();
});

t.test('marking counts as a new generation, where generations are counted (K45)', async (t) => {
  const api = await startTestApi(t);
  const url = '/apis/apps/v1/namespaces/default/deployments';
  const template = {
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  await api.post(url, { metadata: { name: 'd', finalizers: ['a.b/c'] }, spec });
  t.match((await api.delete(`${url}/d`)).json.metadata, { generation: 2 });
});

t.test('a pod on a node has its grace; only grace 0 removes it (K48)', async (t) => {
  const api = await startTestApi(t);
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] };
  await api.post(PODS, { metadata: { name: 'p' }, spec });
  const marked = await api.delete(`${PODS}/p`);
  t.match(marked.json.metadata, { deletionGracePeriodSeconds: 30, generation: 2 });
  const shorter = await api.delete(`${PODS}/p`, { gracePeriodSeconds: 5 });
  t.match(shorter.json.metadata, { deletionGracePeriodSeconds: 5 });
  t.equal((await api.delete(`${PODS}/p?gracePeriodSeconds=0`)).status, 200);
  t.equal((await api.get(`${PODS}/p`)).status, 404);
});

t.test('deletecollection deletes what is selected and lists it (K49)', async (t) => {
  const api = await startTestApi(t, { limits: { deleteCollectionPageSize: 2 } });
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await api.post(CM, configMap(name, { labels: { x: name === 'e' ? '2' : '1' } }));
  }
  const { status, json } = await api.delete(`${CM}?labelSelector=x%3D1`);
  t.equal(status, 200);
  t.equal(json.kind, 'ConfigMapList');
  t.same(
    json.items.map((item) => item.metadata.name),
    ['a', 'b', 'c', 'd'],
    'over several pages',
  );
  const left = await api.get(CM);
  t.same(
    left.json.items.map((item) => item.metadata.name),
    ['e'],
  );
});

t.test('a namespace is born with label, finalizer and phase (K87)', async (t) => {
  const api = await startTestApi(t);
  const { json } = await api.post('/api/v1/namespaces', { metadata: { name: 'n' } });
  t.match(json, {
    metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  const bare = await api.put('/api/v1/namespaces/n', { metadata: { name: 'n' }, spec: {} });
  t.match(bare.json, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  const names = (await api.get('/api/v1/namespaces')).json.items.map((item) => item.metadata.name);
  t.same(names, ['default', 'kube-node-lease', 'kube-public', 'kube-system', 'n'], 'K73');
  t.match((await api.delete('/api/v1/namespaces/default')).json, {
    code: 403,
    message: 'namespaces "default" is forbidden: this namespace may not be deleted',
  });
});

/** Resolves when the namespace is gone; the controller works by itself. */
async function untilGone(api: TestApi, name: string): Promise<void> {
  while ((await api.get(`/api/v1/namespaces/${name}`)).status !== 404) {
    api.clock.advance(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('deleting a namespace deletes what is in it, and ends (K87, T15)', async (t) => {
  const api = await startTestApi(t);
  await api.post('/api/v1/namespaces', { metadata: { name: 'n' } });
  for (const [path, body] of [
    ['/api/v1/namespaces/n/configmaps', configMap('a')],
    ['/api/v1/namespaces/n/secrets', configMap('s')],
    [
      '/api/v1/namespaces/n/pods',
      { metadata: { name: 'p' }, spec: { nodeName: 'x', containers: [{ name: 'c', image: 'i' }] } },
    ],
  ] as const) {
    t.equal((await api.post(path, body)).status, 201);
  }
  await api.post(CM, configMap('elsewhere'));
  const deleted = await api.delete('/api/v1/namespaces/n');
  t.match(deleted.json, { kind: 'Namespace', status: { phase: 'Terminating' } });
  t.match((await api.post('/api/v1/namespaces/n/configmaps', configMap('late'))).json, {
    code: 403,
    message: /unable to create new content in namespace n because it is being terminated/,
  });
  await untilGone(api, 'n');
  for (const resource of ['configmaps', 'secrets', 'pods']) {
    t.same((await api.get(`/api/v1/namespaces/n/${resource}`)).json.items, [], resource);
  }
  t.equal((await api.get(`${CM}/elsewhere`)).status, 200);
});

t.test('a namespace waits for finalizers of its content, says so, and then ends', async (t) => {
  const api = await startTestApi(t);
  await api.post('/api/v1/namespaces', { metadata: { name: 'n' } });
  const url = '/api/v1/namespaces/n/configmaps';
  await api.post(url, configMap('a', { finalizers: ['a.b/c'] }));
  const { next, close } = await api.watch('/api/v1/namespaces?watch=1&resourceVersion=0');
  await api.delete('/api/v1/namespaces/n');
  for (;;) {
    const { object } = await next();
    const condition = object.status.conditions?.[0];
    if (condition === undefined) continue;
    t.match(condition, { type: 'NamespaceContentRemaining', message: /1 configmaps/ });
    break;
  }
  await close();
  await api.patch(`${url}/a`, 'merge', { metadata: { finalizers: null } });
  await untilGone(api, 'n');
  t.equal((await api.get('/api/v1/namespaces/n')).status, 404);
});

t.test('a server that starts finds a namespace that another one left half deleted', async (t) => {
  const first = await startTestApi(t);
  await first.post('/api/v1/namespaces', { metadata: { name: 'n' } });
  const url = '/api/v1/namespaces/n/configmaps';
  await first.post(url, configMap('a', { finalizers: ['a.b/c'] }));
  await first.delete('/api/v1/namespaces/n');
  const second = await startTestApi(t, { kv: first.kv });
  await second.patch(`${url}/a`, 'merge', { metadata: { finalizers: null } });
  await untilGone(second, 'n');
  t.pass('both servers worked on it, one finished');
});
