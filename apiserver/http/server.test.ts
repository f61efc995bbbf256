/** The server on a real TLS socket: HTTP/1.1 and HTTP/2, certificates, streams, stop (K33, K40, K41). */
import { Agent, request as httpsRequest } from 'node:https';
import t from 'tap';
import { createAuthority, issueCertificate, RealClock, type CertifiedKey } from '../../base/node';
import { nullLogger } from '../../base/logger';
import { DEFAULT_API_SERVER_LIMITS, type ApiServerLimits } from '../limits';
import type { ApiHandler, ApiRequest } from '../machinery/api-handler';
import type { ApiError } from '../machinery/status';
import { get1, open1, open2, session2, textOf, type Target } from '../testing/tls-client';
import { errorResponse } from './respond';
import { ApiHttpServer } from './server';

interface Pki {
  readonly authority: CertifiedKey;
  readonly serving: CertifiedKey;
  readonly client: CertifiedKey;
  readonly stranger: CertifiedKey;
}

let pki: Pki;

t.before(async () => {
  const nowMs = Date.now();
  const authority = await createAuthority({ commonName: 'ca', validDays: 2, nowMs });
  const other = await createAuthority({ commonName: 'ca', validDays: 2, nowMs });
  const leaf = {
    ...{ dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], organizations: ['dev', 'ops'] },
    ...{ validDays: 1, nowMs },
  };
  const jane = { ...leaf, commonName: 'jane', usages: ['client'] as const };
  pki = {
    authority,
    serving: await issueCertificate(authority, { ...leaf, commonName: 's', usages: ['server'] }),
    client: await issueCertificate(authority, jane),
    stranger: await issueCertificate(other, jane),
  };
});

interface Started extends Target {
  readonly server: ApiHttpServer;
}

async function start(
  t: { teardown(fn: () => unknown): void },
  handle: ApiHandler,
  limits: Partial<ApiServerLimits> = {},
): Promise<Started> {
  const server = new ApiHttpServer({
    handle,
    clock: new RealClock(),
    logger: nullLogger,
    limits: { ...DEFAULT_API_SERVER_LIMITS, shutdownGraceMs: 200, ...limits },
    certificate: pki.serving.certificate,
    key: pki.serving.key,
    clientCa: pki.authority.certificate,
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => server.close());
  return { server, port, authority: pki.authority.certificate };
}

const encoder = new TextEncoder();

/** Answers with what it saw of the request. */
const echo: ApiHandler = async (request: ApiRequest) => {
  try {
    const body = await request.readBody(16);
    const { method, path, query, certificate, headers } = request;
    const seen = {
      method,
      path,
      query: query.toString(),
      certificate,
      agent: headers['user-agent'],
      body: Buffer.from(body).toString(),
    };
    return {
      status: 200,
      headers: { 'content-type': 'application/json', warning: ['a', 'b'] },
      body: encoder.encode(JSON.stringify(seen)),
    };
  } catch (error) {
    return errorResponse({ request }, error as ApiError);
  }
};

/** A watch in the test's hands: it says when its request was aborted. */
class Stream {
  readonly aborted: Promise<void>;
  #aborted: () => void = () => undefined;
  #wake: () => void = () => undefined;
  readonly #chunks: string[] = [];
  #isEnded = false;
  pulled = 0;

  constructor() {
    this.aborted = new Promise((resolve) => (this.#aborted = resolve));
  }

  readonly handle: ApiHandler = (request) => {
    request.signal.addEventListener('abort', () => {
      this.#aborted();
      this.end();
    });
    return Promise.resolve({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: this.#body(),
    });
  };

  push(chunk: string): void {
    this.#chunks.push(chunk);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.pulled += 1;
        yield encoder.encode(chunk);
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

t.test(
  'requests arrive whole over HTTP/1.1, with the verified certificate (K40, K67)',
  async (t) => {
    const target = await start(t, echo);
    const {
      status,
      headers,
      text: body,
    } = await get1(target, {
      method: 'POST',
      path: '/a%2Fb?x=1&x=2',
      body: 'hello',
      pair: pki.client,
    });
    t.equal(status, 200);
    t.same(JSON.parse(body), {
      method: 'POST',
      path: '/a%2Fb',
      query: 'x=1&x=2',
      certificate: { commonName: 'jane', organizations: ['dev', 'ops'] },
      body: 'hello',
    });
    t.match(headers, { warning: 'a, b', 'content-length': String(body.length) });
    const anonymous = JSON.parse((await get1(target)).text) as object;
    t.notOk('certificate' in anonymous, 'no certificate is no mistake');
    const head = await get1(target, { method: 'HEAD' });
    t.equal(head.text, '');
    t.ok(Number(head.headers['content-length']) > 0);
  },
);

t.test('a certificate of another authority is 401, whatever it says (K67)', async (t) => {
  const target = await start(t, echo);
  const { status, text: body } = await get1(target, { pair: pki.stranger });
  t.equal(status, 401);
  t.match(JSON.parse(body), { kind: 'Status', reason: 'Unauthorized', code: 401 });
});

t.test('a body at the limit is read, one byte more is 413 (K30)', async (t) => {
  const target = await start(t, echo);
  t.equal((await get1(target, { method: 'POST', body: 'x'.repeat(16) })).status, 200);
  const over = await get1(target, { method: 'POST', body: 'x'.repeat(17) });
  t.equal(over.status, 413);
  t.match(JSON.parse(over.text), { message: 'Request entity too large: limit is 16' });
  const chunked = await get1(target, { method: 'POST', body: 'x'.repeat(100_000), chunked: true });
  t.equal(chunked.status, 413, 'also when the length is not said beforehand');
  t.equal(chunked.headers.connection, 'close');
});

t.test(
  'HTTP/1.1: headers come before the first event, chunks as they are, a clean end (K33, T21)',
  async (t) => {
    const stream = new Stream();
    const target = await start(t, stream.handle);
    const { response } = await open1(target);
    t.equal(response.statusCode, 200);
    t.equal(response.headers['transfer-encoding'], 'chunked');
    const lines = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    stream.push('{"a":1}\n');
    t.equal(String((await lines.next()).value), '{"a":1}\n');
    stream.push('{"b":2}\n');
    t.equal(String((await lines.next()).value), '{"b":2}\n');
    stream.end();
    t.ok((await lines.next()).done);
    t.ok(response.complete, 'with its last chunk');
  },
);

t.test('HTTP/2: the same, many on one connection (K33, K40)', async (t) => {
  const streams = new Map<string, Stream>();
  const target = await start(t, (request) => {
    const stream = new Stream();
    streams.set(request.path, stream);
    return stream.handle(request);
  });
  const session = await session2(target);
  t.teardown(() => session.destroy());
  const paths = Array.from({ length: 300 }, (_, i) => `/${i}`);
  const open = await Promise.all(paths.map((path) => open2(session, path)));
  t.ok(
    open.every(({ headers }) => headers[':status'] === 200),
    'all have their headers, no event yet',
  );
  t.notOk('transfer-encoding' in (open[0]?.headers ?? {}));
  for (const [path, stream] of streams) stream.push(`${path}\n`);
  for (const stream of streams.values()) stream.end();
  const texts = await Promise.all(open.map(({ stream }) => textOf(stream)));
  t.same(
    texts,
    paths.map((path) => `${path}\n`),
  );
});

t.test('a client that goes away ends its request at once, on both protocols (K41)', async (t) => {
  const first = new Stream();
  const second = new Stream();
  const target = await start(t, (request) =>
    (request.path === '/1' ? first : second).handle(request),
  );
  const { abort } = await open1(target, { path: '/1' });
  abort();
  await first.aborted;
  const session = await session2(target);
  t.teardown(() => session.destroy());
  const { stream } = await open2(session, '/2');
  stream.close();
  await second.aborted;
  t.pass('both were told');
});

t.test('a client that goes away inside its body is a bad request, not a fault', async (t) => {
  let report: (error: unknown) => void = () => undefined;
  const failure = new Promise<unknown>((resolve) => (report = resolve));
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  const target = await start(t, async (request) => {
    arrived();
    await request.readBody(16).catch(report);
    return { status: 200, headers: {}, body: new Uint8Array() };
  });
  const { port, authority: ca } = target;
  const request = httpsRequest({ host: '127.0.0.1', port, ca, method: 'POST', agent: false });
  request.on('error', () => undefined);
  request.write('{');
  await arrival;
  request.destroy();
  t.match(await failure, { code: 400, message: 'the request ended inside its body' });
});

t.test('a client that does not read is not read ahead for (K20)', async (t) => {
  const stream = new Stream();
  const target = await start(t, stream.handle);
  const { response, abort } = await open1(target);
  response.pause();
  const chunks = 400;
  for (let i = 0; i < chunks; i++) stream.push('x'.repeat(64 * 1024));
  let pulled = -1;
  // Stable over several turns: the socket is full and the stream waits.
  for (let same = 0; same < 20; same = pulled === stream.pulled ? same + 1 : 0) {
    pulled = stream.pulled;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.ok(stream.pulled < chunks, `pulled ${stream.pulled} of ${chunks}`);
  abort();
  await stream.aborted;
});

t.test(
  'a stop lets answers finish, closes kept connections and sends GOAWAY (K41, T22)',
  async (t) => {
    const streams = [new Stream(), new Stream()] as const;
    const target = await start(
      t,
      (request) => {
        if (request.path === '/1') return streams[0].handle(request);
        return request.path === '/2' ? streams[1].handle(request) : echo(request);
      },
      { shutdownGraceMs: 60_000 },
    );
    const agent = new Agent({ keepAlive: true });
    t.teardown(() => agent.destroy());
    await get1(target, { agent });
    const session = await session2(target);
    t.teardown(() => session.destroy());
    const goaway = new Promise((resolve) => session.once('goaway', resolve));
    const { response } = await open1(target, { path: '/1' });
    const { stream: watch } = await open2(session, '/2');
    const closed = target.server.close();
    await goaway;
    for (const stream of streams) {
      stream.push('last\n');
      stream.end();
    }
    const texts = await Promise.all([textOf(watch), textOf(response)]);
    t.equal(texts.join(''), 'last\nlast\n', 'both streams ended cleanly');
    await closed;
    await t.rejects(get1(target), { code: 'ECONNREFUSED' });
  },
);

t.test('a stop cuts what does not end within the grace', async (t) => {
  const stream = new Stream();
  const target = await start(t, stream.handle, { shutdownGraceMs: 50 });
  const { response } = await open1(target);
  const cut = new Promise((resolve) => response.once('close', resolve));
  await target.server.close();
  await Promise.all([cut, stream.aborted]);
  t.pass();
});

t.test('a port in use is the system error that names it', async (t) => {
  const target = await start(t, echo);
  const second = new ApiHttpServer({
    ...{
      handle: echo,
      clock: new RealClock(),
      logger: nullLogger,
      limits: DEFAULT_API_SERVER_LIMITS,
    },
    ...{
      certificate: pki.serving.certificate,
      key: pki.serving.key,
      clientCa: pki.authority.certificate,
    },
  });
  await t.rejects(second.listen({ host: '127.0.0.1', port: target.port }), {
    code: 'EADDRINUSE',
    port: target.port,
  });
});

t.test('renewed certificates are shown to new connections', async (t) => {
  const target = await start(t, echo);
  const nowMs = Date.now();
  const renewed = await issueCertificate(pki.authority, {
    ...{
      commonName: 'renewed',
      organizations: [],
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    },
    ...{ usages: ['server'], validDays: 1, nowMs },
  });
  target.server.renew({
    certificate: renewed.certificate,
    key: renewed.key,
    clientCa: pki.authority.certificate,
  });
  const { response } = await open1(target);
  const socket = response.socket as unknown as {
    getPeerCertificate(): { subject: { CN: string } };
  };
  t.equal(socket.getPeerCertificate().subject.CN, 'renewed');
  await textOf(response);
});
