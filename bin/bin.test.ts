/** The command line and the files of a data directory, without starting a cluster. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { InvariantError } from '../base/assert';
import { certificateFault, parseAddress, type HostPort } from '../base/node';
import { SeededRandom } from '../base/random';
import { storeError } from '../store';
import { buildProgram } from './commands';
import {
  dataPaths,
  memberIdOf,
  newCluster,
  probePort,
  readClusterFile,
  requireClusterFile,
  writeClusterFile,
  type ClusterFile,
  type DataPaths,
} from './data-directory';
import { CommandError, describeFailure } from './failure';
import { openFrontPort } from './front-port';
import { writeKubeconfig } from './kubeconfig';
import { runKvGet } from './kv';
import { clientNameOf, ensureCertificates, peerNameOf, pkiPaths } from './pki';
import { openStoreAccess } from './store-access';
import { renderTable } from './table';
import { UpFileWriter } from './up-file';

function temporaryPaths(t: Test): DataPaths {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-bin-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return dataPaths(directory);
}

const cluster = (): Promise<ClusterFile> => newCluster(3, '127.0.0.1', new SeededRandom('bin'));

/** Parses without running: what commander says about a command line. */
async function parseError(args: readonly string[]): Promise<string> {
  const said: string[] = [];
  const quiet = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => said.push(text), writeOut: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
  };
  const program = buildProgram();
  for (const child of program.commands) {
    quiet(child);
    for (const grandchild of child.commands) quiet(grandchild);
  }
  program
    .exitOverride()
    .configureOutput({ writeErr: (text) => said.push(text), writeOut: () => undefined });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) return said.join('');
  }
  return '';
}

t.test('a wrong flag is refused in one sentence that names it', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['up --bogus', /unknown option '--bogus'/],
    ['up --replica 3', /unknown option '--replica'\n.*--replicas/],
    ['up --replicas 2', /--replicas.*'2' is invalid. It has to be 1, 3, 5 or 7/],
    ['up --replicas three', /'three' is invalid/],
    ['up --apiservers 0', /--apiservers.*from 1 to 16/],
    ['up --port 65536', /--port.*from 0 to 65535/],
    ['up --port -1', /--port/],
    ['up --bind-address a/b', /--bind-address.*IP address or a host name/],
    ['up --tls-san a,,b', /--tls-san/],
    ['up --log-level loud', /--log-level.*Allowed choices are debug, info, warn, error/],
    ['up extra', /too many arguments/],
    ['upp', /unknown command 'upp'/],
    ['transfer-leadership --to R_1', /--to.*lower-case/],
    ['transfer-leadership now', /too many arguments/],
    ['transfer-leadership -o table', /--output.*Allowed choices are text, json/],
    ['status -o yaml', /--output.*Allowed choices are table, json/],
    ['status --endpoints 127.0.0.1', /--endpoints.*host:port/],
    ['kv get --revision 0', /--revision.*whole number from 1/],
    ['kv list --limit x', /--limit/],
    ['kv put key', /missing required argument 'value'/],
    ['kv frobnicate', /unknown command 'frobnicate'/],
    ['replica', /required option '--name <name>' not specified/],
    ['replica --name A_B', /--name.*lower-case/],
    ['replica --name a --members a=1', /--members/],
    ['replica --name a --members a=h:1,a=h:2', /stands for two members/],
    ['replica --name a --cluster-id 12', /--cluster-id.*16 lower-case hex/],
    ['apiserver --listen 6443', /--listen.*host:port/],
  ];
  for (const [line, expected] of cases) {
    const message = await parseError(line.split(' '));
    t.match(message, expected, line);
    t.match(message, /^keelson: /, line);
    t.notMatch(message, / {4}at /, line);
  }
});

t.test('right flags are taken', async (t) => {
  const lines = [
    'up --replicas 5 --apiservers 2 --data-dir x --port 0 --kubeconfig f --no-restart',
    'up --bind-address :: --tls-san a,b --tls-san 10.0.0.1 --log-format json',
    'status -o json --endpoints a:1,[::1]:2 --ca a --cert b --key c --peer-name d',
    'kv list --prefix /registry --keys-only --data-dir d',
    'kv list --prefix=/registry --limit 3 -o json --revision 7',
    'kv get key --serializable --insecure-plaintext --endpoints a:1',
    'kv put key value',
    'kv delete --prefix /a',
    'kv watch --prefix /a --revision 3',
    'replica --name n1 --members n1=h:1,n2=h:2 --cluster-id 0123456789abcdef --profile fast',
    'apiserver --no-cache --listen 127.0.0.1:0',
    'apiserver --help',
  ];
  for (const line of lines) t.equal(await parseError(line.split(' ')), '', line);
});

t.test('failures are sentences; only bugs say that they are', (t) => {
  t.equal(describeFailure(new CommandError('So it is.')), 'So it is.');
  t.equal(describeFailure(storeError('STORE_STOPPED', 'It stopped')), 'It stopped');
  t.equal(
    describeFailure(Object.assign(new Error('EACCES: no'), { code: 'EACCES' })),
    'EACCES: no',
  );
  t.match(describeFailure(new TypeError('x is not a function')), /this is a bug in keelson/);
  t.match(describeFailure(new InvariantError('a fact holds')), /this is a bug in keelson/);
  t.equal(describeFailure('odd'), 'odd');
  t.end();
});

t.test('a cluster is written once and read back; members keep their ports', async (t) => {
  const paths = temporaryPaths(t);
  t.equal(readClusterFile(paths), undefined);
  t.throws(
    () => requireClusterFile(paths),
    /there is no cluster.json.*run `keelson up` there first/,
  );
  const made = await cluster();
  writeClusterFile(paths, made);
  t.same(requireClusterFile(paths), made);
  t.same(
    made.members.map((member) => member.name),
    ['replica-1', 'replica-2', 'replica-3'],
  );
  t.equal(new Set(made.members.map((member) => member.memberId)).size, 3);
  for (const { name, memberId, address } of made.members) {
    t.equal(memberId, memberIdOf(made.clusterId, name));
    const { port } = parseAddress(address) as HostPort;
    t.ok(port >= 20_000 && port < 32_000, 'out of the way of outgoing connections');
  }
  for (const text of [
    '',
    '{',
    '{}',
    '{"clusterId":"x","members":[]}',
    JSON.stringify({ ...made, members: [{}] }),
  ]) {
    writeFileSync(paths.cluster, text);
    t.throws(() => readClusterFile(paths), /is not what keelson wrote.*--data-dir/, text);
  }
});

t.test('a port that is taken is found before anything starts', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  t.equal(await probePort('127.0.0.1', port), 'EADDRINUSE');
  t.equal(await probePort('127.0.0.1', 0), 'free');
  await new Promise((resolve) => server.close(resolve));
  t.equal(await probePort('127.0.0.1', port), 'free');
});

t.test('certificates are made once, kept while good, made again when not', async (t) => {
  const paths = temporaryPaths(t);
  const made = await cluster();
  const nowMs = Date.now();
  const dayMs = 24 * 60 * 60 * 1000;
  const ensure = (apiNames: readonly string[], atMs = nowMs): Promise<readonly string[]> =>
    ensureCertificates({ directory: paths.pki, cluster: made, apiNames, nowMs: atMs });
  t.equal((await ensure([])).length, 2 + 3 + 3);
  t.same(await ensure([]), [], 'a second run makes nothing');
  const pki = pkiPaths(paths.pki);
  for (const pair of [pki.storeAuthority, pki.apiAuthority, pki.admin, pki.member('replica-1')]) {
    t.equal(statSync(pair.key).mode & 0o777, 0o600, 'keys are for their owner alone');
    t.ok(statSync(pair.certificate).mode);
  }
  t.same(await ensure(['example.com', '10.1.2.3']), [pki.apiServer.certificate], '--tls-san');
  t.same(await ensure([]), [], 'a name more does no harm');
  const certificate = new X509Certificate(readFileSync(pki.apiServer.certificate));
  for (const name of ['localhost', 'kubernetes.default.svc', 'example.com'])
    t.ok(certificate.checkHost(name), name);
  for (const ip of ['127.0.0.1', '::1', '10.1.2.3']) t.ok(certificate.checkIP(ip), ip);
  t.equal((await ensure(['example.com'], nowMs + 200 * dayMs)).length, 0);
  t.equal(
    (await ensure(['example.com'], nowMs + 300 * dayMs)).length,
    6,
    'renewed before they end',
  );
  const before = new X509Certificate(readFileSync(pki.storeAuthority.certificate));
  t.equal((await ensure(['example.com'], nowMs + 3400 * dayMs)).length, 8, 'authorities too');
  const after = new X509Certificate(readFileSync(pki.storeAuthority.certificate));
  t.ok(before.publicKey.equals(after.publicKey), 'an authority keeps its key');
  writeFileSync(pki.admin.key, 'damaged');
  t.same(await ensure(['example.com'], nowMs + 3400 * dayMs), [pki.admin.certificate]);
});

t.test('the authorities of API and store do not vouch for each other', async (t) => {
  const paths = temporaryPaths(t);
  const made = await cluster();
  await ensureCertificates({
    directory: paths.pki,
    cluster: made,
    apiNames: [],
    nowMs: Date.now(),
  });
  const pki = pkiPaths(paths.pki);
  const read = (path: string): string => readFileSync(path, 'utf8');
  const names = (path: string): string => new X509Certificate(read(path)).subjectAltName ?? '';
  const demand = { dnsNames: [], ipAddresses: [], validUntilMs: 0 };
  const admin = { certificate: read(pki.admin.certificate), key: read(pki.admin.key) };
  t.match(
    certificateFault(admin, { ...demand, authority: read(pki.storeAuthority.certificate) }),
    /another authority/,
  );
  t.equal(
    certificateFault(admin, { ...demand, authority: read(pki.apiAuthority.certificate) }),
    undefined,
  );
  t.equal(new X509Certificate(admin.certificate).subject, 'O=system:masters\nCN=kubernetes-admin');
  t.match(
    names(pki.member('replica-2').certificate),
    `DNS:replica-2, DNS:${peerNameOf(made.clusterId)}`,
  );
  t.equal(names(pki.storeClient.certificate), `DNS:${clientNameOf(made.clusterId)}`);
});

t.test('a kubeconfig is what clients read, and never goes over another file', (t) => {
  const paths = temporaryPaths(t);
  const options = {
    authority: 'CA',
    certificate: 'CERT',
    key: 'KEY',
    contexts: [
      { name: 'keelson', server: 'https://127.0.0.1:6445' },
      { name: 'keelson-apiserver-1', server: 'https://127.0.0.1:6443' },
    ],
  };
  writeKubeconfig(paths.kubeconfig, options);
  writeKubeconfig(paths.kubeconfig, options);
  t.equal(statSync(paths.kubeconfig).mode & 0o777, 0o600);
  const config = parse(readFileSync(paths.kubeconfig, 'utf8')) as {
    readonly 'current-context': string;
    readonly clusters: readonly {
      readonly name: string;
      readonly cluster: Record<string, string>;
    }[];
    readonly contexts: readonly {
      readonly name: string;
      readonly context: Record<string, string>;
    }[];
    readonly users: readonly { readonly name: string; readonly user: Record<string, string> }[];
  };
  t.equal(config['current-context'], 'keelson');
  t.same(
    config.contexts.map((context) => context.name),
    ['keelson', 'keelson-apiserver-1'],
  );
  t.equal(config.clusters[1]?.cluster['server'], 'https://127.0.0.1:6443');
  t.equal(config.clusters[0]?.cluster['certificate-authority-data'], 'Q0E=');
  t.same(config.users[0]?.user, {
    'client-certificate-data': 'Q0VSVA==',
    'client-key-data': 'S0VZ',
  });
  const other = join(paths.root, 'mine');
  writeFileSync(other, 'apiVersion: v1\n');
  t.throws(() => writeKubeconfig(other, options), /did not write what is there.*--kubeconfig/);
  t.equal(readFileSync(other, 'utf8'), 'apiVersion: v1\n');
  t.throws(() => writeKubeconfig(join(homedir(), '.kube', 'config'), options), /that is your own/);
  t.end();
});

t.test('up.json is replaced whole and removed at the end', (t) => {
  const paths = temporaryPaths(t);
  const file = new UpFileWriter(paths.up);
  file.write({ kubeconfig: '/k', processes: [] });
  const process = { name: 'replica-1', role: 'replica', pid: 7, addresses: ['a:1'] } as const;
  file.write({ kubeconfig: '/k', processes: [process] });
  t.same(JSON.parse(readFileSync(paths.up, 'utf8')), { kubeconfig: '/k', processes: [process] });
  file.remove();
  t.throws(() => readFileSync(paths.up));
  file.remove();
  t.end();
});

t.test('the store is found by directory, or by endpoints with certificates', async (t) => {
  const paths = temporaryPaths(t);
  const made = await cluster();
  writeClusterFile(paths, made);
  const flags = { dataDir: paths.root };
  t.throws(() => openStoreAccess(flags), /Cannot read the certificate file .*store-client.crt/);
  await ensureCertificates({
    directory: paths.pki,
    cluster: made,
    apiNames: [],
    nowMs: Date.now(),
  });
  t.same(
    openStoreAccess(flags).endpoints,
    made.members.map((member) => member.address),
  );
  const endpoints = ['127.0.0.1:1'];
  t.throws(() => openStoreAccess({ ...flags, endpoints }), /--endpoints needs --ca, --cert, --key/);
  t.same(openStoreAccess({ ...flags, endpoints, insecurePlaintext: true }).endpoints, endpoints);
  const pki = pkiPaths(paths.pki);
  const identity = {
    ca: pki.storeAuthority.certificate,
    cert: pki.storeClient.certificate,
    key: pki.storeClient.key,
    peerName: peerNameOf(made.clusterId),
  };
  t.same(openStoreAccess({ ...flags, endpoints, ...identity }).endpoints, endpoints);
  await t.rejects(runKvGet(undefined, { ...flags, output: 'text' }), /Name a key/);
  await t.rejects(runKvGet('a', { ...flags, output: 'text', prefix: 'b' }), /Name the prefix once/);
});

t.test('tables line up', (t) => {
  t.equal(
    renderTable([
      ['name', 'role'],
      ['replica-1', 'leader'],
    ]),
    'name       role\nreplica-1  leader\n',
  );
  t.end();
});

/** A server that greets with its name and echoes. */
async function greeter(
  name: string,
): Promise<{ readonly server: Server; readonly at: HostPort; readonly sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    at: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    sockets,
  };
}

/** Sends `text`, ends, and resolves with all that came back. */
function ask(at: HostPort, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ ...at, allowHalfOpen: true }, () => socket.end(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

t.test('the front port hands connections to those that live', async (t) => {
  const [one, two] = await Promise.all([greeter('one'), greeter('two')]);
  const live = [one.at, two.at];
  const front = await openFrontPort({
    listen: { host: '127.0.0.1', port: 0 },
    backends: () => live,
  });
  const at = parseAddress(front.address) as HostPort;
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(at, 'hello')));
  t.same(answers.toSorted(), ['one:hello', 'one:hello', 'two:hello', 'two:hello'], 'in turn');
  const big = 'x'.repeat(3_000_000);
  t.equal((await ask(at, big)).length, big.length + 4);
  // One dies without the supervisor knowing yet: connections go to the other.
  one.server.close();
  for (const socket of one.sockets) socket.destroy();
  for (let i = 0; i < 4; i++) t.equal(await ask(at, 'again'), 'two:again');
  two.server.close();
  t.equal(await ask(at, 'anyone'), '', 'nobody lives: the connection ends');
  await t.rejects(openFrontPort({ listen: at, backends: () => [] }), {
    code: 'NETWORK_ADDRESS_IN_USE',
  });
  front.close();
});
