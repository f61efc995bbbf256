/** Serves a store on links of the protocol `kv`: any number of clients, each with many watches. */
import type { Link, LinkHandler } from '../../base/network';
import type { Logger } from '../../base/logger';
import { ServerConnection } from './server-connection';
import type { ServedStore } from './watch-source';

/** Whether a replica is of use: it follows a leader, or is one. */
export interface LeaderHealth {
  hasLeader(): boolean;
  /** Tells changes; returns the way to stop. */
  onChange(tell: (hasLeader: boolean) => void): () => void;
}

/** What a server is made of. */
export interface KvServerOptions {
  readonly store: ServedStore;
  readonly clusterId: string;
  readonly memberId: string;
  readonly health: LeaderHealth;
  readonly logger: Logger;
}

/** The serving end of the wire. */
export class KvServer {
  readonly #options: KvServerOptions;
  readonly #connections = new Set<ServerConnection>();
  readonly #stopHealth: () => void;
  #isStopping = false;
  #isGraceOver = false;
  #onDrained: (() => void) | undefined;

  constructor(options: KvServerOptions) {
    this.#options = options;
    this.#stopHealth = options.health.onChange((hasLeader) => {
      for (const connection of this.#connections) connection.tellHealth(hasLeader);
    });
  }

  /** Connected clients. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes over an accepted link; undefined while the server stops. */
  accept(link: Link): LinkHandler | undefined {
    if (this.#isStopping) return undefined;
    const { store, clusterId, memberId, health, logger } = this.#options;
    const connection = new ServerConnection(link, {
      store,
      clusterId,
      memberId,
      hasLeader: () => health.hasLeader(),
      isStopping: () => this.#isStopping,
      onGone: (gone) => {
        this.#connections.delete(gone);
        this.#checkDrained();
      },
      onIdle: () => this.#checkDrained(),
      onMalformed: ({ remoteAddress }, error) =>
        logger.warn('closed a link after a malformed frame', {
          remoteAddress,
          error: error.message,
        }),
    });
    this.#connections.add(connection);
    return connection;
  }

  /**
   * Tells clients to go elsewhere, refuses what is new, and resolves when all have gone, or when
   * `grace` is over and what was under way is answered: a request that is on its way to a link that
   * closes would end with an unknown outcome. The caller bounds the wait and calls {@link close}.
   */
  drain(grace: Promise<void>): Promise<void> {
    this.#isStopping = true;
    this.#stopHealth();
    for (const connection of this.#connections) connection.sayGoodbye();
    void grace.then(() => {
      this.#isGraceOver = true;
      this.#checkDrained();
    });
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#checkDrained();
    });
  }

  /** Ends all connections. May be called twice. */
  close(): void {
    this.#isStopping = true;
    this.#stopHealth();
    for (const connection of [...this.#connections]) connection.close();
    this.#connections.clear();
  }

  #checkDrained(): void {
    if (!this.#isGraceOver && this.#connections.size > 0) return;
    for (const connection of this.#connections) if (connection.requests > 0) return;
    this.#onDrained?.();
  }
}
