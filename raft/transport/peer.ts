/**
 * One peer: two links (T3). This member receives on the link that it dialled and sends on the one
 * that the peer dialled, since frames from server to client are not masked.
 *
 *   dialled:   waiting -> dialling -> hello sent -> hello received: receiving -> waiting (jitter)
 *   accepted:  (peer-transport.ts checks the hello) -> attached: sending -> detached
 *
 * A frame is delivered only while its link is the current one (T9).
 */
import type { Cancel, Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import { mark } from '../../base/mark';
import type { CloseReason, Link, LinkHandler, Network } from '../../base/network';
import type { Random } from '../../base/random';
import type { MemberId, Message } from '../core';
import { RAFT_LIMITS } from '../limits';
import { decodeBatch, decodeHello, encodeBatch, encodeHello } from './codec';
import { checkHello, CLOSE_CODES, helloTo, type KnownPeer, type OwnSide } from './hello';
import { isBulk, OutboundQueue } from './outbound-queue';
import type { PeerStatus, TransportReceiver } from './transport';

/** What a peer is made of. */
export interface PeerContext {
  readonly id: MemberId;
  readonly address: string;
  readonly name: string;
  readonly own: OwnSide;
  readonly network: Network;
  readonly receiver: TransportReceiver;
  readonly reconnectMaxMs: number;
  readonly helloTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const RECONNECT_MIN_MS = 50;
const LOG_EVERY_MS = 60_000;
/** Above this much unsent on the link, messages wait in the queue, where they can be dropped. */
const LINK_BUFFER_BYTES_MAX = 1024 * 1024;
const FRAME_BYTES_SOFT = 4 * 1024 * 1024;
/** Bulk messages in one frame: with 2 MiB each at most, they stay below a frame's limit. */
const BULK_PER_FRAME_MAX = 6;

/** One of the other members. */
export class Peer {
  readonly known: KnownPeer;
  readonly #context: PeerContext;
  readonly #queue = new OutboundQueue({
    bytesMax: RAFT_LIMITS.peerQueueBytesMax,
    messagesMax: RAFT_LIMITS.peerQueueMessagesMax,
  });
  #outbound: Link | undefined;
  #inbound: Link | undefined;
  #isReceiving = false;
  /** Which start of the peer the link that this end dialled belongs to. */
  #inboundIncarnation = 0;
  #attempts = 0;
  #redial: Cancel | undefined;
  #reason: string | undefined = 'not connected yet';
  #dropped = 0;
  #isReportDue = false;
  #isClosed = false;
  #loggedMs = -LOG_EVERY_MS;

  constructor(context: PeerContext) {
    this.#context = context;
    this.known = { id: context.id, name: context.name, logId: undefined, incarnation: 0 };
  }

  status(): PeerStatus {
    const { id, address } = this.#context;
    return {
      id,
      address,
      isConnected: this.#outbound !== undefined,
      reason: this.#outbound === undefined ? this.#reason : undefined,
      queuedBytes: this.#queue.bytes + (this.#outbound?.bufferedBytes ?? 0),
      droppedMessages: this.#dropped,
    };
  }

  /** Dials now, and again whenever the link ends. */
  dial(): void {
    this.#redial?.();
    this.#redial = undefined;
    if (this.#isClosed || this.#inbound !== undefined) return;
    const { network, address, own, id, clock, helloTimeoutMs } = this.#context;
    const handler: LinkHandler = {
      onOpen: () => link.send(encodeHello(helloTo(id, own))),
      onFrame: (frame) => this.#onInboundFrame(link, frame),
      onClose: (reason) => {
        cancelTimeout();
        this.#onInboundClose(link, reason);
      },
    };
    const link = network.dial(address, 'raft', handler);
    this.#inbound = link;
    this.#isReceiving = false;
    const cancelTimeout = clock.after(helloTimeoutMs, () => {
      if (this.#inbound === link && !this.#isReceiving) {
        link.close(CLOSE_CODES.helloTimeout, 'no hello came in time');
      }
    });
  }

  /** Takes a link that this peer dialled and whose hello was accepted: now messages can leave. */
  attach(link: Link): void {
    const before = this.#outbound;
    this.#outbound = link;
    this.#reason = undefined;
    if (before !== undefined) before.close(CLOSE_CODES.replaced, 'a newer link took its place');
    // The peer is there, so it can be dialled: no need to wait out the back-off.
    this.#attempts = 0;
    if (this.#inbound === undefined) this.dial();
    else if (this.#isReceiving && this.#inboundIncarnation < this.known.incarnation) {
      // It has started anew, so the link to its earlier life is dead, whatever the system says.
      mark('peerLinkOfEarlierLife');
      this.#inbound.close(CLOSE_CODES.replaced, 'the peer has started anew');
    }
  }

  /** The link that the peer dialled has ended. */
  detach(link: Link, reason: CloseReason): void {
    if (this.#outbound !== link) return;
    this.#outbound = undefined;
    this.#reason = `${reason.message} (${String(reason.code)})`;
    this.#dropped += this.#queue.clear();
    this.#reportUnreachable();
  }

  /** Sends what waits, as far as the link takes it. */
  drain(link: Link): void {
    if (this.#outbound === link) this.#flush(link);
  }

  /** Sends messages, or queues them, or drops them and reports it (R34). */
  send(messages: readonly Message[]): void {
    const link = this.#outbound;
    if (link === undefined) {
      this.#dropped += messages.length;
      if (messages.some(isBulk)) this.#reportUnreachable();
      return;
    }
    if (this.#queue.length === 0 && link.bufferedBytes < LINK_BUFFER_BYTES_MAX) {
      this.#sendFrames(link, messages);
      return;
    }
    mark('peerQueueUsed');
    let dropped = 0;
    for (const message of messages) dropped += this.#queue.push(message);
    this.#dropped += dropped;
    if (dropped > 0) this.#reportUnreachable();
    this.#flush(link);
  }

  close(): void {
    this.#isClosed = true;
    this.#redial?.();
    this.#queue.clear();
    this.#inbound?.close(CLOSE_CODES.stopping, 'this member stops');
    this.#outbound?.close(CLOSE_CODES.stopping, 'this member stops');
  }

  /** Says once a minute at most why this peer cannot be talked to (T2). */
  logRefusal(message: string): void {
    const { clock, logger, id, address } = this.#context;
    const now = clock.monotonicMs();
    if (now - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now;
    logger.warn('cannot talk to a peer', { peer: id, address, reason: message });
  }

  #flush(link: Link): void {
    while (this.#queue.length > 0 && link.bufferedBytes < LINK_BUFFER_BYTES_MAX) {
      this.#sendFrames(link, this.#queue.take(FRAME_BYTES_SOFT, RAFT_LIMITS.messagesPerFrameMax));
    }
  }

  #sendFrames(link: Link, messages: readonly Message[]): void {
    if (messages.length <= BULK_PER_FRAME_MAX) {
      this.#sendFrame(link, messages);
      return;
    }
    let frame: Message[] = [];
    let bulk = 0;
    for (const message of messages) {
      if (isBulk(message)) bulk += 1;
      if (bulk > BULK_PER_FRAME_MAX || frame.length >= RAFT_LIMITS.messagesPerFrameMax) {
        this.#sendFrame(link, frame);
        frame = [];
        bulk = isBulk(message) ? 1 : 0;
      }
      frame.push(message);
    }
    if (frame.length > 0) this.#sendFrame(link, frame);
  }

  #sendFrame(link: Link, messages: readonly Message[]): void {
    if (link.send(encodeBatch(messages))) return;
    this.#dropped += messages.length;
    this.#reportUnreachable();
  }

  /** Not from within `send`: the core that is told may be the one that sends. */
  #reportUnreachable(): void {
    if (this.#isReportDue || this.#isClosed) return;
    this.#isReportDue = true;
    const { receiver, id } = this.#context;
    void Promise.resolve().then(() => {
      this.#isReportDue = false;
      if (!this.#isClosed) receiver.reportUnreachable(id);
    });
  }

  #onInboundFrame(link: Link, frame: Uint8Array): void {
    if (this.#inbound !== link || this.#isClosed) return;
    const { receiver, own, id } = this.#context;
    let messages: readonly Message[];
    try {
      if (!this.#isReceiving) {
        this.#onHello(link, frame);
        return;
      }
      const batch = decodeBatch(frame);
      if (batch.from !== id || batch.to !== own.identity.memberId) {
        throw new RangeError(`Cannot take a frame from ${batch.from} to ${batch.to}`);
      }
      messages = batch.messages;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      mark('peerFrameInvalid');
      this.logRefusal(error.message);
      link.close(CLOSE_CODES.frameInvalid, error.message);
      return;
    }
    receiver.receive(messages);
  }

  #onHello(link: Link, frame: Uint8Array): void {
    const { own } = this.#context;
    const refusal = checkHello(decodeHello(frame), this.known, own, link.peerNames);
    if (refusal !== undefined) {
      this.logRefusal(refusal.message);
      link.close(refusal.code, refusal.message);
      return;
    }
    this.#isReceiving = true;
    this.#inboundIncarnation = this.known.incarnation;
    this.#attempts = 0;
  }

  #onInboundClose(link: Link, reason: CloseReason): void {
    if (this.#inbound !== link) return;
    this.#inbound = undefined;
    this.#isReceiving = false;
    if (this.#outbound === undefined) this.#reason = `${reason.message} (${String(reason.code)})`;
    if (this.#isClosed) return;
    if (reason.code > CLOSE_CODES.frameInvalid && reason.code <= CLOSE_CODES.storeSchema) {
      this.logRefusal(reason.message);
    }
    const { clock, random, reconnectMaxMs } = this.#context;
    const limit = Math.min(reconnectMaxMs, RECONNECT_MIN_MS * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    this.#redial = clock.after(random.unit() * limit, () => this.dial());
  }
}
