/** One link of a client to a replica: it is of use once the replica has said who it is. */
import type { CloseReason, Link, LinkHandler, Network } from '../../base/network';
import { writeClientMessage } from './client-codec';
import { WIRE_LIMITS } from './flow-control';
import { FrameCork } from './frame-cork';
import { PROTOCOL_VERSION, type ClientBody, type ServerBody, type ServerMessage } from './messages';
import { readServerFrame } from './server-codec';

/** The owner's side. Nothing is told after `onGone`. */
export interface ClientConnectionOwner {
  /** The replica introduced itself: requests may be sent. */
  onReady(connection: ClientConnection): void;
  onMessage(connection: ClientConnection, message: ServerMessage): void;
  /** The replica gained or lost its leader. */
  onHealth(connection: ClientConnection): void;
  /** The replica stops soon: nothing new should be sent to it. */
  onGoodbye(connection: ClientConnection): void;
  /** The last moment to add to the frame of this turn. */
  beforeFlush(connection: ClientConnection): void;
  /** The link is gone, or never came to be. */
  onGone(connection: ClientConnection, reason: string): void;
}

/** A connection from dialling to its end. */
export class ClientConnection implements LinkHandler {
  readonly address: string;
  readonly #owner: ClientConnectionOwner;
  readonly #link: Link;
  readonly #cork: FrameCork;
  #state: 'dialling' | 'ready' | 'gone' = 'dialling';
  #clusterId = '';
  #hasLeader = false;
  #frames = 0;
  /** What to mark once the frame that holds it has left. */
  #inFrame: { isSent: boolean }[] = [];

  constructor(network: Network, address: string, owner: ClientConnectionOwner) {
    this.address = address;
    this.#owner = owner;
    this.#cork = new FrameCork(() => this.#link, {
      beforeFlush: () => this.#owner.beforeFlush(this),
      afterFlush: (isSent) => this.#afterFlush(isSent),
    });
    this.#link = network.dial(address, 'kv', this);
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Whose data it serves; known once ready. */
  get clusterId(): string {
    return this.#clusterId;
  }

  get hasLeader(): boolean {
    return this.#hasLeader;
  }

  /** Frames received: a number that stands still for long means a dead peer. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * Adds a message to this turn's frame; `sent.isSent` is set when the frame has left. False if
   * the message is larger than any replica would take, and then it was not added.
   */
  write(id: number, body: ClientBody, sent?: { isSent: boolean }): boolean {
    const { writer } = this.#cork;
    const before = writer.length;
    writeClientMessage(writer, id, body);
    if (writer.length - before > WIRE_LIMITS.requestBytesMax) {
      writer.rewind(before);
      return false;
    }
    if (sent !== undefined) this.#inFrame.push(sent);
    this.#cork.touch();
    return true;
  }

  /** Asks for a last look at the frame of this turn. */
  touch(): void {
    this.#cork.touch();
  }

  /** Ends the link; the owner hears `onGone`. */
  close(reason: string): void {
    if (this.#state === 'gone') return;
    this.#link.close(1000, reason);
    this.#end(reason);
  }

  onFrame(frame: Uint8Array): void {
    if (this.#state === 'gone') return;
    this.#frames += 1;
    let messages: ServerMessage[];
    try {
      messages = readServerFrame(frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.close(`malformed frame: ${error.message}`);
      return;
    }
    for (const message of messages) this.#receive(message);
  }

  onClose({ code, message }: CloseReason): void {
    this.#end(`${message === '' ? 'closed' : message} (${code})`);
  }

  #receive(message: ServerMessage): void {
    // The owner may close in answer to any message.
    if (this.#state === 'gone') return;
    const { body } = message;
    if (body.kind === 'hello') this.#greet(body);
    else if (this.#state !== 'ready') this.close('the replica did not introduce itself');
    else if (body.kind === 'health') {
      this.#hasLeader = body.hasLeader;
      this.#owner.onHealth(this);
    } else if (body.kind === 'goodbye') this.#owner.onGoodbye(this);
    else this.#owner.onMessage(this, message);
  }

  #greet(hello: Extract<ServerBody, { readonly kind: 'hello' }>): void {
    if (this.#state !== 'dialling') {
      this.close('the replica introduced itself twice');
      return;
    }
    if (hello.protocolVersion !== PROTOCOL_VERSION) {
      this.close(`the replica speaks version ${hello.protocolVersion} of the protocol`);
      return;
    }
    this.#clusterId = hello.clusterId;
    this.#hasLeader = hello.hasLeader;
    this.#state = 'ready';
    this.#owner.onReady(this);
  }

  #afterFlush(isSent: boolean): void {
    const inFrame = this.#inFrame;
    this.#inFrame = [];
    // Refused by the link: nothing of the frame was sent, and onClose follows.
    if (isSent) for (const each of inFrame) each.isSent = true;
  }

  #end(reason: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#owner.onGone(this, reason);
  }
}
