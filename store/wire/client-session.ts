/**
 * Which replica a client talks to. It stays with one that lives; dials the next when that one
 * dies, stops, falls silent or has no leader; and backs off with full jitter when a whole round of
 * endpoints failed.
 *
 *   none --want--> dialling --hello--> current --gone--> none (and dials on while needed)
 *                                      current --leave--> draining (answers still come) --> gone
 */
import type { Cancel, Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import { ClientConnection, type ClientConnectionOwner } from './client-connection';
import type { ServerMessage } from './messages';

/** Times of a session, in milliseconds. */
export const SESSION_TIMES = {
  /** From dialling to the replica's introduction. */
  connectTimeoutMs: 2_000,
  backoffBaseMs: 50,
  backoffMaxMs: 1_000,
  /** Between two looks at a silent connection. */
  pingIntervalMs: 1_000,
  /** Looks without any frame until the connection counts as dead. */
  silentLooksMax: 4,
  /** Between two attempts to find a replica that has a leader. */
  seekIntervalMs: 500,
} as const;

/** What a session is made of. */
export interface SessionOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly endpoints: readonly string[];
  readonly logger: Logger;
}

/** The owner of a session. */
export interface SessionOwner {
  /** Requests and watches go to this connection from now on. */
  onCurrent(connection: ClientConnection): void;
  onMessage(connection: ClientConnection, message: ServerMessage): void;
  beforeFlush(connection: ClientConnection): void;
  /** What was under way on it will not be answered. */
  onLost(connection: ClientConnection, reason: string): void;
  /** Whether something waits for a connection. */
  isWaiting(): boolean;
  /** Whether something waits for an answer on it. */
  isUsing(connection: ClientConnection): boolean;
}

/** Keeps one good connection. */
export class ClientSession implements ClientConnectionOwner {
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  readonly #draining = new Set<ClientConnection>();
  #current: ClientConnection | undefined;
  #dialling: ClientConnection | undefined;
  #next: number;
  #failures = 0;
  #clusterId: string | undefined;
  /** Why each endpoint was of no use when it was last tried. */
  readonly #reasons = new Map<string, string>();
  #cancelDial: Cancel | undefined;
  #cancelPing: Cancel | undefined;
  #cancelSeek: Cancel | undefined;
  #isClosed = false;

  constructor(options: SessionOptions, owner: SessionOwner) {
    this.#options = options;
    this.#owner = owner;
    // Clients spread over the replicas by where they begin.
    this.#next = options.random.below(Math.max(1, options.endpoints.length));
  }

  /** The connection to use, if there is one. */
  get current(): ClientConnection | undefined {
    return this.#current;
  }

  /** Why there is no connection, endpoint by endpoint, for messages. */
  get reason(): string {
    const reasons = [...this.#reasons].map(([address, reason]) => `${address}: ${reason}`);
    return reasons.length === 0 ? 'none was tried yet' : reasons.join('; ');
  }

  /** Sees to it that there will be a connection. */
  want(): void {
    if (this.#current !== undefined || this.#isClosed) return;
    if (this.#dialling === undefined && this.#cancelDial === undefined) this.#dial();
  }

  /** Goes elsewhere with all that is new; what is under way is still answered. */
  leave(connection: ClientConnection): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    this.#draining.add(connection);
    this.want();
  }

  /** A draining connection may have nothing left to answer. */
  settle(connection: ClientConnection): void {
    if (this.#draining.has(connection) && !this.#owner.isUsing(connection)) {
      connection.close('moved to another replica');
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelDial?.();
    this.#cancelPing?.();
    this.#cancelSeek?.();
    this.#dialling?.close('client closed');
    this.#current?.close('client closed');
    for (const connection of [...this.#draining]) connection.close('client closed');
  }

  onReady(connection: ClientConnection): void {
    if (connection !== this.#dialling) return;
    this.#clusterId ??= connection.clusterId;
    if (connection.clusterId !== this.#clusterId) {
      connection.close(`it belongs to cluster ${connection.clusterId}, not ${this.#clusterId}`);
      return;
    }
    if (this.#current !== undefined && !connection.hasLeader) {
      connection.close('it has no leader either');
      return;
    }
    this.#endDial();
    this.#failures = 0;
    this.#reasons.clear();
    const before = this.#current;
    this.#current = connection;
    if (before !== undefined) this.#draining.add(before);
    this.#watchOver(connection);
    this.#owner.onCurrent(connection);
    for (const drained of [...this.#draining]) this.settle(drained);
    if (!connection.hasLeader) this.#seek();
  }

  onMessage(connection: ClientConnection, message: ServerMessage): void {
    this.#owner.onMessage(connection, message);
  }

  onHealth(connection: ClientConnection): void {
    if (connection === this.#current && !connection.hasLeader) this.#seek();
  }

  onGoodbye(connection: ClientConnection): void {
    this.leave(connection);
  }

  beforeFlush(connection: ClientConnection): void {
    this.#owner.beforeFlush(connection);
  }

  onGone(connection: ClientConnection, reason: string): void {
    if (connection === this.#dialling) {
      this.#reasons.set(connection.address, reason);
      this.#endDial();
      this.#failures += 1;
      this.#dialAgain();
      return;
    }
    if (this.#draining.delete(connection)) {
      this.#owner.onLost(connection, reason);
    } else if (connection === this.#current) {
      this.#reasons.set(connection.address, reason);
      this.#options.logger.info('lost the connection to a replica', {
        address: connection.address,
        reason,
      });
      this.#current = undefined;
      this.#cancelPing?.();
      this.#owner.onLost(connection, reason);
      if (this.#owner.isWaiting()) this.want();
    }
  }

  #dial(): void {
    const { network, clock, endpoints } = this.#options;
    const address = endpoints[this.#next++ % endpoints.length];
    if (address === undefined || this.#isClosed) return;
    const connection = new ClientConnection(network, address, this);
    this.#dialling = connection;
    this.#cancelDial = clock.after(SESSION_TIMES.connectTimeoutMs, () =>
      connection.close('no answer'),
    );
  }

  #endDial(): void {
    this.#dialling = undefined;
    this.#cancelDial?.();
    this.#cancelDial = undefined;
  }

  /** The next endpoint at once, but a pause after each fruitless round of all of them. */
  #dialAgain(): void {
    const { clock, random, endpoints } = this.#options;
    if (this.#isClosed || this.#current !== undefined) return;
    if (!this.#owner.isWaiting()) return;
    const rounds = Math.floor(this.#failures / endpoints.length);
    if (this.#failures % endpoints.length !== 0) {
      this.#dial();
      return;
    }
    const { backoffBaseMs, backoffMaxMs } = SESSION_TIMES;
    const limit = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(rounds, 10));
    this.#cancelDial = clock.after(random.unit() * limit, () => {
      this.#cancelDial = undefined;
      this.#dial();
    });
  }

  /** Looks for a replica that has a leader while the current one has none. */
  #seek(): void {
    const { clock, random, endpoints } = this.#options;
    if (endpoints.length < 2 || this.#cancelSeek !== undefined) return;
    const wait = SESSION_TIMES.seekIntervalMs * (0.5 + random.unit() / 2);
    this.#cancelSeek = clock.after(wait, () => {
      this.#cancelSeek = undefined;
      if (this.#current === undefined || this.#current.hasLeader || this.#isClosed) return;
      if (this.#dialling === undefined && this.#cancelDial === undefined) {
        const isSelf = (): boolean =>
          endpoints[this.#next % endpoints.length] === this.#current?.address;
        if (isSelf()) this.#next += 1;
        this.#dial();
      }
      this.#seek();
    });
  }

  /** Pings a silent connection, and gives it up after a while. */
  #watchOver(connection: ClientConnection): void {
    this.#cancelPing?.();
    let frames = connection.frames;
    let silentLooks = 0;
    const look = (): void => {
      if (connection !== this.#current) return;
      silentLooks = connection.frames === frames ? silentLooks + 1 : 0;
      frames = connection.frames;
      if (silentLooks > SESSION_TIMES.silentLooksMax) {
        connection.close('silent for too long');
        return;
      }
      if (silentLooks > 0) connection.write(0, { kind: 'ping' });
      this.#cancelPing = this.#options.clock.after(SESSION_TIMES.pingIntervalMs, look);
    };
    this.#cancelPing = this.#options.clock.after(SESSION_TIMES.pingIntervalMs, look);
  }
}
