/**
 * Collects what a turn of the event loop has to say on a link into one frame: a thousand answers
 * that become known together cost one send. A microtask sends it, so nothing waits for a timer.
 */
import type { Link } from '../../base/network';
import { WIRE_LIMITS } from './flow-control';
import { ProtoWriter } from '../../base/proto-writer';

/** What happens around a frame. */
export interface CorkHooks {
  /** The frame is about to be sent: the last moment to add to it. */
  beforeFlush?(): void;
  /** The frame was given to the link; false: the link refused it, nothing of it was sent. */
  afterFlush?(isSent: boolean): void;
}

/** The outgoing side of a link. */
export class FrameCork {
  /** Holds the frame being collected. */
  readonly writer = new ProtoWriter();
  readonly #link: () => Link | undefined;
  readonly #hooks: CorkHooks;
  #isScheduled = false;

  constructor(link: () => Link | undefined, hooks: CorkHooks = {}) {
    this.#link = link;
    this.#hooks = hooks;
  }

  /** Tells that something was written, or will be in `beforeFlush`. */
  touch(): void {
    if (this.writer.length >= WIRE_LIMITS.frameBytesSoft) {
      this.flush();
      return;
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A microtask, not a timer: it runs when all promises that are settled now have been heard.
    void Promise.resolve().then(() => {
      if (this.#isScheduled) this.flush();
    });
  }

  /** Sends what was collected. */
  flush(): void {
    this.#isScheduled = false;
    this.#hooks.beforeFlush?.();
    if (this.writer.length === 0) return;
    const isSent = this.#link()?.send(this.writer.take()) ?? false;
    this.#hooks.afterFlush?.(isSent);
  }
}
