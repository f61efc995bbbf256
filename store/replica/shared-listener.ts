/**
 * One address for peers and clients: a `Network` whose `listen` joins a listener that is shared by
 * protocol. Raft's transport listens on it as on any other.
 */
import type {
  Acceptor,
  Link,
  LinkHandler,
  Listener,
  Network,
  Protocol,
} from '../../base/network';

/** Shares one listening address among protocols. */
export class SharedListener implements Network {
  readonly #network: Network;
  readonly #acceptors = new Map<Protocol, (link: Link) => LinkHandler | undefined>();
  #listener: Promise<Listener> | undefined;
  #rest: Acceptor | undefined;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Who takes links of `protocol`. */
  serve(protocol: Protocol, accept: (link: Link) => LinkHandler | undefined): void {
    this.#acceptors.set(protocol, accept);
  }

  /** Starts listening, or joins; `accept` gets the links of protocols that nobody serves. */
  async listen(address: string, accept: Acceptor): Promise<Listener> {
    this.#rest = accept;
    return this.open(address);
  }

  /** Starts listening if that has not happened yet. */
  open(address: string): Promise<Listener> {
    this.#listener ??= this.#network.listen(address, (link, protocol) => {
      const serve = this.#acceptors.get(protocol);
      return serve === undefined ? this.#rest?.(link, protocol) : serve(link);
    });
    return this.#listener;
  }

  dial(address: string, protocol: Protocol, handler: LinkHandler): Link {
    return this.#network.dial(address, protocol, handler);
  }
}
