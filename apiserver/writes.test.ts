/** Writes through `handle`, by rule: create, update, status, bad bodies. */
import t from 'tap';
import {
  startTestApi,
  type TestAnswer,
  type TestBody,
  type TestDocument,
} from './testing/test-api';

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
  const cases: readonly [string, string, TestBody, TestBody][] = [
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
    t.equal(status, expected['code'], name);
    t.match(json, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' });
    t.match(json, expected);
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
  const send = (body: string, type = 'application/json'): Promise<TestAnswer> =>
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
  const send = (query: string): Promise<TestAnswer> =>
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
  t.same(warned.headers['warning'], [
    '299 - "duplicate field \\"data\\""',
    '299 - "unknown field \\"zz\\""',
  ]);
  t.same(warned.json.data, { a: '2' });
  t.notOk('zz' in warned.json);
  await api.delete(`${CM}/a`);
  t.notOk((await send('fieldValidation=Ignore')).headers['warning']);
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
  const cases: readonly [string, TestBody, TestBody][] = [
    [
      'stale',
      { ...first },
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

t.test('an update names its object: an empty body empties nothing (K43)', async (t) => {
  const api = await startTestApi(t);
  const created = await api.post(CM, configMap('a'));
  t.match((await api.put(`${CM}/a`, {})).json, {
    code: 400,
    message: 'the name of the object (a based on URL) was undeterminable: name must be provided',
  });
  t.same((await api.get(`${CM}/a`)).json, created.json);
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
    t.not(
      (json.status as TestDocument['status'] | undefined)?.replicas,
      9,
      'a new object has no status of the client',
    );
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
