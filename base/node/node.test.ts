/** The small real edges: clock, chance, checksum, log lines, HTTP, addresses, certificates. */
import { spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { crc32, pureCrc32, useNativeCrc32 } from '../crc32';
import { type KeelsonError } from '../error';
import { formatAddress, listenError, parseAddress } from './address';
import {
  certificateEndMs,
  certificateFault,
  createAuthority,
  issueCertificate,
  renewAuthority,
  type CertificateRequest,
} from './certificates';
import { startHttpListener } from './http-listener';
import { LineWriter } from './line-writer';
import { installNativeCrc32 } from './native-crc32';
import { RealClock } from './real-clock';
import { systemRandom } from './real-random';
import { droppedLine, StderrLogger, type LogFormat, type LogLevel } from './stderr-logger';

const DAY_MS = 24 * 60 * 60 * 1000;

t.test('a timer never runs early, and not after its cancel', async (t) => {
  const clock = new RealClock();
  for (const ms of [0, 0.4, 1, 3.7]) {
    const startMs = clock.monotonicMs();
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    t.ok(clock.monotonicMs() - startMs >= ms);
  }
  const cancel = clock.after(1, () => t.fail('cancelled'));
  cancel();
  cancel();
  await new Promise<void>((resolve) => clock.after(5, resolve));
  // Beyond 31 bits Node would run it at once.
  clock.after(2 ** 33, () => t.fail('too early'))();
  t.ok(Math.abs(clock.wallMs() - Date.now()) < 60_000);
});

t.test('system chance differs from run to run, and replays from its seed', (t) => {
  const first = systemRandom();
  t.not(first.seed, systemRandom().seed);
  t.same(systemRandom(first.seed).random.bytes(16), first.random.bytes(16));
  t.end();
});

t.test("zlib's checksum gives the values of the pure form", (t) => {
  const bytes = Uint8Array.from({ length: 999 }, (_, i) => (i * 7) & 0xff);
  installNativeCrc32();
  t.equal(crc32(bytes), pureCrc32(bytes));
  t.equal(crc32(bytes.subarray(100), crc32(bytes.subarray(0, 100))), pureCrc32(bytes));
  useNativeCrc32(pureCrc32);
  t.end();
});

t.test('addresses are read and written', (t) => {
  const cases = [
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ] as const;
  for (const [text, parts] of cases) {
    t.same(parseAddress(text), parts);
    t.equal(formatAddress(parts), text);
  }
  for (const text of ['', 'host', 'host:', ':80', 'host:65536', 'host:x', '::1:80', 'a b:1']) {
    t.equal(parseAddress(text), undefined, text);
  }
  const failed = (code: string): KeelsonError =>
    listenError('h:1', Object.assign(new Error('raw'), { code }));
  t.equal(failed('EADDRINUSE').code, 'NETWORK_ADDRESS_IN_USE');
  t.match(failed('EADDRNOTAVAIL').message, /^Cannot listen on h:1 as this machine has no such/);
  t.match(failed('EACCES').message, /may not listen/);
  t.match(failed('EOTHER').message, /raw/);
  t.end();
});

t.test('the health listener answers by path', async (t) => {
  const listener = await startHttpListener('127.0.0.1:0', (path) => {
    if (path === '/broken') return Promise.reject(new Error('broken'));
    const ok = { status: 200, contentType: 'text/plain', body: 'ok' };
    return Promise.resolve(path === '/healthz' ? ok : undefined);
  });
  const ask = async (path: string): Promise<string> => {
    const request = get(`http://${listener.address}${path}`);
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return `${response.statusCode} ${body.trim()}`;
  };
  t.equal(await ask('/healthz?verbose'), '200 ok');
  t.equal(await ask('/else'), '404 not found');
  t.equal(await ask('/broken'), '500 Error: broken');
  const nothing = (): Promise<undefined> => Promise.resolve(undefined);
  await t.rejects(startHttpListener(listener.address, nothing), {
    code: 'NETWORK_ADDRESS_IN_USE',
  });
  await t.rejects(startHttpListener('nonsense', nothing), /host:port/);
  await listener.close();
});

t.test('log lines have time, level, message and fields, in both forms', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-log-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const lines = async (format: LogFormat, level: LogLevel): Promise<readonly string[]> => {
    const path = join(directory, `${format}-${level}`);
    const fd = openSync(path, 'w');
    const writer = new LineWriter({ fd, describeDropped: (count) => droppedLine(format, count) });
    const logger = new StderrLogger({ writer, format, level, wallMs: () => 0 }).with({
      member: 'm1',
    });
    logger.debug('d');
    logger.info('two\nlines', { text: 'a b', none: undefined, count: 3 });
    logger.warn('w');
    logger.error('e');
    await writer.flush(30_000);
    closeSync(fd);
    return readFileSync(path, 'utf8').trim().split('\n');
  };
  const json = await lines('json', 'info');
  t.equal(json.length, 3);
  t.same(JSON.parse(json[0]!), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'info',
    message: 'two\nlines',
    member: 'm1',
    text: 'a b',
    count: 3,
  });
  const human = await lines('human', 'debug');
  t.equal(human.length, 4, 'a line feed makes no second line');
  t.equal(human[1], '1970-01-01T00:00:00.000Z INFO  two\\nlines member=m1 text="a b" count=3');
  t.equal((await lines('human', 'error')).length, 1);
});

t.test('a pipe that nobody reads stops nothing; lost lines are counted (R69)', async (t) => {
  // The child logs far more than a pipe holds while its loop must go on; then it says so on
  // another pipe. With Node's own process.stderr it would never get there.
  const code = `
    const { LineWriter } = require('./line-writer');
    const { droppedLine, StderrLogger } = require('./stderr-logger');
    const writer = new LineWriter({ fd: 2, describeDropped: (n) => droppedLine('json', n) });
    const logger = new StderrLogger({ writer, level: 'info', format: 'json', wallMs: Date.now });
    for (let i = 0; i < 20000; i++) logger.info('x'.repeat(200), { i });
    setTimeout(() => console.log('alive ' + writer.dropped), 1);
    process.stdin.on('data', () => { logger.warn('last'); writer.flush(10000).then(() => process.exit()); });`;
  const child = spawn(process.execPath, ['-r', 'ts-node/register/transpile-only', '-e', code], {
    cwd: __dirname,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const dropped = Number(/alive (\d+)/.exec(said.toString())?.[1]);
  t.ok(dropped > 10_000, `dropped ${dropped}`);
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stdin.write('go on\n');
  await once(child, 'close');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string; count?: number });
  const counted = lines.find((line) => line.count !== undefined);
  t.equal(counted?.count, dropped, 'the loss is said in the log itself');
  t.equal(lines.filter((line) => line.message.startsWith('x')).length + dropped, 20_000);
});

t.test('a reader that goes away harms nobody', async (t) => {
  const code = `
    const { LineWriter } = require('./line-writer');
    const writer = new LineWriter({ fd: 2, describeDropped: String });
    process.stdin.on('data', () => {
      for (let i = 0; i < 100; i++) writer.write('line');
      setTimeout(() => { writer.flushNow(); process.exit(7); }, 20);
    });
    console.log('up');`;
  const child = spawn(process.execPath, ['-r', 'ts-node/register/transpile-only', '-e', code], {
    cwd: __dirname,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await once(child.stdout, 'data');
  child.stderr.destroy();
  child.stdin.write('go\n');
  const [exitCode] = (await once(child, 'exit')) as [number];
  t.equal(exitCode, 7);
});

const request = (changes: Partial<CertificateRequest> = {}): CertificateRequest => ({
  commonName: 'kubernetes-admin',
  organizations: ['system:masters'],
  dnsNames: ['localhost', 'kubernetes.default.svc'],
  ipAddresses: ['127.0.0.1', '::1'],
  usages: ['server', 'client'],
  validDays: 365,
  nowMs: Date.now(),
  ...changes,
});

t.test("certificates are what Node's own verification expects", async (t) => {
  const authority = await createAuthority({
    commonName: 'an authority',
    validDays: 3650,
    nowMs: Date.now(),
  });
  const pair = await issueCertificate(authority, request());
  const root = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(pair.certificate);
  t.ok(root.ca);
  t.notOk(leaf.ca);
  t.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root));
  t.ok(leaf.checkPrivateKey(createPrivateKey(pair.key)));
  t.equal(leaf.subject, 'O=system:masters\nCN=kubernetes-admin');
  t.equal(leaf.checkHost('kubernetes.default.svc'), 'kubernetes.default.svc');
  t.equal(leaf.checkIP('::1'), '::1');
  t.equal(leaf.checkHost('example.com'), undefined);
  t.same(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  t.ok(Math.abs(certificateEndMs(pair.certificate) - Date.now() - 365 * DAY_MS) < DAY_MS);
});

t.test('openssl, where it is there, verifies the chain strictly', async (t) => {
  const authority = await createAuthority({
    commonName: 'an authority',
    validDays: 10,
    nowMs: Date.now(),
  });
  const pair = await issueCertificate(authority, request());
  const directory = mkdtempSync(join(tmpdir(), 'keelson-pki-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(directory, 'ca.crt'), authority.certificate);
  writeFileSync(join(directory, 'leaf.crt'), pair.certificate);
  const openssl = spawn('openssl', ['verify', '-x509_strict', '-CAfile', 'ca.crt', 'leaf.crt'], {
    cwd: directory,
  });
  let output = '';
  openssl.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  openssl.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const outcome = await new Promise<string>((resolve) => {
    openssl.once('error', () => resolve('missing'));
    openssl.once('close', () => resolve(output.trim()));
  });
  if (outcome === 'missing') t.pass('there is no openssl here');
  else t.equal(outcome, 'leaf.crt: OK');
});

t.test('why a certificate has to be made again', async (t) => {
  const nowMs = Date.now();
  const authority = await createAuthority({ commonName: 'one', validDays: 10, nowMs });
  const other = await createAuthority({ commonName: 'one', validDays: 10, nowMs });
  const pair = await issueCertificate(authority, request({ validDays: 30 }));
  const demand = {
    authority: authority.certificate,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    validUntilMs: nowMs + 10 * DAY_MS,
  };
  t.equal(certificateFault(pair, demand), undefined);
  const faults = [
    [pair, { ...demand, validUntilMs: nowMs + 40 * DAY_MS }, /about to end/],
    [pair, { ...demand, authority: other.certificate }, /another authority/],
    [pair, { ...demand, dnsNames: ['localhost', 'example.com'] }, /does not name example.com/],
    [pair, { ...demand, ipAddresses: ['10.0.0.1'] }, /does not name 10.0.0.1/],
    [{ ...pair, key: other.key }, demand, /key is another/],
    [{ ...pair, certificate: 'rubbish' }, demand, /cannot be read/],
  ] as const;
  for (const [given, wanted, fault] of faults) t.match(certificateFault(given, wanted), fault);
});

t.test('a renewed authority still vouches for what it signed before', async (t) => {
  const nowMs = Date.now();
  const authority = await createAuthority({ commonName: 'a name', validDays: 1, nowMs });
  const pair = await issueCertificate(authority, request({ validDays: 20 }));
  const renewed = await renewAuthority(authority, { commonName: '', validDays: 100, nowMs });
  t.ok(certificateEndMs(renewed.certificate) > nowMs + 99 * DAY_MS);
  const demand = {
    authority: renewed.certificate,
    dnsNames: [],
    ipAddresses: [],
    validUntilMs: nowMs,
  };
  t.equal(certificateFault(pair, demand), undefined);
  t.equal(certificateFault(await issueCertificate(renewed, request()), demand), undefined);
  t.ok(new X509Certificate(pair.certificate).checkIssued(new X509Certificate(renewed.certificate)));
});
