/**
 * Goal: no order of events breaks the safety of Raft, and a healed cluster goes on.
 *
 * Method: from one seed, draw a cluster of 3 or 5 with small limits and its fault rates; then, one
 * at a time, random events: a tick, a message delivered (in any order, dropped, or given twice), a
 * write stored, an entry applied, a proposal, a read, a transfer, a crash that loses what is not
 * durable, a restart, a cut link, all healed. The checker watches each. At the end everything is
 * healed and the cluster has to elect, commit and apply on all members.
 */
import type { Random } from '../../base/random';
import type { MemberId, Message, RaftSettings } from '../core';
import { testRandom, type CoreMember } from './core-member';
import { CoreNetwork } from './core-network';
import type { CheckCounts } from './core-checker';
import { memberIds } from './scenarios';

/** How a run went, beyond that nothing broke. */
export interface ScheduleReport extends CheckCounts {
  readonly crashes: number;
  readonly proposals: number;
  readonly transfers: number;
}

/** What a seed drew. */
interface Rates {
  readonly drop: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly crash: number;
  readonly cut: number;
  readonly slowDisk: number;
  readonly transfer: number;
}

/** Runs one seed; throws if an invariant breaks, or if the healed cluster does not go on. */
export function runSchedule(seed: string, events: number): ScheduleReport {
  return new Schedule(seed).run(events);
}

class Schedule {
  readonly #random: Random;
  readonly #rates: Rates;
  readonly #ids: readonly MemberId[];
  readonly #network: CoreNetwork;
  #crashes = 0;
  #proposals = 0;
  #transfers = 0;

  constructor(seed: string) {
    const random = testRandom(seed);
    this.#random = random.fork('schedule');
    const draw = random.fork('options');
    this.#rates = {
      drop: draw.unit() * 0.3,
      duplicate: draw.unit() * 0.3,
      reorder: draw.unit(),
      crash: draw.pick([0, 0.001, 0.01]),
      cut: draw.pick([0, 0.002, 0.01]),
      slowDisk: draw.pick([0, 0.5, 0.95, 0.98]),
      transfer: draw.pick([0, 0.01, 0.1]),
    };
    this.#ids = memberIds(draw.pick([1, 3, 3, 3, 5, 5]));
    this.#network = new CoreNetwork({ ids: this.#ids, settings: drawSettings(draw), seed });
  }

  run(events: number): ScheduleReport {
    const network = this.#network;
    for (let i = 0; i < events; i++) {
      this.#event();
      if (i % 200 === 199) network.checker.checkLogs([...network.members.values()]);
    }
    this.#healAndGoOn();
    return {
      ...network.checker.counts,
      crashes: this.#crashes,
      proposals: this.#proposals,
      transfers: this.#transfers,
    };
  }

  #event(): void {
    const network = this.#network;
    const member = network.member(this.#random.pick(this.#ids));
    if (!member.isUp) {
      if (this.#random.unit() < 0.1) member.start();
      return;
    }
    const chance = this.#random.unit();
    if (chance < this.#rates.crash) this.#crash(member.id);
    else if (chance < this.#rates.crash + this.#rates.cut) this.#cutOrHeal();
    else if (this.#random.unit() < this.#rates.transfer) this.#transfer(member);
    else this.#work(member.id);
    network.checker.check(member);
  }

  #work(id: MemberId): void {
    const network = this.#network;
    const member = network.member(id);
    const kind = this.#random.below(24);
    if (kind < 4) member.node.tick();
    else if (kind < 5) this.#propose(id);
    else if (kind < 6) network.read(id, { run: false });
    else if (kind < 11) member.take();
    else if (kind < 14) this.#store(member);
    else if (kind < 16) member.applyOne();
    else this.#deliver();
  }

  /** To anybody: to itself and by a follower too, which is refused. */
  #transfer(member: CoreMember): void {
    const targetId = this.#random.pick([undefined, ...this.#ids]);
    if (member.node.transferLeadership(targetId).kind === 'begun') this.#transfers += 1;
  }

  #store(member: CoreMember): void {
    const isSlow = member.id === this.#ids[0];
    if (isSlow && this.#random.unit() < this.#rates.slowDisk) return;
    member.storeOne();
    if (this.#random.unit() < 0.1) member.repeatAck(this.#random);
  }

  #propose(id: MemberId): void {
    this.#proposals += 1;
    const count = 1 + this.#random.below(3);
    this.#network.member(id).node.propose(
      Array.from({ length: count }, (_, place) => ({
        kind: 'normal',
        data: Buffer.from(`${this.#proposals}.${place}`.padEnd(this.#random.below(40), '.')),
      })),
    );
  }

  #deliver(): void {
    const { inFlight } = this.#network;
    if (inFlight.length === 0) return;
    const isReordered = this.#random.unit() < this.#rates.reorder;
    const place = isReordered ? this.#random.below(inFlight.length) : 0;
    const [message] = inFlight.splice(place, 1) as [Message];
    if (this.#random.unit() < this.#rates.drop) {
      const sender = this.#network.member(message.from);
      if (sender.isUp && this.#random.unit() < 0.2) sender.node.reportUnreachable(message.to);
      return;
    }
    if (this.#random.unit() < this.#rates.duplicate) inFlight.push(message);
    this.#network.deliver(message);
  }

  #crash(id: MemberId): void {
    this.#crashes += 1;
    const member = this.#network.member(id);
    member.crash({
      writesKept: this.#random.below(member.pendingWrites + 1),
      appliedLost: this.#random.below(4),
    });
  }

  #cutOrHeal(): void {
    const kind = this.#random.below(4);
    if (kind < 2) this.#network.heal();
    else if (kind < 3) this.#network.isolate(this.#random.pick(this.#ids));
    else this.#network.cut(this.#random.pick(this.#ids), this.#random.pick(this.#ids));
  }

  /** Safety alone would be content with a cluster that does nothing. */
  #healAndGoOn(): void {
    const network = this.#network;
    network.heal();
    for (const id of this.#ids) if (!network.member(id).isUp) network.member(id).start();
    network.run();
    network.tickUntil(() => network.leaderId !== undefined);
    const isDone = (): boolean => this.#ids.every((id) => network.data(id).includes('last'));
    const attempt = (): void => {
      if (network.leaderId !== undefined) network.propose(network.leaderId, 'last');
    };
    for (let attempts = 0; attempts < 20 && !isDone(); attempts++) {
      attempt();
      network.tickAll(20);
    }
    network.tickUntil(isDone);
    network.checker.checkLogs([...network.members.values()]);
  }
}

/** Small limits, so that windows fill and messages split in every run. */
function drawSettings(draw: Random): Partial<RaftSettings> {
  const heartbeatTicks = 1 + draw.below(3);
  return {
    heartbeatTicks,
    electionTimeoutTicks: heartbeatTicks + 2 + draw.below(10),
    isPreVoteOn: draw.unit() < 0.7,
    isCheckQuorumOn: draw.unit() < 0.7,
    isForwardingOn: draw.unit() < 0.8,
    isFirstCampaignAtOnce: draw.unit() < 0.5,
    maxMessageBytes: draw.pick([1, 20, 100, 1_000]),
    maxInflightMessages: 1 + draw.below(4),
    maxInflightBytes: draw.pick([1, 50, 1_000]),
    maxUncommittedBytes: draw.pick([1, 100, 10_000]),
    maxCommittedBytesPerReady: draw.pick([1, 50, 1_000]),
  };
}
