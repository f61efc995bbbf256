/** A client of a TLS server for tests: HTTP/1.1 and HTTP/2, answers as streams. */
import type { IncomingMessage } from 'node:http';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { request as httpsRequest, type Agent } from 'node:https';

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Where the server is, and whom it is to be believed by. */
export interface Target {
  readonly port: number;
  readonly authority: string;
}

/** A request over HTTP/1.1. */
export interface Http1Request {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  /** Send the body without its length. */
  readonly chunked?: boolean;
  readonly pair?: KeyPair;
  readonly agent?: Agent;
}

/** Opens an HTTP/1.1 request; resolves with the answer's headers. */
export function open1(
  { port, authority }: Target,
  { method = 'GET', path = '/', body, chunked = false, pair, agent }: Http1Request = {},
): Promise<{ readonly response: IncomingMessage; readonly abort: () => void }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      ...{ host: '127.0.0.1', port, method, path, ca: authority },
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
      ...(chunked ? { headers: { 'transfer-encoding': 'chunked' } } : {}),
      agent: agent ?? false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', () => undefined);
      resolve({ response, abort: () => request.destroy() });
    });
    request.end(body);
  });
}

/** An HTTP/1.1 answer, read to its end. */
export async function get1(
  target: Target,
  options: Http1Request = {},
): Promise<{
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}> {
  const { response } = await open1(target, options);
  const { statusCode: status, headers } = response;
  return { status, headers, text: await textOf(response) };
}

/** An HTTP/2 connection. */
export function session2({ port, authority }: Target): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { ca: authority });
  return new Promise((resolve, reject) => {
    session.once('connect', () => resolve(session));
    session.once('error', reject);
  });
}

/** Opens an HTTP/2 request; resolves with the answer's headers. */
export function open2(
  session: ClientHttp2Session,
  path: string,
): Promise<{
  readonly stream: ClientHttp2Stream;
  readonly headers: Readonly<Record<string, unknown>>;
}> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    stream.on('error', reject);
    stream.on('response', (headers) => resolve({ stream, headers }));
  });
}

/** A body as text. */
export async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
