/**
 * What waits for a slow link (T5). Beyond its bounds appends are dropped first, the newest first:
 * they will be sent again, and the older ones are what the member needs next. Heartbeats and votes
 * go last.
 */
import { mark } from '../../base/mark';
import type { Message } from '../core';
import { messageBytes } from './codec';

/** Bounds of one queue. */
export interface OutboundLimits {
  readonly bytesMax: number;
  readonly messagesMax: number;
}

interface Waiting {
  readonly message: Message;
  readonly bytes: number;
}

/** Whether a message carries entries or proposals: large, and sent again if it is lost. */
export function isBulk(message: Message): boolean {
  return message.kind === 'appendEntries' || message.kind === 'propose';
}

/** The queue of one peer. */
export class OutboundQueue {
  readonly #limits: OutboundLimits;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(limits: OutboundLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Appends a message; returns how many were dropped for it, itself perhaps among them. */
  push(message: Message): number {
    const bytes = messageBytes(message);
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    let dropped = 0;
    while (this.#isOver()) {
      this.#dropOne();
      dropped += 1;
    }
    return dropped;
  }

  /** Takes at least one message, and more while they fit. */
  take(bytesMax: number, messagesMax: number): Message[] {
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#waiting) {
      if (count > 0 && (size + bytes > bytesMax || count >= messagesMax)) break;
      size += bytes;
      count += 1;
    }
    this.#bytes -= size;
    return this.#waiting.splice(0, count).map(({ message }) => message);
  }

  /** Drops everything; returns how many there were. */
  clear(): number {
    const count = this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
    return count;
  }

  #isOver(): boolean {
    const { bytesMax, messagesMax } = this.#limits;
    // One message alone always fits, whatever its size: frames are bounded elsewhere.
    return this.length > 1 && (this.#bytes > bytesMax || this.length > messagesMax);
  }

  #dropOne(): void {
    let at = this.#waiting.findLastIndex(({ message }) => isBulk(message));
    mark(at >= 0 ? 'peerQueueDropsAppend' : 'peerQueueDropsControl');
    if (at < 0) at = this.#waiting.length - 1;
    const [dropped] = this.#waiting.splice(at, 1);
    this.#bytes -= dropped?.bytes ?? 0;
  }
}
