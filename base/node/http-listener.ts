/**
 * The replica's small HTTP servers: one under its WebSockets, which answers nothing else, and an
 * optional one for health and metrics. The Kubernetes API has a server of its own
 * (`apiserver/http/server.ts`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { formatAddress, listenError, parseAddress } from './address';
import { nodeError } from './errors';

/** A process's certificate, its key, and whom it trusts; all PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
  /** Authorities; the other side must show a certificate of one of them. */
  readonly authority: string;
}

/** A server that is listening. */
export interface HttpListener {
  /** What was really bound, `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** An answer of the health and metrics listener. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const NOT_FOUND: HttpAnswer = {
  status: 404,
  contentType: 'text/plain; charset=utf-8',
  body: 'not found\n',
};

/** The server under WebSockets: mutual TLS, or plain where that was asked for. */
export function createUpgradeServer(tls: TlsIdentity | undefined): Server {
  const refuse = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' });
    response.end('This port speaks the WebSocket protocol of keelson replicas only.\n');
  };
  if (tls === undefined) return createServer(refuse);
  return https.createServer({ ...secureOptions(tls), handshakeTimeout: 5_000 }, refuse);
}

/** Gives a TLS server new certificates; connections that exist keep theirs. */
export function replaceServerTls(server: Server, tls: TlsIdentity): void {
  if (server instanceof https.Server) server.setSecureContext(secureOptions(tls));
}

function secureOptions(tls: TlsIdentity): https.ServerOptions {
  return {
    cert: tls.certificate,
    key: tls.key,
    ca: tls.authority,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  };
}

/** Listens on `host:port`; resolves with the address really bound. */
export function listenOn(server: Server, address: string): Promise<string> {
  const wanted = parseAddress(address);
  if (wanted === undefined) {
    const message = `Cannot listen as an address is host:port: received ${JSON.stringify(address)}`;
    return Promise.reject(nodeError('NETWORK_ADDRESS_UNUSABLE', message));
  }
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(address, error)));
    server.listen(wanted.port, wanted.host, () => {
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      const bound = server.address() as AddressInfo;
      resolve(formatAddress({ host: wanted.host, port: bound.port }));
    });
  });
}

/** Serves GET requests by path, without TLS: health and metrics of a replica, on loopback. */
export async function startHttpListener(
  address: string,
  answer: (path: string) => Promise<HttpAnswer | undefined>,
): Promise<HttpListener> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const found = request.method === 'GET' ? answer(path) : Promise.resolve(undefined);
    void found
      .catch((error: unknown) => ({ ...NOT_FOUND, status: 500, body: `${String(error)}\n` }))
      .then((given) => {
        const { status, contentType, body } = given ?? NOT_FOUND;
        response.writeHead(status, { 'content-type': contentType });
        response.end(body);
      });
  });
  const bound = await listenOn(server, address);
  return {
    address: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
