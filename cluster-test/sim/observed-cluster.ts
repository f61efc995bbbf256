/**
 * The cluster of a simulated run: real replicas on simulated edges, watched by the all-knowing
 * observers of `cluster-test/check`. Starts and ends members in the middle of anything; nothing
 * here waits for one.
 */
import { fromUtf8 } from '../../base/bytes';
import { nullLogger } from '../../base/logger';
import type { Message, RaftNode } from '../../raft';
import { MemoryEngine, type KvEngine } from '../../store/engine';
import { Replica } from '../../store/replica';
import type { StateStore } from '../../store/state';
import { createKvClient, type KvClient } from '../../store/wire';
import { Complaints, digestOf } from '../check/complaints';
import { LeaseTimes } from '../check/lease-times';
import { RaftObserver } from '../check/raft-observer';
import { TrueHistory } from '../check/true-history';
import type { KeyState } from '../check/revision-order';
import { FaultyProcess } from './faulty-process';
import { seenEvents, seenState } from './seen-values';
import { SimDisk } from './sim-disk';
import { SimNetwork } from './sim-network';
import { Simulator } from './simulator';
import type { FaultKind, Swarm } from './swarm';
import type { AppliedBatch, TapSink } from './taps';

/** One member; its disk and engine outlive its processes. */
export interface ObservedMember {
  readonly name: string;
  readonly memberId: string;
  readonly address: string;
  readonly disk: SimDisk;
  engine: MemoryEngine;
  process: FaultyProcess | undefined;
  node: RaftNode | undefined;
  state: StateStore | undefined;
  replica: Replica | undefined;
  lives: number;
  /** The life ends at the so-manieth step or change of the disk from now. */
  crashInSteps: number;
  crashInWrites: number;
  /** The life ends as soon as its next vote is on its way. */
  isCrashingAfterVote: boolean;
}

const CLUSTER_ID = '00000000000000c1';

/** All members, clients and observers of a run. */
export class ObservedCluster implements TapSink {
  readonly swarm: Swarm;
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly members: readonly ObservedMember[];
  readonly complaints = new Complaints();
  readonly raft = new RaftObserver(this.complaints);
  readonly truth = new TrueHistory(this.complaints);
  readonly leases = new LeaseTimes(this.complaints);
  digest = 0;
  /** Called when a member crashes by itself at a step that was chosen. */
  onCrashed: (member: ObservedMember, kind: FaultKind) => void = () => undefined;

  constructor(seed: string, swarm: Swarm) {
    this.swarm = swarm;
    this.simulator = new Simulator(seed);
    this.network = new SimNetwork(this.simulator);
    this.members = Array.from({ length: swarm.size }, (_, i) => this.#member(`r${i + 1}`, i + 17));
  }

  #member(name: string, number: number): ObservedMember {
    const disk = new SimDisk(this.simulator, name);
    const member: ObservedMember = {
      name,
      memberId: `00000000000000${number.toString(16)}`,
      address: `${name}:1`,
      disk,
      engine: new MemoryEngine({ location: name }),
      process: undefined,
      node: undefined,
      state: undefined,
      replica: undefined,
      lives: 0,
      crashInSteps: 0,
      crashInWrites: 0,
      isCrashingAfterVote: false,
    };
    disk.beforeChange = () => {
      if (member.crashInWrites > 0 && --member.crashInWrites === 0 && this.isUp(member)) {
        this.onCrashed(member, 'crashAtWrite');
      }
    };
    return member;
  }

  isUp(member: ObservedMember): boolean {
    return member.process?.isAlive === true;
  }

  /** Starts a life through the real way of opening. */
  start(member: ObservedMember): void {
    const { simulator, network, swarm } = this;
    member.lives += 1;
    const process = new FaultyProcess(simulator, member.name);
    member.process = process;
    const fail = (error: unknown): void => {
      if (!process.isAlive) return;
      this.complaints.add('no member ends by itself', {
        ...{ member: member.name, life: member.lives, error: String(error) },
        stack: error instanceof Error ? error.stack?.split('\n').slice(1, 6) : undefined,
      });
    };
    Replica.open({
      config: {
        clusterId: CLUSTER_ID,
        memberId: member.memberId,
        name: member.name,
        address: member.address,
        peers: this.members.map(({ memberId, name, address }) => ({ memberId, name, address })),
        raft: swarm.raft,
        walSegmentBytes: swarm.walSegmentBytes,
        historyKeptMs: swarm.historyKeptMs,
      },
      clock: process.clock,
      random: simulator.random.fork(`${member.name} life ${member.lives}`),
      disk: member.disk.of(process),
      network: network.of(process),
      engine: member.engine,
      logger: nullLogger,
      faults: (step) => this.#step(member, process, step),
    }).then((replica) => {
      if (!process.isAlive) return;
      member.replica = replica;
      replica.run().catch(fail);
    }, fail);
  }

  /**
   * Ends a life; with `isPowerCut` what was not synced is lost. To be called as an event of its
   * own: a process that was killed within another event still runs to the end of that.
   */
  crash(member: ObservedMember, isPowerCut: boolean): void {
    if (member.process === undefined) return;
    member.process.kill();
    member.process = undefined;
    member.node = undefined;
    member.state = undefined;
    member.replica = undefined;
    member.crashInSteps = 0;
    member.crashInWrites = 0;
    member.isCrashingAfterVote = false;
    const { engine, disk } = member;
    if (isPowerCut) {
      disk.powerCut();
      member.engine = engine.crash(disk.random.below(engine.unsyncedBatches + 1));
    } else {
      // The system still has what was written, and (the engine being new) keeps it for good.
      member.engine = engine.crash(engine.unsyncedBatches);
    }
  }

  client(name: string, endpoints: readonly string[]): { kv: KvClient; process: FaultyProcess } {
    const process = new FaultyProcess(this.simulator, name);
    const kv = createKvClient({
      network: this.network.of(process),
      clock: process.clock,
      random: this.simulator.random.fork(name),
      endpoints,
      requestTimeoutMs: this.swarm.requestTimeoutMs,
    });
    return { kv, process };
  }

  /** Looks at every running member. */
  look(): void {
    for (const member of this.members) {
      if (member.node !== undefined && this.isUp(member)) this.raft.status(member.node.status());
    }
  }

  /**
   * A step at which a life may end. The turn in which a batch became durable is let to its end, so
   * that the observers know of everything that the engine holds; nothing of it leaves the member.
   */
  #step(member: ObservedMember, process: FaultyProcess, step: string): Promise<void> | void {
    const isDue = process.isAlive && member.crashInSteps > 0 && --member.crashInSteps === 0;
    if (isDue) this.onCrashed(member, 'crashAtStep');
    if (process.isAlive || step === 'applyAfterBatch') return undefined;
    return new Promise(() => undefined);
  }

  #of(engine: KvEngine): ObservedMember | undefined {
    return this.members.find((member) => member.engine === engine);
  }

  opened(engine: KvEngine, state: StateStore): void {
    const member = this.#of(engine);
    if (member === undefined) return;
    member.state = state;
    this.raft.started(member.memberId, state.applied().index);
  }

  applied(engine: KvEngine, state: StateStore, { entries, outcome }: AppliedBatch): void {
    const member = this.#of(engine);
    if (member === undefined) return;
    const { memberId } = member;
    this.raft.applied(memberId, entries, state.stateHash());
    for (const { revision, events } of outcome.changes) {
      this.truth.learn(memberId, revision, seenEvents(events));
    }
    entries.forEach(({ command }, i) => {
      const result = outcome.results[i];
      if (result?.kind === 'leaseGrant') this.leases.granted(result.leaseId, result.ttlSeconds);
      if (result?.kind === 'leaseExpire') {
        for (const id of result.expired) this.leases.ended(id, this.simulator.nowMs);
      }
      if (result?.kind === 'leaseRevoke' && command?.kind === 'leaseRevoke') {
        this.leases.ended(command.leaseId, this.simulator.nowMs);
      }
    });
    this.note(`${member.name} ${outcome.appliedIndex} ${outcome.revision}`);
    if (member.node !== undefined) this.raft.status(member.node.status());
    if (this.swarm.flushEveryEntries > 0 && outcome.appliedIndex % this.swarm.flushEveryEntries < 1)
      void state.flush();
  }

  sent(messages: readonly Message[]): void {
    for (const message of messages) {
      const sender = this.members.find(({ memberId }) => memberId === message.from);
      if (sender === undefined || !this.isUp(sender)) continue;
      this.raft.sent(message);
      const { isCrashingAfterVote } = sender;
      if (!isCrashingAfterVote || message.kind !== 'requestVoteResponse') continue;
      sender.isCrashingAfterVote = false;
      // The vote leaves, and reaches its candidate.
      this.simulator.schedule(0, () => this.onCrashed(sender, 'crashAfterVote'));
    }
  }

  running(node: RaftNode): void {
    const member = this.members.find(({ memberId }) => memberId === node.status().id);
    if (member !== undefined && this.isUp(member)) member.node = node;
  }

  /** Adds to the digest of the run, with the moment. */
  note(text: string): void {
    this.digest = digestOf(`${this.simulator.nowMs} ${text}`, this.digest);
  }

  /** Everything stored, as clients see it, of one member. */
  async stored(member: ObservedMember): Promise<Map<string, KeyState>> {
    const kv = member.replica?.kv;
    const range = { start: new Uint8Array(0), end: undefined };
    const list = await kv?.list(range, { serializable: true });
    return new Map((list?.keyValues ?? []).map((each) => [fromUtf8(each.key), seenState(each)]));
  }
}
