/**
 * `keelson up` as its users meet it: ready line, files, restart, clean stop, no orphans, and the
 * messages for bad input. Runs the built package.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { findKubectl, run } from './kubectl';
import { eventually, isAlive, keelson, ProcessCluster } from './process-cluster';

t.setTimeout(240_000);

const noStackTrace = /\n\s+at .*\(?.*:\d+:\d+\)?/;

t.test('one command gives a cluster that kubectl uses', async (t) => {
  const cluster = await ProcessCluster.start();
  t.teardown(() => cluster.destroy());
  const kubectl = cluster.kubectl();

  await t.test('it says what runs where and how to use it', async (t) => {
    const { kubeconfig, processes } = cluster.upFile();
    t.match(cluster.output, `export KUBECONFIG=${kubeconfig}`);
    for (const { name, addresses } of processes) {
      t.match(cluster.output, name);
      t.match(addresses[0], /^127\.0\.0\.1:\d+$/);
    }
    t.strictSame(processes.map(({ role }) => role).sort(), [
      'apiserver',
      'replica',
      'replica',
      'replica',
    ]);
    t.equal(statSync(kubeconfig).mode & 0o777, 0o600, 'the kubeconfig is its owner’s alone');
    t.match(await kubectl.ok(['get', 'namespaces', '-o', 'name']), 'namespace/kube-system');
    t.match(await kubectl.ok(['version']), /Server Version: v1\.\d+/);
  });

  await t.test('the README’s kubectl sample works as it stands', async (t) => {
    const readme = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');
    const sample = /```\n(kubectl[^`]*)```/.exec(readme)?.[1] ?? '';
    t.match(sample, 'kubectl create -f -');
    const { kubeconfig } = cluster.upFile();
    const path = `${dirname(findKubectl())}:${process.env['PATH'] ?? ''}`;
    const env = { KUBECONFIG: kubeconfig, PATH: path };
    const result = await run('bash', ['-e', '-c', sample], { env });
    t.equal(result.exitCode, 0, result.stderr);
    t.match(result.stdout, 'greeting: hi');
  });

  await t.test('status has one row for each member and one leader', async (t) => {
    const rows = await cluster.status();
    t.equal(rows.length, 3);
    t.equal(rows.filter((row) => row.role === 'leader').length, 1);
    for (const row of rows) {
      for (const field of ['term', 'commitIndex', 'appliedIndex', 'revision'] as const) {
        t.ok(row[field] > 0, `${row.name} ${field} ${String(row[field])}`);
      }
      t.match(row.address, /:\d+$/);
    }
    const table = await keelson(['status', '--data-dir', cluster.dataDir]);
    t.match(table.stdout.split('\n')[0], /name +role +term/i);
  });

  await t.test('the store is reached by keelson kv', async (t) => {
    t.equal((await cluster.kv('put', 'greeting', 'hello')).exitCode, 0);
    t.equal((await cluster.kv('get', 'greeting')).stdout.trim(), 'hello');
    const first = JSON.parse((await cluster.kv('get', 'greeting', '-o', 'json')).stdout) as object;
    t.hasProp(first, 'revision');
    await cluster.kv('put', 'greeting', 'again');
    const listed = await cluster.kv('list', '--prefix', 'greet', '--keys-only');
    t.equal(listed.stdout.trim(), 'greeting');
    t.equal((await cluster.kv('delete', 'greeting')).exitCode, 0);
    const gone = await cluster.kv('get', 'greeting');
    t.not(gone.exitCode, 0);
    t.match(gone.stderr, /greeting/);
  });

  await t.test('a process that dies is started again, in one line', async (t) => {
    const [victim] = cluster.replicas();
    process.kill(victim!.pid, 'SIGKILL');
    const next = await eventually('it is back', () =>
      cluster.replicas().find(({ name, pid }) => name === victim!.name && pid !== victim!.pid),
    );
    t.ok(isAlive(next.pid));
    const lines = cluster.output.split('\n').filter((line) => line.includes(victim!.name));
    t.ok(
      lines.some((line) => /SIGKILL/.test(line)),
      lines.join('\n'),
    );
    await eventually('all members answer', async () =>
      (await cluster.status()).every((row) => row.appliedIndex > 0) ? true : undefined,
    );
  });

  await t.test('a second supervisor on the same directory is refused by name', async (t) => {
    const second = await keelson(['up', '--data-dir', cluster.dataDir, '--port', '0']);
    t.not(second.exitCode, 0);
    t.match(second.stderr, cluster.dataDir);
    t.match(second.stderr, String(cluster.supervisorPid));
    t.notMatch(second.stderr, noStackTrace);
  });

  await t.test('SIGTERM stops everything cleanly, and the data is found again', async (t) => {
    await kubectl.ok(
      ['create', '-f', '-'],
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: kept}',
    );
    const pids = cluster.upFile().processes.map(({ pid }) => pid);
    t.equal(await cluster.stop('SIGTERM'), 0);
    t.strictSame(pids.filter(isAlive), []);
    await cluster.up();
    t.match(await cluster.kubectl().ok(['get', 'ns', 'kept', '-o', 'name']), 'namespace/kept');
  });

  await t.test('a supervisor killed with SIGKILL leaves no orphan', async (t) => {
    const pids = cluster.upFile().processes.map(({ pid }) => pid);
    await cluster.stop('SIGKILL');
    await eventually('all children end', () => (pids.some(isAlive) ? undefined : true));
    t.pass('no process is left');
    await cluster.up();
    t.match(await cluster.kubectl().ok(['get', 'ns', 'kept', '-o', 'name']), 'namespace/kept');
  });
});

t.test('a damaged segment is refused by its member and named; the rest serves', async (t) => {
  const cluster = await ProcessCluster.start(['--no-restart']);
  t.teardown(() => cluster.destroy());
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: kept}';
  await cluster.kubectl().ok(['create', '-f', '-'], namespace);
  // Killed, so that it could not flush: a log below a flush is not needed, and not refused.
  const [victim] = cluster.replicas();
  process.kill(victim!.pid, 'SIGKILL');
  await eventually('it is dead', () => (isAlive(victim!.pid) ? undefined : true));
  await cluster.stop('SIGTERM');
  const segment = damageNewestSegment(join(cluster.dataDir, victim!.name, 'wal'));
  await cluster.up();
  const line = await eventually('the supervisor passes the message on', () =>
    cluster.output.split('\n').find((text) => text.includes(segment)),
  );
  t.match(line, victim!.name);
  t.notMatch(cluster.output, noStackTrace);
  t.match(await cluster.kubectl().ok(['get', 'ns', 'kept', '-o', 'name']), 'namespace/kept');
});

/** Flips a byte in the middle of what the newest segment holds; returns the file's name. */
function damageNewestSegment(walDirectory: string): string {
  const segment = readdirSync(walDirectory)
    .filter((name) => name.endsWith('.wal'))
    .sort()
    .at(-1)!;
  const path = join(walDirectory, segment);
  const bytes = readFileSync(path);
  const end = bytes.findLastIndex((byte) => byte !== 0);
  const header = 4096;
  // Somewhere inside of a record, with whole batches behind it.
  let at = header + Math.floor((end - header) / 2);
  while (bytes[at] === 0) at -= 1;
  bytes[at]! ^= 0xff;
  writeFileSync(path, bytes);
  return segment;
}

t.test('several API servers: the front port hands connections to the living ones', async (t) => {
  const cluster = await ProcessCluster.start([
    '--apiservers',
    '2',
    '--replicas',
    '1',
    '--no-restart',
  ]);
  t.teardown(() => cluster.destroy());
  const kubectl = cluster.kubectl();
  const contexts = (await kubectl.ok(['config', 'get-contexts', '-o', 'name'])).trim().split('\n');
  t.equal(contexts.length, 3, 'the front port, and each server');
  const servers = cluster.upFile().processes.filter(({ role }) => role === 'apiserver');
  t.equal(servers.length, 2);
  await kubectl.ok(
    ['create', '-f', '-'],
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: shared}',
  );
  process.kill(servers[0]!.pid, 'SIGKILL');
  await eventually('it is dead', () => (isAlive(servers[0]!.pid) ? undefined : true));
  for (let i = 0; i < 4; i++) {
    t.match(await kubectl.ok(['get', 'ns', 'shared', '-o', 'name']), 'namespace/shared');
  }
});

t.test('bad input gets one sentence that names it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => busy.close());
  const { port } = busy.address() as AddressInfo;
  const rows: [string[], RegExp][] = [
    [['up', '--replicas', '2'], /--replicas.*2/],
    [['up', '--apiservers', 'x'], /--apiservers.*x/],
    [['up', '--port', '70000'], /--port.*70000/],
    [['up', '--bogus'], /--bogus/],
    [['bogus'], /bogus/],
    [['kv', 'get'], /key/],
    [['kv', 'list', '--limit', '-1', '--data-dir', directory], /--limit.*-1/],
    [['status', '--data-dir', directory], new RegExp(directory)],
    [
      ['up', '--data-dir', directory, '--port', String(port)],
      new RegExp(`${String(port)}.*--port`, 's'),
    ],
  ];
  for (const [args, expected] of rows) {
    const result = await keelson(args);
    const name = args.join(' ');
    t.not(result.exitCode, 0, name);
    t.match(result.stderr, expected, name);
    t.notMatch(result.stderr, noStackTrace, name);
  }
  const help = await keelson(['up', '--help']);
  t.equal(help.exitCode, 0);
  for (const flag of ['--replicas', '--data-dir', '--tls-san']) t.match(help.stdout, flag);
});
