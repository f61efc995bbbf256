/**
 * What the driver asks of the network between members. Delivery is best effort: messages may be
 * lost, delayed or repeated; within one connection they keep their order.
 */
import type { MemberId, Message } from '../core';

/** Told by the transport; calls come one at a time and never from within `send`. */
export interface TransportReceiver {
  /** Messages of one frame, in order. Their entries own their memory (R94). */
  receive(messages: readonly Message[]): void;
  /** Something that was to be sent to this member is lost (R34). */
  reportUnreachable(id: MemberId): void;
}

/** How one peer's links stand: for `status`. */
export interface PeerStatus {
  readonly id: MemberId;
  readonly address: string;
  /** Whether messages to it can leave. */
  readonly isConnected: boolean;
  /** Why the last attempt failed or the last link ended; undefined while connected. */
  readonly reason: string | undefined;
  readonly queuedBytes: number;
  readonly droppedMessages: number;
}

/** Carries messages to peers. */
export interface Transport {
  /** Starts to listen and to dial; from now on the receiver is told. */
  start(receiver: TransportReceiver): Promise<void>;
  /** Takes all messages of one turn; those to one peer leave in one frame (T4). */
  send(messages: readonly Message[]): void;
  peers(): readonly PeerStatus[];
  /** Ends all links. May be called twice. */
  close(): Promise<void>;
}
