/**
 * The append half of a Ready: hard state and entries go to the log, and the messages that promise
 * them leave only when it is durable (R1, R2; Raft §10.2.1). The log keeps the order of Readys.
 */
import type { MemberId, Message, RawNode, Ready } from '../core';
import type { Wal } from '../wal';

/** What an append pipeline is made of. */
export interface AppendPipelineOptions {
  readonly memberId: MemberId;
  readonly core: RawNode;
  readonly wal: Wal;
  /** Sends what may now leave. */
  readonly release: (messages: readonly Message[]) => void;
}

/** Writes Readys in order. */
export class AppendPipeline {
  readonly #options: AppendPipelineOptions;

  constructor(options: AppendPipelineOptions) {
    this.#options = options;
  }

  /** Takes the append half of a Ready. */
  push(ready: Ready): void {
    const { hardState, entries, mustSync, messagesAfterAppend } = ready;
    if (hardState === undefined && entries.length === 0 && messagesAfterAppend.length === 0) return;
    this.#options.wal.save({
      hardState,
      entries,
      mustSync,
      onDurable: () => this.#onDurable(ready),
    });
  }

  #onDurable(ready: Ready): void {
    const { core, memberId, release } = this.#options;
    if (ready.appendAck !== undefined) core.storageAppended(ready.appendAck);
    const outgoing: Message[] = [];
    for (const message of ready.messagesAfterAppend) {
      if (message.to === memberId) core.step(message);
      else outgoing.push(message);
    }
    release(outgoing);
  }
}
