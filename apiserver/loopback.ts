/**
 * The API server as a client of itself: controllers and bootstrap go through `handle` like anybody
 * else, as a user that may do everything. A request is known by its identity as a JavaScript
 * object, so no header and no socket can claim it.
 */
import { WELL_KNOWN, type AuthenticationResult, type Authenticator, type UserInfo } from './auth';
import type { ApiHandler, ApiRequest, ApiResponse } from './machinery/api-handler';
import { encodeJson, parseTrustedJson } from './machinery/json';
import type { Json } from './machinery/object';
import { ApiError, type Status } from './machinery/status';

const USER: UserInfo = {
  name: 'system:apiserver',
  uid: '',
  groups: [WELL_KNOWN.mastersGroup],
  extra: {},
};

/** A request of the server to itself. */
export interface LoopbackRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly signal: AbortSignal;
}

/** Sends requests to the server's own handler, and recognises them when they arrive. */
export class Loopback implements Authenticator {
  readonly #own = new WeakSet<ApiRequest>();
  #handle: ApiHandler | undefined;

  /** Names the handler, which does not exist yet when its authenticators are made. */
  connect(handle: ApiHandler): void {
    this.#handle = handle;
  }

  authenticate(request: ApiRequest): Promise<AuthenticationResult> {
    const isOwn = this.#own.has(request);
    return Promise.resolve(isOwn ? { kind: 'user', user: USER } : { kind: 'notMine' });
  }

  /** The parsed answer; a failure is thrown as the `ApiError` it is. */
  async send(options: LoopbackRequest): Promise<Json> {
    const response = await this.#answer(options);
    const value = parseTrustedJson(await wholeBody(response));
    if (response.status < 400) return value;
    const status = value as unknown as Status;
    throw new ApiError({
      code: status.code ?? response.status,
      reason: status.reason ?? '',
      message: status.message ?? '',
      ...(status.details === undefined ? {} : { details: status.details }),
    });
  }

  async #answer(options: LoopbackRequest): Promise<ApiResponse> {
    const { method, path, query = {}, body, signal } = options;
    const bytes = body === undefined ? new Uint8Array() : encodeJson(body);
    const request: ApiRequest = {
      method,
      path,
      query: new URLSearchParams(query),
      headers: { 'user-agent': 'keelson-apiserver', 'content-type': 'application/json' },
      certificate: undefined,
      remoteAddress: 'loopback',
      readBody: () => Promise.resolve(bytes),
      signal,
    };
    this.#own.add(request);
    if (this.#handle === undefined) throw new Error('Cannot send a request before connect');
    return this.#handle(request);
  }
}

async function wholeBody({ body }: ApiResponse): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
