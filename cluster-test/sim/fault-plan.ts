/**
 * Draws faults, carries them out and ends them again. Everything it does is an event of the
 * simulator, and every draw comes from a stream of its own.
 */
import type { Random } from '../../base/random';
import type { ObservedCluster, ObservedMember } from './observed-cluster';
import { FAULT_KINDS, type FaultKind } from './swarm';

/** A direction of a link by the names of its ends. */
type LinkFault = readonly [kind: 'cut' | 'clog', from: string, to: string];

/** The faults of one run. */
export class FaultPlan {
  readonly #cluster: ObservedCluster;
  readonly #random: Random;
  readonly #links = new Set<LinkFault>();
  readonly #clients: readonly string[];
  readonly counts = new Map<FaultKind, number>();
  #isOver = false;

  constructor(cluster: ObservedCluster, clients: readonly string[]) {
    this.#cluster = cluster;
    this.#clients = clients;
    this.#random = cluster.simulator.random.fork('fault plan');
    cluster.onCrashed = (member, kind) => {
      member.process?.kill();
      const isPowerCut = this.#random.unit() < 0.5;
      cluster.simulator.schedule(0, () => this.#end(member, isPowerCut, kind));
    };
  }

  /** Begins to break things. */
  start(): void {
    this.#later(this.#cluster.swarm.faultEveryMs, () => this.#next());
  }

  /**
   * The second phase: `core` is healed and nothing else. Members outside of it stay as they are,
   * and hear nobody of the core any more, though they may still speak.
   */
  healCore(core: readonly ObservedMember[]): void {
    this.#isOver = true;
    const { members, network } = this.#cluster;
    const outside = members.filter((member) => !core.includes(member)).map(({ name }) => name);
    this.#links.clear();
    for (const name of outside) {
      for (const { name: other } of core) this.#links.add(['cut', other, name]);
      if (this.#random.unit() < 0.5) {
        for (const { name: other } of core) this.#links.add(['cut', name, other]);
      }
    }
    this.#applyLinks();
    Object.assign(network.conditions, { delayMinMs: 0.2, delayMaxMs: 1, dropRate: 0 });
    for (const member of core) {
      Object.assign(member.disk.conditions, { latencyMinMs: 0.1, latencyMaxMs: 0.5 });
      member.crashInSteps = 0;
      member.crashInWrites = 0;
      member.isCrashingAfterVote = false;
      if (this.#cluster.isUp(member)) member.process?.resume();
      else this.#cluster.start(member);
    }
  }

  #later(meanMs: number, run: () => void): void {
    const ms = -Math.log(1 - this.#random.unit()) * meanMs;
    this.#cluster.simulator.schedule(Math.max(0.01, Math.min(ms, meanMs * 8)), () => {
      if (!this.#isOver) run();
    });
  }

  #next(): void {
    const { swarm } = this.#cluster;
    const sum = FAULT_KINDS.reduce((total, kind) => total + swarm.weights[kind], 0);
    let left = this.#random.unit() * sum;
    const kind = FAULT_KINDS.find((each) => (left -= swarm.weights[each]) < 0);
    if (kind !== undefined) this.#break(kind);
    this.#later(swarm.faultEveryMs, () => this.#next());
  }

  #count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#cluster.note(`fault ${kind}`);
  }

  #break(kind: FaultKind): void {
    const { members } = this.#cluster;
    const member = this.#random.pick(members);
    const names = members.map(({ name }) => name);
    switch (kind) {
      case 'kill': {
        this.#crash(member, false, kind);
        return;
      }
      case 'powerCut': {
        this.#crash(member, true, kind);
        return;
      }
      case 'powerCutAll':
        for (const each of members) this.#crash(each, true, kind);
        return;
      case 'crashAtWrite':
        if (this.#cluster.isUp(member)) member.crashInWrites = 1 + this.#random.below(20);
        return;
      case 'crashAtStep':
        if (this.#cluster.isUp(member)) member.crashInSteps = 1 + this.#random.below(20);
        return;
      case 'pause': {
        this.#pause(member);
        return;
      }
      case 'partition': {
        const side = names.filter(() => this.#random.unit() < 0.5);
        this.#breakLinks(kind, bothWays(side, without(names, side)));
        return;
      }
      case 'isolate': {
        this.#breakLinks(kind, bothWays([member.name], without(names, [member.name])));
        return;
      }
      case 'oneWay': {
        const others = without(names, [member.name]);
        const some = others.filter(() => this.#random.unit() < 0.7);
        const isIn = this.#random.unit() < 0.5;
        const from = isIn ? some : [member.name];
        this.#breakLinks(kind, pairs('cut', from, isIn ? [member.name] : some));
        return;
      }
      case 'clog': {
        this.#breakLinks(kind, [['clog', member.name, this.#random.pick(names)]]);
        return;
      }
      case 'cutClient': {
        this.#breakLinks(kind, bothWays([this.#random.pick(this.#clients)], [member.name]));
        return;
      }
      default: {
        this.#disturb(kind, member);
        return;
      }
    }
  }

  /** Faults of degree: slow, lossy, a wrong clock. */
  #disturb(kind: FaultKind, member: ObservedMember): void {
    this.#count(kind);
    const { network } = this.#cluster;
    if (kind === 'slowDisk') {
      member.disk.conditions.latencyMaxMs = this.#random.pick([20, 200, 1_000, 5_000]);
      this.#ends(() => (member.disk.conditions.latencyMaxMs = 0.5));
    } else if (kind === 'lossyNetwork') {
      network.conditions.dropRate = this.#random.unit() * 0.3;
      this.#ends(() => (network.conditions.dropRate = 0));
    } else if (kind === 'slowNetwork') {
      network.conditions.delayMaxMs = this.#random.pick([10, 50, 200, 1_000]);
      this.#ends(() => (network.conditions.delayMaxMs = 1));
    } else if (kind === 'wallJump') {
      member.process?.clock.jumpWall((this.#random.unit() - 0.5) * 7_200_000);
    }
  }

  #crash(member: ObservedMember, isPowerCut: boolean, kind: FaultKind): void {
    if (this.#cluster.isUp(member)) this.#end(member, isPowerCut, kind);
  }

  #end(member: ObservedMember, isPowerCut: boolean, kind: FaultKind): void {
    // Something else has ended it in the same moment.
    if (member.process === undefined) return;
    this.#count(kind);
    this.#cluster.crash(member, isPowerCut);
    this.#ends(() => {
      if (!this.#cluster.isUp(member)) this.#cluster.start(member);
    });
  }

  #pause(member: ObservedMember): void {
    const { process } = member;
    if (process?.isAlive !== true || process.isPaused) return;
    this.#count('pause');
    process.pause();
    this.#ends(() => process.resume());
  }

  #breakLinks(kind: FaultKind, faults: readonly LinkFault[]): void {
    const made = faults.filter(([, from, to]) => from !== to);
    if (made.length === 0) return;
    this.#count(kind);
    for (const fault of made) this.#links.add(fault);
    this.#applyLinks();
    this.#ends(() => {
      for (const fault of made) this.#links.delete(fault);
      this.#applyLinks();
    });
  }

  #applyLinks(): void {
    const { network } = this.#cluster;
    network.heal();
    for (const [kind, from, to] of this.#links) network[kind](from, to);
  }

  #ends(run: () => void): void {
    this.#later(this.#cluster.swarm.faultLastsMs, run);
  }
}

function pairs(kind: 'cut' | 'clog', from: readonly string[], to: readonly string[]): LinkFault[] {
  return from.flatMap((a) => to.map((b): LinkFault => [kind, a, b]));
}

function bothWays(one: readonly string[], other: readonly string[]): LinkFault[] {
  return [...pairs('cut', one, other), ...pairs('cut', other, one)];
}

function without(all: readonly string[], some: readonly string[]): string[] {
  return all.filter((each) => !some.includes(each));
}
