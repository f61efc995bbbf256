/**
 * The network as an injected thing: framed, ordered, message-wise links. Real ones are WebSockets
 * over TLS (`node/ws-network.ts`), simulated ones lose and delay. A link never blocks its sender:
 * the owner watches {@link Link.bufferedBytes} and keeps a bounded queue of its own.
 */

/** What travels on a link; chosen by the dialler, offered by the listener. */
export type Protocol = 'raft' | 'kv' | 'snapshot';

/** Receives what happens on a link, in order; nothing after `onClose`. */
export interface LinkHandler {
  /** A dialled link is usable. Not called for accepted links, which are open from the start. */
  onOpen?(): void;
  /** One frame. The bytes belong to the receiver only during the call (R94). */
  onFrame(frame: Uint8Array): void;
  /** The link is gone, whoever ended it; also when dialling failed. Called exactly once. */
  onClose(reason: CloseReason): void;
  /** The buffered amount fell below half of what it was when a send was refused or was large. */
  onDrain?(): void;
}

/** Why a link ended. */
export interface CloseReason {
  readonly code: number;
  readonly message: string;
}

/** One end of an open or opening link. */
export interface Link {
  /** Identities that the other end proved with its certificate (its DNS names); empty if plain. */
  readonly peerNames: readonly string[];
  /** For logs: the other end's address. */
  readonly remoteAddress: string;
  /** Bytes accepted by `send` and not yet given to the system. */
  readonly bufferedBytes: number;
  /** Queues one frame; false if the link is not open, and then nothing was queued. */
  send(frame: Uint8Array): boolean;
  /** Stops or continues the delivery of frames: backpressure towards the other end. */
  pause(): void;
  resume(): void;
  close(code: number, message: string): void;
}

/** Accepts links until closed. */
export interface Listener {
  /** The address that was really bound, `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Decides about an arriving link: a handler accepts it, undefined refuses it. */
export type Acceptor = (link: Link, protocol: Protocol) => LinkHandler | undefined;

/** Where links come from. Addresses are `host:port`; port 0 asks for any free one. */
export interface Network {
  /** Starts accepting. Fails with `NETWORK_ADDRESS_IN_USE` if the address is taken. */
  listen(address: string, accept: Acceptor): Promise<Listener>;
  /** Starts a link; the outcome reaches the handler. */
  dial(address: string, protocol: Protocol, handler: LinkHandler): Link;
}
