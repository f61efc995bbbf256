/**
 * Real replicas and clients on simulated edges, in one process on virtual time. The engine of a
 * replica that dies keeps what a crash leaves of it, its disk what a power cut leaves.
 */
import { Simulator, SimDisk, SimNetwork, type SimProcess } from '../../cluster-test/sim';
import { nullLogger } from '../../base/logger';
import { RAFT_UP } from '../../raft';
import { MemoryEngine } from '../engine';
import type { MemberStatus } from '../kv';
import { Replica, type ReplicaConfig } from '../replica';
import { createKvClient, type KvClient } from '../wire';

/** One member: its disk and engine outlive its process. */
export interface SimMember {
  readonly name: string;
  readonly memberId: string;
  readonly address: string;
  readonly disk: SimDisk;
  engine: MemoryEngine;
  process: SimProcess | undefined;
  replica: Replica | undefined;
  lives: number;
}

/** A cluster whose members come and go. */
export class SimReplicas {
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly members: readonly SimMember[];
  /** What ended a replica that should have lived. */
  readonly failures: unknown[] = [];
  readonly #config: Partial<ReplicaConfig>;
  #clients = 0;

  constructor(seed: string, count: number, config: Partial<ReplicaConfig> = {}) {
    this.simulator = new Simulator(seed);
    this.network = new SimNetwork(this.simulator);
    this.#config = config;
    this.members = Array.from({ length: count }, (_, i) => ({
      name: `r${i + 1}`,
      memberId: `00000000000000${(i + 17).toString(16)}`,
      address: `r${i + 1}:1`,
      disk: new SimDisk(this.simulator, `r${i + 1}`),
      engine: new MemoryEngine({ location: `r${i + 1}` }),
      process: undefined,
      replica: undefined,
      lives: 0,
    }));
  }

  /** Addresses of all members. */
  get endpoints(): string[] {
    return this.members.map(({ address }) => address);
  }

  /** Starts a member that is not running. */
  async start(member: SimMember): Promise<void> {
    const { simulator, network } = this;
    member.lives += 1;
    const process = simulator.process(member.name);
    member.process = process;
    const opening = Replica.open({
      config: {
        clusterId: '00000000000000c1',
        memberId: member.memberId,
        name: member.name,
        address: member.address,
        peers: this.members.map(({ memberId, name, address }) => ({ memberId, name, address })),
        raft: RAFT_UP,
        walSegmentBytes: 256 * 1024,
        ...this.#config,
      },
      clock: process.clock,
      random: simulator.random.fork(`${member.name} life ${member.lives}`),
      disk: member.disk.of(process),
      network: network.of(process),
      engine: member.engine,
      logger: nullLogger,
    });
    const replica = await simulator.runUntilSettled(opening);
    member.replica = replica;
    replica.run().catch((error: unknown) => {
      if (process.isAlive) this.failures.push(error);
    });
  }

  /** Starts all. */
  async startAll(): Promise<void> {
    for (const member of this.members) await this.start(member);
  }

  /** Stops a member in order, as SIGTERM does; its engine is closed and opened again. */
  async stop(member: SimMember): Promise<void> {
    const { replica, process } = member;
    if (replica === undefined) return;
    await this.simulator.runUntilSettled(replica.close());
    member.replica = undefined;
    process?.kill();
    member.engine = member.engine.fork();
  }

  /** Ends a member at this instant, as SIGKILL does: what it gave to the system is kept. */
  kill(member: SimMember): void {
    member.process?.kill();
    member.replica = undefined;
    member.engine = member.engine.fork();
  }

  /** Ends members at this instant and cuts their power: what was not synced is lost. */
  powerCut(members: readonly SimMember[]): void {
    for (const member of members) {
      member.process?.kill();
      member.replica = undefined;
      member.disk.powerCut();
      const unsynced = member.engine.unsyncedBatches;
      member.engine = member.engine.crash(this.simulator.random.below(unsynced + 1));
    }
  }

  /** A client in a process of its own. */
  client(endpoints: readonly string[] = this.endpoints): { kv: KvClient; process: SimProcess } {
    const name = `client${++this.#clients}`;
    const process = this.simulator.process(name);
    const kv = createKvClient({
      network: this.network.of(process),
      clock: process.clock,
      random: this.simulator.random.fork(name),
      endpoints,
    });
    return { kv, process };
  }

  /** What the running members say. */
  async statuses(): Promise<MemberStatus[]> {
    const running = this.members.flatMap(({ replica }) => (replica === undefined ? [] : [replica]));
    const asked = Promise.all(running.map((replica) => replica.status()));
    return this.simulator.runUntilSettled(asked);
  }

  /** Waits for a leader that a majority follows. */
  async leader(): Promise<SimMember> {
    for (let i = 0; i < 200; i++) {
      const statuses = await this.statuses();
      for (const member of this.members) {
        const followers = statuses.filter(({ leaderId }) => leaderId === member.memberId).length;
        const isRunning = member.replica !== undefined;
        if (isRunning && followers * 2 > this.members.length) return member;
      }
      await this.simulator.runFor(50);
    }
    throw new Error('No leader was elected within 10 virtual seconds');
  }
}
