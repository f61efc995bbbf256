/**
 * `Transport` over `Network` (spec: raft 5): the table of peers, the links that arrive, and the
 * routing of a turn's messages.
 */
import { assert } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Link, LinkHandler, Listener, Network } from '../../base/network';
import type { Random } from '../../base/random';
import type { MemberId, Message } from '../core';
import type { WalIdentity } from '../wal';
import { decodeHello, encodeHello } from './codec';
import { checkHello, CLOSE_CODES, helloTo, type OwnSide } from './hello';
import { Peer } from './peer';
import type { PeerStatus, Transport, TransportReceiver } from './transport';

/** A member as its peers find it. */
export interface PeerOptions {
  readonly id: MemberId;
  /** `host:port` */
  readonly address: string;
  /** A DNS name that its certificate must carry; not looked at when the network is plain. */
  readonly name: string;
}

/** What a transport is made of. */
export interface PeerTransportOptions {
  readonly network: Network;
  /** `host:port` to listen at; undefined if the owner listens and calls `accept`. */
  readonly listenAddress: string | undefined;
  readonly identity: WalIdentity;
  /** All other members; this one may be among them and is passed over. */
  readonly peers: readonly PeerOptions[];
  /** Whether peers prove their names by certificates (T1). */
  readonly isMutuallyAuthenticated: boolean;
  /** Version of the store's records: members that differ do not talk. */
  readonly storeSchema: number;
  /** The longest wait before dialling again; at most the minimum election timeout (T8). */
  readonly reconnectMaxMs: number;
  /** Default 2,000. */
  readonly helloTimeoutMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const HELLO_TIMEOUT_MS = 2_000;
/** Links without an accepted hello, at most: beyond it new ones are refused. */
const STRANGERS_MAX = 64;

/** The production transport. */
export class PeerTransport implements Transport {
  readonly #options: PeerTransportOptions;
  readonly #own: OwnSide;
  readonly #peers = new Map<MemberId, Peer>();
  readonly #strangers = new Set<Link>();
  #listener: Listener | undefined;
  #isClosed = false;

  constructor(options: PeerTransportOptions) {
    this.#options = options;
    const { identity, storeSchema, isMutuallyAuthenticated } = options;
    this.#own = { identity, storeSchema, isMutuallyAuthenticated };
  }

  /** The address really bound, after `start`. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  async start(receiver: TransportReceiver): Promise<void> {
    const { peers, identity, network, listenAddress, random, helloTimeoutMs } = this.#options;
    assert(this.#peers.size === 0, 'a transport starts once');
    for (const { id, address, name } of peers) {
      if (id === identity.memberId) continue;
      const peer = new Peer({
        id,
        address,
        name,
        own: this.#own,
        network,
        receiver,
        reconnectMaxMs: this.#options.reconnectMaxMs,
        helloTimeoutMs: helloTimeoutMs ?? HELLO_TIMEOUT_MS,
        clock: this.#options.clock,
        random: random.fork(`dial ${id}`),
        logger: this.#options.logger,
      });
      this.#peers.set(id, peer);
    }
    if (listenAddress !== undefined) {
      const accept = (link: Link, protocol: string): LinkHandler | undefined =>
        protocol === 'raft' ? this.accept(link) : undefined;
      const listener = await network.listen(listenAddress, accept);
      if (this.#isClosed) {
        await listener.close();
        return;
      }
      this.#listener = listener;
    }
    for (const peer of this.#peers.values()) peer.dial();
  }

  /** Takes a link of protocol `raft` that arrived; the owner of the listener calls this. */
  accept(link: Link): LinkHandler | undefined {
    if (this.#isClosed || this.#strangers.size >= STRANGERS_MAX) return undefined;
    const { clock, helloTimeoutMs } = this.#options;
    this.#strangers.add(link);
    let peer: Peer | undefined;
    const cancelTimeout = clock.after(helloTimeoutMs ?? HELLO_TIMEOUT_MS, () => {
      if (peer === undefined) link.close(CLOSE_CODES.helloTimeout, 'no hello came in time');
    });
    return {
      onFrame: (frame) => {
        // On this link the peer says hello and nothing else: its messages come on the other one.
        if (peer === undefined) peer = this.#onHello(link, frame);
        else link.close(CLOSE_CODES.frameInvalid, 'Cannot take a second frame on this link');
      },
      onClose: (reason) => {
        cancelTimeout();
        this.#strangers.delete(link);
        peer?.detach(link, reason);
      },
      onDrain: () => peer?.drain(link),
    };
  }

  send(messages: readonly Message[]): void {
    const first = messages[0];
    if (first === undefined || this.#isClosed) return;
    if (messages.every((message) => message.to === first.to)) {
      this.#peers.get(first.to)?.send(messages);
      return;
    }
    const byPeer = new Map<MemberId, Message[]>();
    for (const message of messages) {
      const group = byPeer.get(message.to);
      if (group === undefined) byPeer.set(message.to, [message]);
      else group.push(message);
    }
    for (const [id, group] of byPeer) this.#peers.get(id)?.send(group);
  }

  peers(): readonly PeerStatus[] {
    return [...this.#peers.values()].map((peer) => peer.status());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const link of [...this.#strangers]) link.close(CLOSE_CODES.stopping, 'this member stops');
    for (const peer of this.#peers.values()) peer.close();
    await this.#listener?.close();
  }

  /** Checks the hello of a link that arrived, and answers it. */
  #onHello(link: Link, frame: Uint8Array): Peer | undefined {
    let code: number = CLOSE_CODES.frameInvalid;
    let message = '';
    try {
      const hello = decodeHello(frame);
      const peer = this.#peers.get(hello.memberId as MemberId);
      const refusal = checkHello(hello, peer?.known, this.#own, link.peerNames);
      if (refusal === undefined && peer !== undefined) {
        this.#strangers.delete(link);
        link.send(encodeHello(helloTo(hello.memberId, this.#own)));
        peer.attach(link);
        return peer;
      }
      code = refusal?.code ?? CLOSE_CODES.unknownMember;
      message = refusal?.message ?? 'the member is not known';
      if (peer !== undefined) peer.logRefusal(message);
      else this.#logStranger(link, message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      message = error.message;
      this.#logStranger(link, message);
    }
    link.close(code, message);
    return undefined;
  }

  #loggedMs = Number.NEGATIVE_INFINITY;

  #logStranger(link: Link, reason: string): void {
    const { clock, logger } = this.#options;
    const now = clock.monotonicMs();
    if (now - this.#loggedMs < 60_000) return;
    this.#loggedMs = now;
    logger.warn('refused a link of no member', { address: link.remoteAddress, reason });
  }
}
