/**
 * Links as WebSockets, over TLS with certificates on both sides (T1) or plain where that is asked
 * for. The protocol of a link is the WebSocket subprotocol, so that a change of the wire is a new
 * name and old and new refuse each other before the first frame.
 *
 * Who is at the other end: both sides accept only certificates of the cluster's own authority, a
 * dialler also requires the cluster's peer name in the server's certificate, and a link tells the
 * names that were proved (`peerNames`), by which the layer above decides who may do what.
 *
 *   dial -> opening -> open -> closed          send() queues while open, else says false
 *   accept ----------> open -> closed          onClose once, never from inside close()
 *
 * Frames of one turn leave in one write: the socket is corked at the first and uncorked after the
 * turn (1,000 frames of 300 B in flight: 2.2 instead of 9.5 µs CPU each side). A link that has
 * had nothing to read for `deadAfterMs` in spite of pings is dead (T8).
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { assert } from '../assert';
import type {
  Acceptor,
  CloseReason,
  Link,
  LinkHandler,
  Listener,
  Network,
  Protocol,
} from '../network';
import { createUpgradeServer, listenOn, replaceServerTls, type TlsIdentity } from './http-listener';

/** Limits and times of a network; all have defaults. */
export interface WsNetworkLimits {
  /** Larger frames are not sent, and end a link when they arrive (R93). */
  readonly frameBytesMax: number;
  /** More than this unsent ends the link: its owner did not watch `bufferedBytes`. */
  readonly bufferedBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly deadAfterMs: number;
}

/** Options of a network. */
export interface WsNetworkOptions {
  readonly security:
    | { readonly kind: 'plaintext' }
    | {
        readonly kind: 'mutualTls';
        readonly identity: TlsIdentity;
        /** The DNS name that the certificate of whoever is dialled must have. */
        readonly peerName: string;
      };
  readonly limits?: Partial<WsNetworkLimits>;
}

/** The limits where none are given. */
export const WS_NETWORK_LIMITS: WsNetworkLimits = {
  frameBytesMax: 16 * 1024 * 1024,
  bufferedBytesMax: 64 * 1024 * 1024,
  handshakeTimeoutMs: 2_000,
  pingIntervalMs: 1_000,
  deadAfterMs: 4_000,
};

const SUBPROTOCOLS: Readonly<Record<Protocol, string>> = {
  raft: 'keelson-raft.v1',
  kv: 'keelson-kv.v1',
  snapshot: 'keelson-snapshot.v1',
};
const PROTOCOLS = new Map(
  Object.entries(SUBPROTOCOLS).map(([protocol, name]) => [name, protocol as Protocol]),
);

/** A send that leaves more than this unsent asks for `onDrain`. */
const DRAIN_MARK_BYTES = 64 * 1024;
/** How long a closing handshake may take before the socket is destroyed. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Close codes of WebSockets that are used here. */
const CLOSE = { wrongData: 1003, refused: 1008, tooLarge: 1009, overload: 1013 } as const;

/** A network of WebSockets. */
export class WsNetwork implements Network {
  #security: WsNetworkOptions['security'];
  #secureContext: SecureContext | undefined;
  readonly #limits: WsNetworkLimits;
  readonly #links = new Set<WsLink>();
  readonly #servers = new Set<Server>();
  #pinger: NodeJS.Timeout | undefined;

  constructor(options: WsNetworkOptions) {
    this.#security = options.security;
    this.#limits = { ...WS_NETWORK_LIMITS, ...options.limits };
  }

  async listen(address: string, accept: Acceptor): Promise<Listener> {
    const server = createUpgradeServer(this.#identity());
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: this.#limits.frameBytesMax,
      clientTracking: false,
      handleProtocols: (offered) => [...offered].find((name) => PROTOCOLS.has(name)) ?? false,
    });
    const links = new Set<WsLink>();
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const link = this.#accept(webSocket, socket, accept);
        if (link === undefined) return;
        links.add(link);
        webSocket.once('close', () => links.delete(link));
      });
    });
    const bound = await listenOn(server, address);
    this.#servers.add(server);
    return {
      address: bound,
      close: () => {
        this.#servers.delete(server);
        for (const link of links) link.close(1001, 'the listener closes');
        return new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        });
      },
    };
  }

  dial(address: string, protocol: Protocol, handler: LinkHandler): Link {
    const scheme = this.#security.kind === 'plaintext' ? 'ws' : 'wss';
    const webSocket = new WebSocket(`${scheme}://${address}/`, [SUBPROTOCOLS[protocol]], {
      perMessageDeflate: false,
      maxPayload: this.#limits.frameBytesMax,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
      followRedirects: false,
      ...this.#clientTls(),
    });
    const link = new WsLink(webSocket, this.#limits, address);
    let socket: Socket | undefined;
    webSocket.once('upgrade', (response) => (socket = response.socket));
    webSocket.once('open', () => {
      if (socket !== undefined) link.open(socket, handler);
    });
    this.#watch(link, webSocket, handler);
    return link;
  }

  /** Uses new certificates for all links made from now on. */
  replaceIdentity(identity: TlsIdentity): void {
    assert(this.#security.kind === 'mutualTls', 'only a network with TLS has certificates');
    this.#security = { ...this.#security, identity };
    this.#secureContext = undefined;
    for (const server of this.#servers) replaceServerTls(server, identity);
  }

  #identity(): TlsIdentity | undefined {
    return this.#security.kind === 'mutualTls' ? this.#security.identity : undefined;
  }

  #clientTls(): ConnectionOptions {
    if (this.#security.kind === 'plaintext') return {};
    const { identity, peerName } = this.#security;
    this.#secureContext ??= createSecureContext({
      cert: identity.certificate,
      key: identity.key,
      ca: identity.authority,
      minVersion: 'TLSv1.3',
    });
    // Node checks the certificate's names against `servername`, whatever address was dialled.
    return { secureContext: this.#secureContext, servername: peerName, rejectUnauthorized: true };
  }

  #accept(webSocket: WebSocket, socket: Socket, accept: Acceptor): WsLink | undefined {
    const protocol = PROTOCOLS.get(webSocket.protocol);
    const address = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    const link = new WsLink(webSocket, this.#limits, address);
    link.open(socket, undefined);
    const handler = protocol === undefined ? undefined : accept(link, protocol);
    if (handler === undefined) {
      webSocket.on('error', () => undefined);
      link.close(CLOSE.refused, 'refused');
      return undefined;
    }
    link.handle(handler);
    this.#watch(link, webSocket, handler);
    return link;
  }

  /** Ties the end of the socket to the handler, and pings while any link lives. */
  #watch(link: WsLink, webSocket: WebSocket, handler: LinkHandler): void {
    this.#links.add(link);
    this.#pinger ??= startPinger(this.#links, this.#limits);
    let failure: Error | undefined;
    let isTold = false;
    const tell = (reason: CloseReason): void => {
      if (isTold) return;
      isTold = true;
      this.#links.delete(link);
      if (this.#links.size === 0) {
        clearInterval(this.#pinger);
        this.#pinger = undefined;
      }
      handler.onClose(reason);
    };
    link.onLocalClose = (reason) => queueMicrotask(() => tell(reason));
    webSocket.on('error', (error) => (failure ??= error));
    webSocket.once('close', (code, reason) => {
      link.end();
      tell({ code, message: failure?.message ?? reason.toString() });
    });
  }
}

/** Asks every quiet link for a sign of life, and ends those that gave none. */
function startPinger(links: ReadonlySet<WsLink>, limits: WsNetworkLimits): NodeJS.Timeout {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    // A stall of this process says nothing about the others: what arrived meanwhile is unread.
    const wasStalled = nowMs - lastMs > limits.pingIntervalMs * 2;
    lastMs = nowMs;
    for (const link of links) link.checkLife(nowMs, wasStalled);
  }, limits.pingIntervalMs);
  timer.unref();
  return timer;
}

class WsLink implements Link {
  readonly remoteAddress: string;
  onLocalClose: ((reason: CloseReason) => void) | undefined;
  readonly #webSocket: WebSocket;
  readonly #limits: WsNetworkLimits;
  #socket: Socket | undefined;
  #peerNames: readonly string[] = [];
  #handler: LinkHandler | undefined;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #isPaused = false;
  #heardMs = performance.now();
  #corkedFrames = 0;
  #wasBurst = false;
  /** Set while `onDrain` is owed: the amount that must be undercut. */
  #drainBelow: number | undefined;

  constructor(webSocket: WebSocket, limits: WsNetworkLimits, remoteAddress: string) {
    this.#webSocket = webSocket;
    this.#limits = limits;
    this.remoteAddress = remoteAddress;
    webSocket.on('pong', () => (this.#heardMs = performance.now()));
    webSocket.on('ping', () => (this.#heardMs = performance.now()));
  }

  /** Read once: Node forgets the certificate when the socket closes. */
  get peerNames(): readonly string[] {
    return this.#peerNames;
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** The socket is ready; a dialled link gets its handler here and is told so. */
  open(socket: Socket, handler: LinkHandler | undefined): void {
    if (this.#state !== 'opening') return;
    this.#socket = socket;
    if (socket instanceof TLSSocket && socket.authorized) this.#peerNames = namesOf(socket);
    this.#state = 'open';
    this.#heardMs = performance.now();
    if (handler === undefined) return;
    this.handle(handler);
    handler.onOpen?.();
  }

  /** Delivers what arrives from now on. */
  handle(handler: LinkHandler): void {
    this.#handler = handler;
    this.#webSocket.on('message', (data: RawData, isBinary: boolean) => {
      this.#heardMs = performance.now();
      if (this.#state !== 'open') return;
      if (isBinary) handler.onFrame(data as Buffer);
      else this.close(CLOSE.wrongData, 'only binary frames are understood');
    });
    if (this.#isPaused) this.#webSocket.pause();
  }

  send(frame: Uint8Array): boolean {
    if (this.#state !== 'open' || this.#webSocket.readyState !== WebSocket.OPEN) return false;
    assert(frame.length <= this.#limits.frameBytesMax, 'a frame is within its limit', {
      bytes: frame.length,
    });
    this.#cork();
    // One Buffer, never an array of them: ws turns an array into that many zero bytes.
    const waiting = this.#webSocket.bufferedAmount + frame.length;
    if (waiting <= DRAIN_MARK_BYTES) {
      this.#webSocket.send(frame);
      return true;
    }
    if (waiting > this.#limits.bufferedBytesMax) {
      this.close(CLOSE.overload, `more than ${this.#limits.bufferedBytesMax} bytes wait unsent`);
      return false;
    }
    this.#drainBelow = waiting / 2;
    this.#webSocket.send(frame, () => this.#afterLargeSend());
    return true;
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#heardMs = performance.now();
    this.#webSocket.resume();
  }

  close(code: number, message: string): void {
    if (this.#state === 'closed') return;
    const webSocket = this.#webSocket;
    this.end();
    if (webSocket.isPaused) webSocket.resume();
    webSocket.close(code, Buffer.from(message).subarray(0, 120));
    // The other end may never answer: its process may be stopped or its machine gone.
    const timer = setTimeout(() => webSocket.terminate(), CLOSE_TIMEOUT_MS);
    timer.unref();
    webSocket.once('close', () => clearTimeout(timer));
    this.onLocalClose?.({ code, message });
  }

  /** Nothing is sent or delivered from now on. */
  end(): void {
    this.#state = 'closed';
    this.#drainBelow = undefined;
    this.#uncork();
  }

  /** Pings a quiet link; ends one that has been quiet for too long. */
  checkLife(nowMs: number, wasStalled: boolean): void {
    if (this.#state !== 'open') return;
    // While paused nothing is read, so silence is this end's own doing.
    if (this.#isPaused || wasStalled) this.#heardMs = nowMs;
    const quietMs = nowMs - this.#heardMs;
    if (quietMs > this.#limits.deadAfterMs) {
      const message = `nothing was heard for ${Math.round(quietMs)} ms`;
      this.close(1001, message);
      this.#webSocket.terminate();
    } else if (quietMs * 2 >= this.#limits.pingIntervalMs) {
      this.#webSocket.ping();
    }
  }

  /**
   * Holds frames back to the end of the turn. After a turn with several frames the next ones wait
   * for the end of the poll phase instead, so that answers to requests read from several sockets
   * share a write too; a lone frame is not delayed by that (25 µs).
   */
  #cork(): void {
    this.#corkedFrames += 1;
    if (this.#corkedFrames > 1) return;
    this.#socket?.cork();
    const uncork = (): void => this.#uncork();
    if (this.#wasBurst) setImmediate(uncork);
    else process.nextTick(uncork);
  }

  #uncork(): void {
    if (this.#corkedFrames === 0) return;
    this.#wasBurst = this.#corkedFrames > 1;
    this.#corkedFrames = 0;
    this.#socket?.uncork();
  }

  #afterLargeSend(): void {
    if (this.#drainBelow === undefined || this.#state !== 'open') return;
    if (this.#webSocket.bufferedAmount > this.#drainBelow) return;
    this.#drainBelow = undefined;
    this.#handler?.onDrain?.();
  }
}

/** DNS names of the certificate that the other end proved. */
function namesOf(socket: TLSSocket): readonly string[] {
  const text = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  // Anything unusual is quoted by Node (`DNS:"…"`) and is no name of ours.
  return [...text.matchAll(/(?:^|, )DNS:([a-z0-9.-]+)(?=,|$)/gi)].map(
    (match) => match[1] as string,
  );
}
