/**
 * Bad input on a real cluster, over the store and over HTTP: each gets an answer that names the
 * thing and what to do, nothing hangs, and nothing is lost.
 */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import t from 'tap';
import { createKvClient } from '../../store/wire';
import { systemRandom, RealClock } from '../../base/node';
import { openStoreAccess } from '../../bin/store-access';
import { eventually, keelson, ProcessCluster } from './process-cluster';

t.setTimeout(240_000);

const noStackTrace = /\n\s+at .*\(?.*:\d+:\d+\)?/;

/** What an HTTP client of the API gets. */
interface Answer {
  readonly code: number;
  readonly text: string;
  readonly status: { readonly kind?: string; readonly reason?: string; readonly message?: string };
}

/** Asks the API with the admin's certificate. */
function ask(
  cluster: ProcessCluster,
  path: string,
  options: { readonly method?: string; readonly type?: string; readonly body?: string } = {},
): Promise<Answer> {
  const { processes } = cluster.upFile();
  const address = processes.find(({ role }) => role === 'apiserver')?.addresses[0] ?? '';
  const pki = (name: string): Buffer => readFileSync(join(cluster.dataDir, 'pki', name));
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://${address}${path}`,
      {
        method: options.method ?? 'GET',
        ca: pki('api-ca.crt'),
        cert: pki('admin.crt'),
        key: pki('admin.key'),
        headers: options.type === undefined ? {} : { 'content-type': options.type },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const isJson = (response.headers['content-type'] ?? '').includes('json');
          const status = isJson
            ? (JSON.parse(text.split('\n')[0] ?? '{}') as Answer['status'])
            : {};
          resolve({ code: response.statusCode ?? 0, text, status });
        });
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

t.test('bad requests get a Status that names the thing', async (t) => {
  const cluster = await ProcessCluster.start(['--replicas', '1']);
  t.teardown(() => cluster.destroy());
  const post = (type: string, body: string): Promise<Answer> =>
    ask(cluster, '/api/v1/namespaces/default/configmaps', { method: 'POST', type, body });
  const json = (body: object): Promise<Answer> => post('application/json', JSON.stringify(body));

  await t.test('bodies that are not what they should be', async (t) => {
    const rows: [string, Promise<Answer>, number, string, RegExp][] = [
      ['invalid JSON', post('application/json', '{"kind":'), 400, 'BadRequest', /json parse error/],
      ['invalid YAML', post('application/yaml', 'a: [b'), 400, 'BadRequest', /yaml/i],
      [
        'wrong apiVersion',
        json({ apiVersion: 'apps/v9', kind: 'ConfigMap', metadata: { name: 'x' } }),
        400,
        'BadRequest',
        /apps\/v9/,
      ],
      [
        'wrong kind',
        json({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
        400,
        'BadRequest',
        /Secret/,
      ],
      [
        'no name',
        json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }),
        422,
        'Invalid',
        /metadata\.name: Required value/,
      ],
      [
        'a name that is none',
        json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'A_b' } }),
        422,
        'Invalid',
        /metadata\.name: Invalid value: "A_b"/,
      ],
      [
        'a field of the wrong type',
        json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: 5 }),
        400,
        'BadRequest',
        /data/,
      ],
      [
        'an unknown media type',
        post('text/csv', 'a,b'),
        415,
        'UnsupportedMediaType',
        /unknown format/,
      ],
      [
        'a body above the limit',
        json({ metadata: { name: 'x' }, data: { big: 'x'.repeat(3_200_000) } }),
        413,
        'RequestEntityTooLarge',
        /limit is 3145728/,
      ],
      [
        'an object above the limit of the store',
        json({ metadata: { name: 'x' }, data: { big: 'x'.repeat(1_600_000) } }),
        413,
        'RequestEntityTooLarge',
        /more than 1572864 bytes/,
      ],
    ];
    for (const [name, answer, code, reason, message] of rows) {
      const { code: found, status, text } = await answer;
      t.equal(found, code, `${name}: ${text.slice(0, 300)}`);
      t.equal(status.kind, 'Status', name);
      t.equal(status.reason, reason, name);
      t.match(status.message, message, name);
      t.notMatch(text, noStackTrace, name);
    }
  });

  await t.test('reads that cannot be', async (t) => {
    const pods = '/api/v1/namespaces/default/pods';
    const rows: [string, number, RegExp][] = [
      [`${pods}?resourceVersion=abc`, 400, /strconv\.ParseUint/],
      [`${pods}?labelSelector=a%3D%3D%3Db`, 400, /parse/],
      [`${pods}?fieldSelector=x%3Dy`, 400, /field label not supported: x/],
      [`${pods}?continue=nonsense`, 400, /continue/],
      [`${pods}?resourceVersionMatch=Exact`, 422, /resourceVersionMatch is forbidden/],
      [`${pods}/a%2Fb`, 400, /may not contain/],
      [`${pods}/nobody`, 404, /"reason":"NotFound"/],
      ['/apis/nothing.io/v1/things', 404, /404 page not found/],
      ['/api/v1/namespaces/%zz/pods', 400, /./],
    ];
    for (const [path, code, message] of rows) {
      const { code: found, text } = await ask(cluster, path);
      t.equal(found, code, `${path}: ${text.slice(0, 300)}`);
      t.match(text, message, path);
      t.notMatch(text, noStackTrace, path);
    }
  });

  await t.test('the store refuses what is over its limits, and history that is gone', async (t) => {
    const access = openStoreAccess({ dataDir: cluster.dataDir });
    const kv = createKvClient({
      network: access.network,
      endpoints: access.endpoints,
      clock: new RealClock(),
      random: systemRandom().random,
    });
    t.teardown(() => kv.close());
    const key = Buffer.from('limits');
    const none = 0 as Awaited<ReturnType<typeof kv.currentRevision>>;
    const big = kv.optimisticPut(key, new Uint8Array(2_000_000), none);
    await t.rejects(big, { code: 'STORE_TOO_LARGE' });
    const longKey = kv.optimisticPut(new Uint8Array(100_000).fill(0x61), key, none);
    await t.rejects(longKey, { code: 'STORE_TOO_LARGE' });
    for (let i = 0; i < 5; i++) await cluster.kv('put', 'limits', String(i));
    const now = await kv.currentRevision();
    await kv.compact(now);
    const past = await cluster.kv('watch', 'limits', '--revision', '1');
    t.not(past.exitCode, 0);
    t.match(past.stderr, /compacted/);
    t.notMatch(past.stderr, noStackTrace);
    const old = await cluster.kv('get', 'limits', '--revision', '1');
    t.not(old.exitCode, 0);
    t.match(old.stderr, /compacted/);
    const future = await cluster.kv('get', 'limits', '--revision', '99999999');
    t.not(future.exitCode, 0);
    t.match(future.stderr, /99999999/);
  });

  await t.test(
    'keelson kv watch --revision N includes N, a watch of the API does not',
    async (t) => {
      const put = JSON.parse((await cluster.kv('put', 'n', '1', '-o', 'json')).stdout) as {
        revision: number;
      };
      const watched = await cluster.kv(
        ...['watch', 'n', '--revision', String(put.revision), '--limit', '1', '-o', 'json'],
      );
      t.match(watched.stdout, `"modRevision":${String(put.revision)}`);
      const created = await json({ metadata: { name: 'first' } });
      const { metadata } = JSON.parse(created.text) as { metadata: { resourceVersion: string } };
      await json({ metadata: { name: 'second' } });
      const path = `/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=2`;
      const { text } = await ask(cluster, `${path}&resourceVersion=${metadata.resourceVersion}`);
      const names = text
        .trim()
        .split('\n')
        .map(
          (line) =>
            (JSON.parse(line) as { object: { metadata: { name: string } } }).object.metadata,
        );
      t.strictSame(
        names.map(({ name }) => name),
        ['second'],
      );
    },
  );
});

t.test('what several API servers acknowledge, each of them returns', async (t) => {
  const cluster = await ProcessCluster.start(['--apiservers', '2']);
  t.teardown(() => cluster.destroy());
  const k8s = await import('@kubernetes/client-node');
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.upFile().kubeconfig);
  const apis = config.contexts
    .filter(({ name }) => /apiserver/.test(name))
    .map(({ name }) => {
      const one = new k8s.KubeConfig();
      one.loadFromFile(cluster.upFile().kubeconfig);
      one.setCurrentContext(name);
      return one.makeApiClient(k8s.CoreV1Api);
    });
  t.equal(apis.length, 2);
  const namespace = 'default';
  for (let i = 0; i < 50; i++) {
    const [writer, reader] = i % 2 === 0 ? [apis[0]!, apis[1]!] : [apis[1]!, apis[0]!];
    const name = `agreed-${String(i)}`;
    const body = Object.assign(new k8s.V1ConfigMap(), { metadata: { name } });
    await writer.createNamespacedConfigMap({ namespace, body });
    const read = await reader.readNamespacedConfigMap({ namespace, name });
    const list = await reader.listNamespacedConfigMap({ namespace });
    if (read.metadata?.name !== name || !list.items.some((item) => item.metadata?.name === name)) {
      t.fail(`${name} is not there through the other server`);
    }
  }
  t.pass('50 writes were read through the other server at once');
});

t.test('directories that are not this cluster’s, and a damaged LevelDB, are named', async (t) => {
  const cluster = await ProcessCluster.start();
  t.teardown(() => cluster.destroy());
  await cluster
    .kubectl()
    .ok(['create', '-f', '-'], 'apiVersion: v1\nkind: Namespace\nmetadata: {name: kept}');
  await cluster.stop();
  const other = await ProcessCluster.start(['--replicas', '1']);
  t.teardown(() => other.destroy());
  await other.stop();

  await t.test('a member directory of another cluster', async (t) => {
    const own = join(cluster.dataDir, 'replica-1');
    renameSync(own, `${own}.kept`);
    mkdirSync(own);
    cpSync(join(other.dataDir, 'replica-1'), own, { recursive: true });
    const result = await keelson(['replica', '--name', 'replica-1', '--data-dir', cluster.dataDir]);
    t.not(result.exitCode, 0);
    t.match(result.stderr, /another cluster|cluster [0-9a-f]{16}/);
    t.notMatch(result.stderr, noStackTrace);
    renameSync(own, `${own}.other`);
    renameSync(`${own}.kept`, own);
  });

  await t.test('a member whose log and state are gone does not vote again (R66)', async (t) => {
    const own = join(cluster.dataDir, 'replica-3');
    for (const name of ['wal', 'state']) renameSync(join(own, name), join(cluster.dataDir, name));
    const result = await keelson([
      ...['replica', '--existing', '--name', 'replica-3', '--data-dir', cluster.dataDir],
    ]);
    t.not(result.exitCode, 0);
    t.match(result.stderr, /holds none: this member had one, and its votes must not be forgotten/);
    t.notMatch(result.stderr, noStackTrace);
    for (const name of ['wal', 'state']) {
      rmSync(join(own, name), { recursive: true, force: true });
      renameSync(join(cluster.dataDir, name), join(own, name));
    }
  });

  await t.test('a damaged LevelDB of one member', async (t) => {
    const state = join(cluster.dataDir, 'replica-2', 'state');
    const manifest = readdirSync(state).find((name) => name.startsWith('MANIFEST'))!;
    writeFileSync(join(state, manifest), 'no manifest');
    await cluster.up();
    const line = await eventually('the supervisor passes the message on', () =>
      cluster.output.split('\n').find((text) => text.includes('replica-2') && /state/.test(text)),
    );
    t.match(line, /replica-2.*damage.*leave this member stopped/);
    t.notMatch(cluster.output, noStackTrace);
    t.match(await cluster.kubectl().ok(['get', 'ns', 'kept', '-o', 'name']), 'namespace/kept');
  });
});
