/** The stages of the pipeline through `handle`, in K66's order, and the paths beside the API. */
import t from 'tap';
import type { Authorizer } from './auth';
import { MASTER, startTestApi, type TestDocument } from './testing/test-api';

const CM = '/api/v1/namespaces/default/configmaps';

/** Resolves when all promises that can go on have gone on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('a wrong credential is 401, none is anonymous unless that is off (K67)', async (t) => {
  const seen: string[] = [];
  const authorizer: Authorizer = {
    authorize: ({ user }) => {
      seen.push(`${user.name} ${user.groups.join()}`);
      return Promise.resolve({ isAllowed: true, reason: '' });
    },
  };
  const api = await startTestApi(t, { authorizer: () => authorizer });
  seen.length = 0;
  t.match((await api.get(CM, { 'x-user': 'wrong' })).json, {
    code: 401,
    reason: 'Unauthorized',
    message: 'Unauthorized',
  });
  t.equal((await api.get(CM, { 'x-user': 'anonymous' })).status, 200);
  t.equal((await api.get(CM, { 'x-user': 'jane,dev' })).status, 200);
  t.same(
    seen,
    ['system:anonymous system:unauthenticated', 'jane dev,system:authenticated'],
    'a 401 never reaches the authorizer',
  );
  const closed = await startTestApi(t, { allowAnonymous: false });
  t.equal((await closed.get(CM, { 'x-user': 'anonymous' })).status, 401);
});

t.test('a refusal names user, verb, resource and place, escaped (K39, K72)', async (t) => {
  const refusing: Authorizer = {
    authorize: ({ user }) =>
      Promise.resolve({ isAllowed: user.name === 'system:apiserver', reason: '' }),
  };
  const api = await startTestApi(t, { authorizer: () => refusing });
  const message = async (method: string, url: string): Promise<TestDocument> =>
    (await api.call(method, url, { headers: { 'x-user': 'u<' } })).json;
  t.match(await message('GET', '/api/v1/namespaces/d/pods/x'), {
    code: 403,
    reason: 'Forbidden',
    message:
      'pods "x" is forbidden: User "u&lt;" cannot get resource "pods" in API group "" in the namespace "d"',
    details: { name: 'x', kind: 'pods' },
  });
  t.equal(
    (await message('GET', '/apis/apps/v1/deployments')).message,
    'deployments.apps is forbidden: User "u&lt;" cannot list resource "deployments" in API group "apps" at the cluster scope',
  );
  t.match(
    (await message('GET', '/api/v1/namespaces/d/pods/x/log')).message,
    /cannot get resource "pods\/log"/,
  );
  t.equal(
    (await message('GET', '/metrics')).message,
    'forbidden: User "u&lt;" cannot get path "/metrics"',
  );
  t.match((await message('POST', CM)).code, 403, 'before the body is read');
});

t.test('impersonation is refused, never ignored (K69, K91)', async (t) => {
  const api = await startTestApi(t);
  t.match((await api.get(CM, { 'impersonate-user': 'jane' })).json, {
    code: 501,
    message: /impersonation is not supported yet/,
  });
});

t.test('readers and writers are limited apart; masters and watches are exempt (K71)', async (t) => {
  const waiting: (() => void)[] = [];
  let isHolding = false;
  const holding: Authorizer = {
    authorize: async ({ user }) => {
      if (isHolding && user.name === 'slow')
        await new Promise<void>((resolve) => waiting.push(resolve));
      return { isAllowed: true, reason: '' };
    },
  };
  const limits = { readRequestsInFlightMax: 2, writeRequestsInFlightMax: 1 };
  const api = await startTestApi(t, { authorizer: () => holding, limits });
  isHolding = true;
  const slow = { 'x-user': 'slow' };
  const held = [api.get(CM, slow), api.get(CM, slow)];
  await settle();
  const refused = await api.get(CM);
  t.equal(refused.status, 429);
  t.equal(refused.text, 'Too many requests, please try again later.');
  t.equal(refused.headers['retry-after'], '1');
  t.equal(
    (await api.post(CM, { metadata: { name: 'a' } })).status,
    201,
    'writers have their own places',
  );
  t.equal((await api.get(CM, { 'x-user': MASTER })).status, 200);
  const { answer, close } = await api.watch(`${CM}?watch=1`);
  t.equal(answer.status, 200);
  await close();
  const metrics = (await api.get('/metrics', { 'x-user': MASTER })).text;
  t.match(metrics, /^apiserver_longrunning_requests\{verb="WATCH",.*\} 0$/m);
  t.match(metrics, 'apiserver_current_inflight_requests{request_kind="readOnly"} 2\n');
  for (const release of waiting) release();
  for (const { status } of await Promise.all(held)) t.equal(status, 200);
  t.equal((await api.get(CM)).status, 200, 'the places are free again');
});

t.test(
  'a request that takes too long is 504, a shorter timeout may be asked for (K41)',
  async (t) => {
    let isHolding = false;
    const holding: Authorizer = {
      authorize: async () => {
        if (isHolding) await new Promise<void>(() => undefined);
        return { isAllowed: true, reason: '' };
      },
    };
    const api = await startTestApi(t, { authorizer: () => holding });
    isHolding = true;
    for (const [query, ms] of [
      ['', 60_000],
      ['?timeout=32s', 32_000],
      ['?timeout=2h', 60_000],
      ['?timeout=1m', 60_000],
    ] as const) {
      const request = api.get(`${CM}${query}`);
      await settle();
      api.clock.advance(ms - 1);
      let isDone = false;
      void request.then(() => (isDone = true));
      await settle();
      t.notOk(isDone, `${query} waits ${ms} ms`);
      api.clock.advance(1);
      t.match((await request).json, {
        code: 504,
        reason: 'Timeout',
        message: 'Timeout: request did not complete within the allotted timeout',
      });
    }
    t.match((await api.get(`${CM}?timeout=soon`)).json, {
      code: 400,
      message: 'invalid timeout specified in the request URL',
    });
    isHolding = false;
  },
);

t.test('a bug in one request is a 500 without a stack (K66)', async (t) => {
  const errors: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message: string) => errors.push(message),
    with: () => logger,
  };
  let isBroken = false;
  const broken: Authorizer = {
    authorize: () => {
      if (isBroken) throw new TypeError('x is not a function');
      return Promise.resolve({ isAllowed: true, reason: '' });
    },
  };
  const api = await startTestApi(t, { authorizer: () => broken, logger });
  isBroken = true;
  const { status, json, text } = await api.get(CM);
  t.equal(status, 500);
  t.match(json, { kind: 'Status', reason: 'InternalError', message: /^Internal error occurred: / });
  t.notMatch(text, /not a function|\.ts/);
  t.same(errors, ['a request failed unexpectedly']);
});

t.test('every answer has an audit id and is not cached (K38)', async (t) => {
  const api = await startTestApi(t);
  t.match((await api.get(CM)).headers, {
    'audit-id': /^[0-9a-f-]{36}$/,
    'cache-control': 'no-cache, private',
  });
  t.equal((await api.get(CM, { 'audit-id': 'given-1' })).headers['audit-id'], 'given-1');
  t.match((await api.get('/nothing')).headers, { 'audit-id': /./ });
});

t.test('health: single checks, verbose, exclude, readable when failing (K64)', async (t) => {
  const api = await startTestApi(t);
  for (const path of ['healthz', 'livez', 'readyz'])
    t.equal((await api.get(`/${path}`)).text, 'ok');
  t.equal((await api.get('/readyz/etcd')).text, 'ok');
  t.equal((await api.get('/readyz/nothing')).status, 404);
  t.match(
    (await api.get('/readyz?verbose')).text,
    /^\[\+\]ping ok\n[^]*\[\+\]etcd ok\n[^]*readyz check passed\n$/,
  );
  api.kv.failNext('get', new Error('secret address'));
  const failed = await api.get('/readyz');
  t.equal(failed.status, 500);
  t.match(failed.text, /\[-\]etcd failed: reason withheld\n/);
  t.notMatch(failed.text, /secret/);
  t.match((await api.get('/readyz?verbose&exclude=etcd')).text, '[+]etcd excluded: ok');
});

t.test('version, root, discovery and OpenAPI are answered (K57 to K63)', async (t) => {
  const api = await startTestApi(t);
  t.match((await api.get('/version')).json, {
    major: /^\d+$/,
    gitVersion: /^v\d+\.\d+\.\d+\+keelson$/,
  });
  t.ok((await api.get('/')).json.paths.includes('/openapi/v3'));
  t.match((await api.get('/api/v1')).json, { kind: 'APIResourceList' });
  t.match((await api.get('/openapi/v3')).json.paths['api/v1'], { serverRelativeURL: /hash=/ });
  t.equal((await api.post('/version', {})).status, 405);
});

t.test('requests are counted under names that clients cannot multiply (K65)', async (t) => {
  const api = await startTestApi(t);
  await api.get(CM);
  await api.get('/api/v1/invented');
  await api.call('BREW', '/pot');
  const { text } = await api.get('/metrics');
  t.match(
    text,
    'apiserver_request_total{verb="LIST",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver",dry_run="",code="200"} 1\n',
  );
  t.notMatch(text, /invented|BREW/i);
  for (const name of [
    'apiserver_request_duration_seconds_bucket',
    'apiserver_response_sizes_sum',
    'etcd_request_duration_seconds_count',
    'apiserver_resource_objects',
    'apiserver_storage_objects',
  ]) {
    t.match(text, `${name}{`, name);
  }
});

t.test(
  'shutdown: nothing new, watches end, what is in flight is finished (K41, T22)',
  async (t) => {
    const waiting: (() => void)[] = [];
    let isHolding = false;
    const holding: Authorizer = {
      authorize: async ({ verb }) => {
        if (isHolding && verb === 'create')
          await new Promise<void>((resolve) => waiting.push(resolve));
        return { isAllowed: true, reason: '' };
      },
    };
    const api = await startTestApi(t, { authorizer: () => holding });
    const { ended } = await api.watch(`${CM}?watch=1`);
    isHolding = true;
    const write = api.post(CM, { metadata: { name: 'a' } });
    await settle();
    t.ok(api.server.isReady());
    const closed = api.server.close();
    t.notOk(api.server.isReady());
    const refused = await api.get(CM);
    t.equal(refused.status, 429);
    t.equal(refused.text, 'The apiserver is shutting down, please try again later.');
    t.match(refused.headers, { 'retry-after': '5', connection: 'close' });
    t.match((await api.get('/readyz')).text, '[-]shutdown failed');
    t.equal((await api.get('/livez')).text, 'ok');
    t.ok(await ended(), 'the watch ends cleanly');
    for (const release of waiting) release();
    t.equal((await write).status, 201, 'an acknowledged write is written');
    api.clock.advance(1_000);
    await settle();
    await closed;
    await api.server.run();
  },
);
