/**
 * A cluster of cores in memory. `run` takes everything to a fixed point, in a fixed order; the
 * faults are cut links, messages dropped, held or given twice, stuck disks, and crashes. Nothing
 * here passes time: ticks are given by the test.
 */
import { assert } from '../../base/assert';
import {
  RAFT_DEFAULTS,
  simpleConfState,
  type ConfState,
  type Entry,
  type HardState,
  type Index,
  type MemberId,
  type Message,
  type ProposeResult,
  type RaftSettings,
  type RaftStatus,
  type ReadIndexResult,
  type ReadState,
} from '../core';
import { CoreChecker } from './core-checker';
import { CoreMember, testRandom, type CoreObserver } from './core-member';

/** What is durable in a member at first. */
export interface InitialMember {
  readonly hardState?: HardState;
  readonly entries?: readonly Entry[];
  /** What this member believes, if it is not what all believe. */
  readonly confState?: ConfState;
}

/** A cluster to build. */
export interface CoreNetworkOptions {
  readonly ids: readonly MemberId[];
  /** All are voters without it. */
  readonly confState?: ConfState;
  readonly settings?: Partial<RaftSettings>;
  readonly seed?: string | number;
  readonly initial?: ReadonlyMap<MemberId, InitialMember>;
}

/** Whether a message is meant. */
export type MessageFilter = (message: Message) => boolean;

const ROUNDS_MAX = 10_000;

/** A cluster of cores with faults. */
export class CoreNetwork implements CoreObserver {
  readonly members = new Map<MemberId, CoreMember>();
  readonly checker = new CoreChecker();
  /** Reads that ended, by member. */
  readonly reads = new Map<MemberId, ReadState[]>();
  /** On their way, in the order sent. */
  readonly inFlight: Message[] = [];
  /** Everything that was ever sent. */
  readonly sent: Message[] = [];
  readonly #cut = new Set<string>();
  readonly #stuckDisks = new Set<MemberId>();
  readonly #stuckApplies = new Set<MemberId>();
  #drops: MessageFilter[] = [];
  #holds: { readonly filter: MessageFilter; readonly held: Message[] }[] = [];

  constructor(options: CoreNetworkOptions) {
    const random = testRandom(options.seed ?? 'core-network');
    for (const id of options.ids) {
      const member = new CoreMember(
        {
          id,
          confState: options.confState ?? simpleConfState(options.ids),
          settings: { ...RAFT_DEFAULTS, ...options.settings },
          random: random.fork(id),
          ...options.initial?.get(id),
        },
        this,
        this.inFlight,
      );
      this.members.set(id, member);
      this.reads.set(id, []);
    }
  }

  /** A member by id. */
  member(id: MemberId): CoreMember {
    const member = this.members.get(id);
    assert(member !== undefined, 'the member is of this network', { id });
    return member;
  }

  status(id: MemberId): RaftStatus {
    return this.member(id).node.status();
  }

  /** Who leads, seen from outside: the running leader of the highest term. */
  get leaderId(): MemberId | undefined {
    let best: RaftStatus | undefined;
    for (const member of this.members.values()) {
      if (!member.isUp) continue;
      const status = member.node.status();
      if (status.role === 'leader' && status.term > (best?.term ?? -1)) best = status;
    }
    return best?.id;
  }

  /** The terms of a member's log, from index 1 on. */
  terms(id: MemberId): readonly number[] {
    const { node } = this.member(id);
    return Array.from(
      { length: node.status().lastIndex },
      (_, place) => node.termAt((place + 1) as Index) ?? -1,
    );
  }

  /** What the state machine of a member holds, without the empty entries of new leaders. */
  data(id: MemberId): readonly string[] {
    return this.member(id)
      .applied.filter(({ data }) => data.length > 0)
      .map(({ data }) => Buffer.from(data).toString());
  }

  /** Takes everything as far as it goes without the passing of time. */
  run(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let isMoved = false;
      for (const member of this.members.values()) {
        if (member.isUp && this.drive(member)) isMoved = true;
      }
      for (const message of this.inFlight.splice(0)) {
        isMoved = true;
        this.deliver(message);
      }
      if (!isMoved) return;
    }
    throw new Error(`Cannot reach a fixed point: received ${ROUNDS_MAX} rounds`);
  }

  /** Takes a member's work and moves its pipelines; whether anything happened. */
  drive(member: CoreMember): boolean {
    let isMoved = member.take();
    while (!this.#stuckDisks.has(member.id) && member.storeOne()) isMoved = true;
    while (!this.#stuckApplies.has(member.id) && member.applyOne()) isMoved = true;
    this.checker.check(member);
    return isMoved;
  }

  /** Gives a message to its receiver, unless a fault takes it. */
  deliver(message: Message): void {
    if (this.#cut.has(link(message.from, message.to))) return;
    if (this.#drops.some((isDropped) => isDropped(message))) return;
    const hold = this.#holds.find(({ filter }) => filter(message));
    if (hold !== undefined) {
      hold.held.push(message);
      return;
    }
    this.stepInto(message);
  }

  /** Gives a message to its receiver, whatever faults there are. */
  stepInto(message: Message): void {
    const member = this.member(message.to);
    if (!member.isUp) return;
    member.node.step(message);
    this.checker.check(member);
  }

  /** One tick of one member, then to a fixed point. */
  tick(id: MemberId, count = 1): void {
    for (let i = 0; i < count; i++) {
      if (this.member(id).isUp) this.member(id).node.tick();
      this.run();
    }
  }

  /** Ticks of all members together. */
  tickAll(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const member of this.members.values()) if (member.isUp) member.node.tick();
      this.run();
    }
  }

  /** Ticks until `isReached`; throws after `ticksMax`. */
  tickUntil(isReached: () => boolean, ticksMax = 2_000): number {
    for (let ticks = 0; ticks < ticksMax; ticks++) {
      if (isReached()) return ticks;
      this.tickAll();
    }
    throw new Error(`Cannot reach the condition: received ${ticksMax} ticks`);
  }

  /** Campaigns without waiting for a timeout. */
  campaign(id: MemberId): void {
    this.member(id).node.campaign();
    this.run();
  }

  /** Proposes a text. */
  propose(id: MemberId, text: string): ProposeResult {
    const result = this.member(id).node.propose([{ kind: 'normal', data: Buffer.from(text) }]);
    this.run();
    return result;
  }

  /** Asks for a read; to a fixed point only if told so. */
  read(id: MemberId, options: { readonly run: boolean } = { run: true }): ReadIndexResult {
    const member = this.member(id);
    const result = member.node.readIndex();
    if (result.kind === 'asked') this.checker.onAsked(member, result.key);
    if (options.run) this.run();
    return result;
  }

  /** Nothing passes from one member to another, this way only. */
  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(link(from, to));
  }

  /** Nothing passes to or from a member. */
  isolate(id: MemberId): void {
    for (const other of this.members.keys()) {
      if (other === id) continue;
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  /** Drops what the filter means, until `heal`. */
  drop(filter: MessageFilter): void {
    this.#drops.push(filter);
  }

  /** Keeps what the filter means, until `heal`: the list grows with each. */
  hold(filter: MessageFilter): Message[] {
    const held: Message[] = [];
    this.#holds.push({ filter, held });
    return held;
  }

  /** Ends cuts, drops and holds. What is held stays where it is. */
  heal(): void {
    this.#cut.clear();
    this.#drops = [];
    this.#holds = [];
  }

  /** Writes are taken and never end. */
  stickDisk(id: MemberId): void {
    this.#stuckDisks.add(id);
  }

  freeDisk(id: MemberId): void {
    this.#stuckDisks.delete(id);
  }

  /** Entries are handed to apply and wait there. */
  stickApply(id: MemberId): void {
    this.#stuckApplies.add(id);
  }

  freeApply(id: MemberId): void {
    this.#stuckApplies.delete(id);
  }

  /** Ends a member; see `CoreMember.crash`. */
  crash(
    id: MemberId,
    options: { readonly writesKept?: number; readonly appliedLost?: number } = {},
  ): void {
    this.member(id).crash(options);
  }

  /** Starts a member from what is durable. */
  restart(id: MemberId): void {
    this.member(id).start();
    this.run();
  }

  onApplied(member: CoreMember, entry: Entry): void {
    this.checker.onApplied(member, entry);
  }

  onRead(member: CoreMember, read: ReadState): void {
    this.checker.onRead(member, read);
    this.reads.get(member.id)?.push(read);
  }

  onSend(member: CoreMember, message: Message): void {
    this.checker.onSend(member, message);
    this.sent.push(message);
  }
}

function link(from: MemberId, to: MemberId): string {
  return `${from}>${to}`;
}
