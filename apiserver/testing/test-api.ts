/**
 * An API server on the model store and a clock in the test's hands, called without sockets: what
 * the tests of verbs, answers and stages share.
 */
import { readApiFile } from '../../base/node';
import { nullLogger } from '../../base/logger';
import { SeededRandom } from '../../base/random';
import { NamespaceLifecycle, type AdmissionPlugin } from '../admission';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../api-server';
import { WELL_KNOWN, type Authenticator, type Authorizer, type UserInfo } from '../auth';
import type { ApiRequest, ApiResponse } from '../machinery/api-handler';
import { ManualClock } from '../storage/testing/manual-clock';
import { ModelKv } from '../storage/testing/model-kv';

/** A request in short. */
export interface TestRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** An answer, read to its end. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: ApiResponse['headers'];
  readonly text: string;
  /** The parsed body; undefined if it is no JSON. */
  readonly json: TestDocument;
}

/** A parsed answer, in which tests look around freely. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type TestDocument = any;

/** The user of all requests that send no `x-user`. */
const ADMIN: UserInfo = { name: 'admin', uid: '', groups: ['testers'], extra: {} };

/** Believes the header `x-user`, as `name` or `name,group`; `wrong` is a wrong credential. */
const trusting: Authenticator = {
  authenticate(request) {
    const given = request.headers['x-user'];
    if (given === undefined) return Promise.resolve({ kind: 'user', user: ADMIN });
    if (given === 'anonymous') return Promise.resolve({ kind: 'notMine' });
    if (given === 'wrong') return Promise.resolve({ kind: 'rejected' });
    const [name = '', ...groups] = given.split(',');
    return Promise.resolve({ kind: 'user', user: { ...ADMIN, name, groups } });
  },
};

const allowing: Authorizer = { authorize: () => Promise.resolve({ isAllowed: true, reason: '' }) };

/** A started server with its store and clock. */
export class TestApi {
  readonly clock = new ManualClock();
  readonly kv = new ModelKv({ clock: this.clock });
  readonly server: ApiServer;

  constructor(options: Partial<ApiServerOptions> = {}) {
    this.server = createApiServer({
      kv: this.kv,
      clock: this.clock,
      random: new SeededRandom('test'),
      logger: nullLogger,
      readApiFile,
      authenticators: () => [trusting],
      authorizer: () => allowing,
      admissionPlugins: ({ storageOf }): readonly AdmissionPlugin[] => [
        new NamespaceLifecycle(storageOf({ group: '', resource: 'namespaces' })),
      ],
      ...options,
    });
  }

  /** Sends a request and hands back the answer as it comes. */
  send(method: string, url: string, options: TestRequest = {}): Promise<ApiResponse> {
    const [path = '', query = ''] = url.split('?');
    const { body } = options;
    const bytes =
      body instanceof Uint8Array
        ? body
        : new TextEncoder().encode(
            typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
          );
    const request: ApiRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      headers: { ...options.headers },
      certificate: undefined,
      remoteAddress: '127.0.0.1',
      readBody: () => Promise.resolve(bytes),
      signal: options.signal ?? new AbortController().signal,
    };
    return this.server.handle(request);
  }

  /** Sends a request and reads the answer to its end. */
  async call(method: string, url: string, options: TestRequest = {}): Promise<TestAnswer> {
    const { status, headers, body } = await this.send(method, url, options);
    const chunks: Uint8Array[] = [];
    if (body instanceof Uint8Array) chunks.push(body);
    else for await (const chunk of body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = String(headers['content-type']).startsWith('application/json');
    return { status, headers, text, json: isJson ? (JSON.parse(text) as unknown) : undefined };
  }

  get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<TestAnswer> {
    return this.call('GET', url, { headers });
  }

  post(url: string, body: unknown): Promise<TestAnswer> {
    return this.call('POST', url, { body });
  }

  put(url: string, body: unknown): Promise<TestAnswer> {
    return this.call('PUT', url, { body });
  }

  patch(url: string, type: 'merge' | 'json' | 'strategic', body: unknown): Promise<TestAnswer> {
    const subtype = {
      merge: 'merge-patch',
      json: 'json-patch',
      strategic: 'strategic-merge-patch',
    };
    const headers = { 'content-type': `application/${subtype[type]}+json` };
    return this.call('PATCH', url, { body, headers });
  }

  delete(url: string, body?: unknown): Promise<TestAnswer> {
    return this.call('DELETE', url, { body });
  }

  /** Opens a watch; its events come out of the iterator one by one. */
  async watch(
    url: string,
    options: TestRequest = {},
  ): Promise<{ readonly answer: ApiResponse; readonly events: AsyncIterator<TestDocument> }> {
    const answer = await this.send('GET', url, options);
    return { answer, events: linesOf(answer) };
  }
}

/** A member of `system:masters`, for the header `x-user`. */
export const MASTER = `root,${WELL_KNOWN.mastersGroup}`;

/** Starts a server; it is closed at the end of the test. */
export async function startTestApi(
  t: { teardown(fn: () => Promise<void>): void },
  options: Partial<ApiServerOptions> = {},
): Promise<TestApi> {
  const api = new TestApi(options);
  await api.server.start();
  t.teardown(async () => {
    const closed = api.server.close();
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    // Shutdown spreads the ends of watches over time, which here moves only by hand.
    while (!isClosed) {
      api.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
  });
  return api;
}

async function* linesOf({ body }: ApiResponse): AsyncGenerator<TestDocument> {
  if (body instanceof Uint8Array) throw new Error(`no stream: ${Buffer.from(body).toString()}`);
  let rest = '';
  for await (const chunk of body) {
    rest += Buffer.from(chunk).toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as unknown;
  }
  if (rest !== '') throw new Error(`the watch ended inside a line: ${rest}`);
}
