/**
 * One member of a cluster in memory: a `RawNode` with a model of its disk and its state machine.
 * Writes and applies form two pipelines, as ready.ts describes them, that the test moves on one
 * piece at a time. A crash loses what is not durable; how much of it is for the caller to say.
 */
import { assert } from '../../base/assert';
import { SeededRandom, type Random } from '../../base/random';
import {
  MemoryLog,
  RawNode,
  type ConfState,
  type Entry,
  type HardState,
  type Index,
  type MemberId,
  type Message,
  type RaftSettings,
  type ReadState,
  type Ready,
  type StorageAppendAck,
} from '../core';

/** What a member is made of. */
export interface CoreMemberOptions {
  readonly id: MemberId;
  readonly confState: ConfState;
  readonly settings: RaftSettings;
  readonly random: Random;
  /** What is durable at first. */
  readonly hardState?: HardState | undefined;
  readonly entries?: readonly Entry[] | undefined;
}

/** Told what happens in a member. */
export interface CoreObserver {
  onApplied(member: CoreMember, entry: Entry): void;
  onRead(member: CoreMember, read: ReadState): void;
  /** Just before the message leaves for a peer. */
  onSend(member: CoreMember, message: Message): void;
}

/** A core, its disk, its state machine. */
export class CoreMember {
  readonly id: MemberId;
  readonly #options: CoreMemberOptions;
  readonly #observer: CoreObserver;
  readonly #outbox: Message[];
  /** What is durable, but for the hard state: a new commitIndex alone is written without a sync. */
  readonly log: MemoryLog;
  /** The hard state of the last synced write. */
  durableHardState: HardState | undefined;
  /** What the state machine holds, from index 1 on. */
  readonly applied: Entry[] = [];
  #node: RawNode | undefined;
  #incarnation = 0;
  /** Taken and not stored. */
  #writes: Ready[] = [];
  /** Taken and not applied. */
  #applies: Entry[] = [];
  /** Acknowledgements given in this life. */
  #acks: StorageAppendAck[] = [];

  constructor(options: CoreMemberOptions, observer: CoreObserver, outbox: Message[]) {
    this.id = options.id;
    this.#options = options;
    this.#observer = observer;
    this.#outbox = outbox;
    this.log = new MemoryLog(options.confState);
    this.log.append(options.entries ?? []);
    this.durableHardState = options.hardState;
    this.start();
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  /** The running core. */
  get node(): RawNode {
    assert(this.#node !== undefined, 'the member runs', { id: this.id });
    return this.#node;
  }

  /** Writes handed out and not durable. */
  get pendingWrites(): number {
    return this.#writes.length;
  }

  /** Entries handed out and not applied. */
  get pendingApplies(): number {
    return this.#applies.length;
  }

  /** Starts from what is durable. */
  start(): void {
    assert(this.#node === undefined, 'the member is down', { id: this.id });
    this.#incarnation += 1;
    if (this.durableHardState !== undefined) this.log.setHardState(this.durableHardState);
    this.#node = new RawNode({
      config: { ...this.#options.settings, id: this.id, incarnation: this.#incarnation },
      log: this.log,
      random: this.#options.random.fork(`start ${this.#incarnation}`),
      appliedIndex: this.applied.length as Index,
    });
  }

  /** Ends at once: the first `writesKept` writes under way survive, nobody hears of it. */
  crash(options: { readonly writesKept?: number; readonly appliedLost?: number } = {}): void {
    for (const ready of this.#writes.slice(0, options.writesKept ?? 0)) this.#store(ready);
    this.#writes = [];
    this.#applies = [];
    this.#acks = [];
    this.#node = undefined;
    this.applied.length = Math.max(0, this.applied.length - (options.appliedLost ?? 0));
  }

  /** Takes a Ready if there is one: sends what may leave at once, queues the rest. */
  take(): boolean {
    if (!this.node.hasReady) return false;
    const ready = this.node.ready();
    for (const message of ready.messages) this.#send(message);
    this.#writes.push(ready);
    this.#applies.push(...ready.committedEntries);
    for (const read of ready.readStates) this.#observer.onRead(this, read);
    return true;
  }

  /** Stores the oldest write, acknowledges it and lets its messages go. */
  storeOne(): boolean {
    const ready = this.#writes.shift();
    if (ready === undefined) return false;
    this.#store(ready);
    if (ready.appendAck !== undefined) {
      this.#acks.push(ready.appendAck);
      this.node.storageAppended(ready.appendAck);
    }
    for (const message of ready.messagesAfterAppend) {
      if (message.to === this.id) this.node.step(message);
      else this.#send(message);
    }
    return true;
  }

  /** Gives an acknowledgement of this life again: late, and perhaps about an entry of the past. */
  repeatAck(random: Random): void {
    if (this.#acks.length > 0) this.node.storageAppended(random.pick(this.#acks));
  }

  /** Applies the next entry. */
  applyOne(): boolean {
    const entry = this.#applies.shift();
    if (entry === undefined) return false;
    assert(entry.index === this.applied.length + 1, 'each index is applied once, in order (R32)', {
      id: this.id,
      index: entry.index,
      applied: this.applied.length,
    });
    this.applied.push(entry);
    this.#observer.onApplied(this, entry);
    this.node.storageApplied(entry.index);
    return true;
  }

  #store(ready: Ready): void {
    this.log.append(ready.entries);
    if (ready.hardState !== undefined) this.log.setHardState(ready.hardState);
    // An unsynced write is not durable itself, but the next sync makes it so.
    if (ready.mustSync) this.durableHardState = this.log.initialState().hardState;
  }

  #send(message: Message): void {
    this.#observer.onSend(this, message);
    this.#outbox.push(message);
  }
}

/** A stream of chance for tests that do not care about it. */
export function testRandom(seed: string | number): Random {
  return new SeededRandom(String(seed));
}
