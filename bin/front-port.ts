/**
 * One port in front of several API servers: each connection is handed, byte for byte, to one that
 * lives. TLS passes through untouched, so clients still see the API server's own certificate. A
 * connection stays where it is; when its API server dies it ends, and the client's next one goes
 * to another.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { formatAddress, listenError, type HostPort } from '../base/node';

/** Options of the front port. */
export interface FrontPortOptions {
  readonly listen: HostPort;
  /** The API servers that live now. */
  readonly backends: () => readonly HostPort[];
  readonly connectTimeoutMs?: number;
  readonly connectionsMax?: number;
}

/** A front port that is listening. */
export interface FrontPort {
  readonly address: string;
  close(): void;
}

/** Starts handing out connections, to each API server in turn. */
export function openFrontPort(options: FrontPortOptions): Promise<FrontPort> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.maxConnections = options.connectionsMax ?? 10_000;
  server.on('connection', (client) => {
    keep(sockets, client);
    const backends = options.backends();
    turn += 1;
    const order = backends.map((_, i) => backends[(turn + i) % backends.length] as HostPort);
    tryNext(client, order, options.connectTimeoutMs ?? 1_000, sockets);
  });
  return new Promise((resolve, reject) => {
    const wanted = formatAddress(options.listen);
    server.once('error', (error) => reject(listenError(wanted, error)));
    server.listen(options.listen.port, options.listen.host, () => {
      server.removeAllListeners('error');
      // Accepting may fail for want of descriptors: that connection is lost, the port is not.
      server.on('error', () => undefined);
      const { port } = server.address() as AddressInfo;
      resolve({
        address: formatAddress({ host: options.listen.host, port }),
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}

function tryNext(
  client: Socket,
  order: readonly HostPort[],
  timeoutMs: number,
  sockets: Set<Socket>,
): void {
  const [backend, ...rest] = order;
  if (backend === undefined || client.destroyed) {
    client.destroy();
    return;
  }
  const server = connect({ ...backend, noDelay: true, allowHalfOpen: true });
  keep(sockets, server);
  const timer = setTimeout(() => server.destroy(new Error('timeout')), timeoutMs);
  let isConnected = false;
  server.once('connect', () => {
    isConnected = true;
    clearTimeout(timer);
    client.pipe(server);
    server.pipe(client);
    client.once('close', () => server.destroy());
  });
  server.once('close', () => {
    clearTimeout(timer);
    if (isConnected) client.destroy();
    else tryNext(client, rest, timeoutMs, sockets);
  });
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  // `close` follows and is what decides; an unheard `error` would end the supervisor.
  socket.on('error', () => undefined);
}
