/**
 * One watch of a client on a replica. It takes a batch only while its window and the link have
 * room; a refusal leaves its position where it is (S33), and the store feeds it from its history
 * later. So one slow watch holds up neither its neighbours on the link nor the store (S38).
 */
import type { StoreError } from '../errors';
import type { Revision, WatchBatch, WatchEvent } from '../kv';
import { eventBytes, eventsBytes, WIRE_LIMITS } from './flow-control';
import type { ServerBody } from './messages';
import type { WatchHandle, WatchSink } from './watch-source';
import { toWireFailure } from './wire-failure';

/** What a watch needs of its connection. */
export interface WatchOutlet {
  /** Whether the link holds more than it should. */
  isCongested(): boolean;
  write(id: number, body: ServerBody): void;
  /** Word that all up to `revision` was written on a watch, in answer to `requestId` (0: none). */
  writeProgress(requestId: number, watchId: number, revision: Revision): void;
  /** The watch has ended by itself. */
  forget(watchId: number): void;
}

/** The sending end of a watch. */
export class ServerWatch implements WatchSink {
  readonly #id: number;
  readonly #outlet: WatchOutlet;
  #handle: WatchHandle | undefined;
  /** May be below 0 by one batch. */
  #windowBytes: number = WIRE_LIMITS.watchWindowBytes;
  #isBlocked = false;
  readonly #asked: { readonly requestId: number; readonly revision: Revision }[] = [];

  constructor(id: number, outlet: WatchOutlet) {
    this.#id = id;
    this.#outlet = outlet;
  }

  /** Gives the watch its store; the store may already have offered. */
  attach(handle: WatchHandle): void {
    this.#handle = handle;
  }

  offer(batch: WatchBatch): boolean {
    if (this.#windowBytes <= 0 || this.#outlet.isCongested()) {
      this.#isBlocked = true;
      return false;
    }
    if (batch.kind === 'events') this.#writeEvents(batch.revision, batch.events);
    else this.#writeProgress(batch.revision);
    return true;
  }

  end(error: StoreError): void {
    this.#outlet.forget(this.#id);
    this.#outlet.write(this.#id, { kind: 'watchEnded', failure: toWireFailure(error) });
  }

  /** The consumer took this much. */
  credit(bytes: number): void {
    this.#windowBytes = Math.min(this.#windowBytes + bytes, WIRE_LIMITS.watchWindowBytes);
    this.unblock();
  }

  /** There may be room again. */
  unblock(): void {
    if (!this.#isBlocked || this.#windowBytes <= 0) return;
    this.#isBlocked = false;
    this.#handle?.resume();
  }

  /** Answers `requestId` once everything up to `revision` was written. */
  progressAt(requestId: number, revision: Revision): void {
    this.#asked.push({ requestId, revision });
    this.#handle?.progressAt(revision);
  }

  close(): void {
    this.#handle?.close();
  }

  #writeEvents(revision: Revision, events: readonly WatchEvent[]): void {
    const bytes = eventsBytes(events);
    this.#windowBytes -= bytes;
    if (bytes <= WIRE_LIMITS.eventsPartBytes) {
      this.#outlet.write(this.#id, { kind: 'events', revision, events, more: false });
      return;
    }
    let part: WatchEvent[] = [];
    let partBytes = 0;
    for (const event of events) {
      const size = eventBytes(event);
      if (part.length > 0 && partBytes + size > WIRE_LIMITS.eventsPartBytes) {
        this.#outlet.write(this.#id, { kind: 'events', revision, events: part, more: true });
        part = [];
        partBytes = 0;
      }
      part.push(event);
      partBytes += size;
    }
    this.#outlet.write(this.#id, { kind: 'events', revision, events: part, more: false });
  }

  #writeProgress(revision: Revision): void {
    let isAnswer = false;
    for (let i = 0; i < this.#asked.length; i++) {
      const asked = this.#asked[i];
      if (asked === undefined || asked.revision > revision) continue;
      isAnswer = true;
      this.#asked.splice(i--, 1);
      this.#outlet.writeProgress(asked.requestId, this.#id, asked.revision);
    }
    if (!isAnswer) this.#outlet.writeProgress(0, this.#id, revision);
  }
}
