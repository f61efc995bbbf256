/**
 * The API on a socket: TLS, HTTP/2 by ALPN and HTTP/1.1 on one port (K40), and nothing else. It
 * maps requests to `ApiRequest`s and writes `ApiResponse`s as fast as the socket takes them. A
 * client that goes away aborts its request; a stop lets answers finish and tells clients to go
 * (GOAWAY, `Connection: close`, K41).
 */
import type { IncomingHttpHeaders } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { ApiServerLimits } from '../limits';
import type { ApiHandler, ApiRequest, ApiResponse } from '../machinery/api-handler';
import { badRequest, requestEntityTooLarge, unauthorized } from '../machinery/status';
import {
  clientCertificateOf,
  isCertificateWrong,
  type CertifiedSocket,
} from './client-certificate';
import { errorResponse } from './respond';

/** What a server is made of. */
export interface ApiHttpServerOptions {
  readonly handle: ApiHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ApiServerLimits;
  /** PEM: the serving certificate with its chain, its key, and the CA of client certificates. */
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string;
}

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** A listening API server. */
export class ApiHttpServer {
  readonly #options: ApiHttpServerOptions;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #busy = new Set<AbortController>();
  #isStopping = false;

  constructor(options: ApiHttpServerOptions) {
    this.#options = options;
    this.#server = createSecureServer(
      {
        allowHTTP1: true,
        cert: options.certificate,
        key: options.key,
        ca: options.clientCa,
        requestCert: true,
        // Judged per request: no certificate is anonymous or a token, a wrong one is 401 (K67).
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        settings: { maxConcurrentStreams: options.limits.http2StreamsMax },
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on('secureConnection', (socket: Socket) => {
      // Watch events are small and must not wait for each other.
      socket.setNoDelay(true);
      this.#track(this.#sockets, socket);
    });
    this.#server.on('session', (session) => {
      this.#track(this.#sessions, session);
      session.on('error', () => session.destroy());
    });
    // A handshake that failed is the client's affair; it has no request to answer.
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('sessionError', () => undefined);
  }

  /** Listens; resolves with the port. Rejects with the system's error, as `EADDRINUSE`. */
  listen({ host, port }: ListenOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Serves from now on with renewed certificates; open connections keep theirs. */
  renew(certificates: Pick<ApiHttpServerOptions, 'certificate' | 'key' | 'clientCa'>): void {
    const { certificate: cert, key, clientCa: ca } = certificates;
    this.#server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.2' });
  }

  /** Accepts nothing new, lets answers finish, then cuts what is left after the grace (K41). */
  async close(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // close() of a session is GOAWAY: streams finish, no new ones begin.
    for (const session of this.#sessions) session.close();
    this.#closeIdle();
    const cancel = this.#options.clock.after(this.#options.limits.shutdownGraceMs, () => {
      for (const controller of this.#busy) controller.abort();
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cancel();
  }

  /** Ends kept-alive HTTP/1.1 connections on which nothing runs; the others end by themselves. */
  #closeIdle(): void {
    if (this.#busy.size > 0) return;
    for (const socket of this.#sockets) socket.destroySoon();
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const { handle, logger } = this.#options;
    const controller = new AbortController();
    this.#busy.add(controller);
    const abort = (): void => controller.abort();
    response.on('close', abort);
    // A broken connection shows itself by 'close' too; without a listener it would throw.
    response.on('error', abort);
    request.on('error', abort);
    try {
      const apiRequest = this.#requestOf(request, controller.signal);
      const answer = isCertificateWrong(tlsSocketOf(request))
        ? errorResponse({ request: apiRequest }, unauthorized())
        : await handle(apiRequest);
      await this.#write(answer, request, response, controller.signal);
    } catch (error) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.error('an answer could not be written', { path: request.url, cause });
      response.destroy();
    } finally {
      response.off('close', abort);
      this.#busy.delete(controller);
      if (this.#isStopping) this.#closeIdle();
    }
  }

  #requestOf(request: Http2ServerRequest, signal: AbortSignal): ApiRequest {
    const [path = '/', query = ''] = splitUrl(request.url);
    return {
      method: request.method,
      path,
      query: new URLSearchParams(query),
      headers: plainHeaders(request.headers),
      certificate: clientCertificateOf(tlsSocketOf(request)),
      remoteAddress: request.socket.remoteAddress ?? '',
      readBody: (bytesMax) => readBody(request, bytesMax),
      signal,
    };
  }

  async #write(
    answer: ApiResponse,
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    if (isAborted(signal)) return endBody(answer);
    const isHttp2 = request.httpVersionMajor === 2;
    response.statusCode = answer.status;
    for (const [name, value] of Object.entries(answer.headers)) {
      // Connection headers are HTTP/1.1's; HTTP/2 says the same with GOAWAY (RFC 9113 8.2.2).
      if (isHttp2 && name === 'connection') request.stream.session?.close();
      else response.setHeader(name, value);
    }
    // After 413 the rest of the body is still on its way: nothing else can use the connection.
    const isLast = this.#isStopping || answer.status === 413;
    if (isLast && !isHttp2) response.setHeader('connection', 'close');
    if (answer.body instanceof Uint8Array) {
      response.setHeader('content-length', answer.body.length);
      if (request.method === 'HEAD') response.end();
      else response.end(answer.body);
      await finished(response, signal);
      return;
    }
    if (request.method === 'HEAD') {
      await endBody(answer);
      response.end();
      return;
    }
    // K33: the client sees the headers before the first event.
    flushHeaders(response, isHttp2);
    for await (const chunk of answer.body) {
      // Gone meanwhile: leaving the loop tells the stream so.
      if (isAborted(signal)) return;
      if (!response.write(chunk)) await drained(response, signal);
    }
    response.end();
    await finished(response, signal);
  }

  #track<T extends Socket | ServerHttp2Session>(set: Set<T>, item: T): void {
    set.add(item);
    item.once('close', () => set.delete(item));
  }
}

/** The server is a TLS server: node's type of the socket does not say so. */
function tlsSocketOf(request: Http2ServerRequest): CertifiedSocket {
  return request.socket as Socket & CertifiedSocket;
}

function splitUrl(url: string): readonly string[] {
  const at = url.indexOf('?');
  return at === -1 ? [url] : [url.slice(0, at), url.slice(at + 1)];
}

/** Names are in lower case already; repeated headers are joined as HTTP says. */
function plainHeaders(headers: IncomingHttpHeaders): ApiRequest['headers'] {
  const plain: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':')) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

/**
 * The whole body; beyond the limit the rest is not read and the client gets 413 (K30). Not by
 * `for await`: leaving that loop would destroy the socket, and with it the answer.
 */
function readBody(request: Http2ServerRequest, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = (): Error => requestEntityTooLarge({ limit: bytesMax });
  if (Number(request.headers['content-length'] ?? '0') > bytesMax) {
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const onData = (chunk: Uint8Array): void => {
      bytes += chunk.length;
      if (bytes <= bytesMax) {
        chunks.push(chunk);
        return;
      }
      request.off('data', onData);
      request.pause();
      reject(tooLarge());
    };
    request.on('data', onData);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    // A client that goes away is no fault of ours, whatever node calls it.
    request.once('error', () => reject(badRequest('the request ended inside its body')));
    request.once('close', () => reject(badRequest('the request ended inside its body')));
  });
}

/** HTTP/1.1 has it under another name than the compatibility layer of HTTP/2. */
function flushHeaders(response: Http2ServerResponse, isHttp2: boolean): void {
  if (isHttp2) response.stream.respond(response.getHeaders());
  else (response as unknown as { flushHeaders(): void }).flushHeaders();
}

/** Resolves when the socket takes more, or when there is nobody to write to. */
function drained(response: Http2ServerResponse, signal: AbortSignal): Promise<void> {
  return settled(response, 'drain', signal);
}

/** Resolves when the answer is with the system, so that a stop does not cut it. */
function finished(response: Http2ServerResponse, signal: AbortSignal): Promise<void> {
  return response.writableFinished ? Promise.resolve() : settled(response, 'finish', signal);
}

function settled(
  response: Http2ServerResponse,
  event: 'drain' | 'finish',
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once(event, done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** Read anew each time: it changes while the caller waits. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Tells a stream that nobody reads it. */
async function endBody({ body }: ApiResponse): Promise<void> {
  if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.();
}
