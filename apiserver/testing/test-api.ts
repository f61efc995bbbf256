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
  /** The parsed body; empty if it is no JSON. */
  readonly json: TestDocument;
}

/** A parsed answer, as the tests look at it: a field that is not there is simply undefined. */
export interface TestDocument {
  readonly kind: string;
  readonly apiVersion: string;
  /** Of a Status. */
  readonly code: number;
  readonly message: string;
  /** Of a watch event. */
  readonly type: string;
  readonly object: TestDocument;
  readonly metadata: TestMetadata;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: { readonly replicas?: number; readonly conditions?: readonly unknown[] };
  readonly data: Readonly<Record<string, string>>;
  readonly items: readonly TestDocument[];
  readonly rows: readonly { readonly object: TestDocument | null }[];
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, unknown>> & readonly string[];
}

/** Metadata of an object or a list. */
export interface TestMetadata {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly generation: number;
  readonly continue: string;
  readonly remainingItemCount: number;
}

/** The body of a request. */
export type TestBody = Readonly<Record<string, unknown>>;

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

/** An open watch. */
export interface TestWatch {
  readonly answer: ApiResponse;
  /** The next event. */
  readonly next: () => Promise<TestDocument>;
  /** Whether the stream ends here, cleanly. */
  readonly ended: () => Promise<boolean>;
  /** Stops reading, as a client does that goes away. */
  readonly close: () => Promise<void>;
}

/** A started server with its store and clock. */
export class TestApi {
  readonly clock = new ManualClock();
  readonly kv = new ModelKv({ clock: this.clock });
  readonly server: ApiServer;
  /** Of the requests that were sent: a test leaves its watches open. */
  readonly #clients = new AbortController();

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
      signal: options.signal ?? this.#clients.signal,
    };
    return this.server.handle(request);
  }

  /** Ends what is open, and the server. */
  async close(): Promise<void> {
    this.#clients.abort();
    await this.server.close();
  }

  /** Sends a request and reads the answer to its end. */
  async call(method: string, url: string, options: TestRequest = {}): Promise<TestAnswer> {
    const { status, headers, body } = await this.send(method, url, options);
    const chunks: Uint8Array[] = [];
    if (body instanceof Uint8Array) chunks.push(body);
    else for await (const chunk of body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = String(headers['content-type']).startsWith('application/json');
    return { status, headers, text, json: (isJson ? JSON.parse(text) : {}) as TestDocument };
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
  async watch(url: string, options: TestRequest = {}): Promise<TestWatch> {
    const client = new AbortController();
    this.#clients.signal.addEventListener('abort', () => client.abort(), { once: true });
    const answer = await this.send('GET', url, { signal: client.signal, ...options });
    const events = linesOf(answer);
    const next = async (): Promise<TestDocument> => {
      const result = await events.next();
      if (result.done === true) throw new Error('Cannot read an event as the watch has ended');
      return result.value;
    };
    const ended = async (): Promise<boolean> => (await events.next()).done === true;
    const close = async (): Promise<void> => {
      client.abort();
      await events.return();
    };
    return { answer, next, ended, close };
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
  t.teardown(() => api.close());
  return api;
}

async function* linesOf({ body }: ApiResponse): AsyncGenerator<TestDocument, void, undefined> {
  if (body instanceof Uint8Array) throw new Error(`no stream: ${Buffer.from(body).toString()}`);
  let rest = '';
  for await (const chunk of body) {
    rest += Buffer.from(chunk).toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as TestDocument;
  }
  if (rest !== '') throw new Error(`the watch ended inside a line: ${rest}`);
}
