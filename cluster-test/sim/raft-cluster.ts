/** Members of a Raft group with lists as state machines, on simulated edges: for tests of raft. */
import { assert } from '../../base/assert';
import { fromUtf8, utf8 } from '../../base/bytes';
import { nullLogger } from '../../base/logger';
import {
  openWal,
  PeerTransport,
  RAFT_DEFAULTS,
  RaftNode,
  simpleConfState,
  type AppliedState,
  type ConfState,
  type Entry,
  type Index,
  type LogRetention,
  type MemberId,
  type RaftSettings,
  type StateMachine,
  type Term,
  type Wal,
} from '../../raft';
import { SimDisk } from './sim-disk';
import { SimNetwork } from './sim-network';
import { Simulator, type SimProcess } from './simulator';

const CLUSTER = '00000000000000c1';
const SETTINGS: RaftSettings = { ...RAFT_DEFAULTS, heartbeatTicks: 3, electionTimeoutTicks: 20 };

/** What survives of a list state machine: all that was applied, as if each batch were synced. */
export class ListStorage {
  readonly items: string[] = [];
  index = 0 as Index;
  term = 0 as Term;
  confState: ConfState = simpleConfState([]);
}

/** A state machine that is a list. */
export class ListMachine implements StateMachine {
  failure: Error | undefined;
  readonly #storage: ListStorage;
  readonly #process: SimProcess;

  constructor(storage: ListStorage, process: SimProcess) {
    this.#storage = storage;
    this.#process = process;
  }

  applied(): AppliedState {
    const { index, term, confState } = this.#storage;
    return { index, term, confState };
  }

  async apply(entries: readonly Entry[], confState: ConfState): Promise<void> {
    await new Promise<void>((resolve) => this.#process.schedule(0.1, resolve));
    if (this.failure !== undefined) throw this.failure;
    for (const entry of entries) {
      if (entry.index !== this.#storage.index + 1) throw new Error('applied out of order');
      this.#storage.index = entry.index;
      this.#storage.term = entry.term;
      if (entry.data.length > 0) this.#storage.items.push(fromUtf8(entry.data));
    }
    this.#storage.confState = confState;
  }

  durableAppliedIndex(): Index {
    return this.#storage.index;
  }
}

/** One run of a member, from start to kill. */
export interface MemberLife {
  readonly process: SimProcess;
  readonly node: RaftNode;
  readonly wal: Wal;
  readonly machine: ListMachine;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/** A cluster of members, each with a disk and a list that outlive it. */
export class RaftCluster {
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly ids: readonly MemberId[];
  readonly disks = new Map<MemberId, SimDisk>();
  readonly lists = new Map<MemberId, ListStorage>();
  readonly lives = new Map<MemberId, MemberLife>();
  retention: LogRetention | undefined;

  constructor(seed: string, size: number) {
    this.simulator = new Simulator(seed);
    this.network = new SimNetwork(this.simulator);
    this.ids = Array.from({ length: size }, (_, i) => `00000000000000a${i + 1}` as MemberId);
    for (const id of this.ids) {
      this.disks.set(id, new SimDisk(this.simulator, id));
      this.lists.set(id, new ListStorage());
    }
  }

  /** The disk of a member; survives its processes. */
  disk(id: MemberId): SimDisk {
    const disk = this.disks.get(id);
    assert(disk !== undefined, 'the member exists', { id });
    return disk;
  }

  /** What a member applied; survives its processes. */
  list(id: MemberId): ListStorage {
    const list = this.lists.get(id);
    assert(list !== undefined, 'the member exists', { id });
    return list;
  }

  /** Starts a process for a member and opens its log. */
  async start(id: MemberId): Promise<MemberLife> {
    const process = this.simulator.process(id);
    const random = this.simulator.random.fork(`${id} ${this.simulator.eventCount}`);
    const { clock } = process;
    const logger = nullLogger;
    const wal = await this.simulator.runUntilSettled(
      openWal({
        disk: this.disk(id).of(process),
        directory: 'wal',
        clusterId: CLUSTER,
        memberId: id,
        clock,
        random: random.fork('wal'),
        logger,
        segmentBytes: 64 * 1024,
      }),
    );
    const transport = new PeerTransport({
      network: this.network.of(process),
      listenAddress: `${id}:1`,
      identity: wal.identity,
      peers: this.ids.map((each) => ({ id: each, address: `${each}:1`, name: each })),
      isMutuallyAuthenticated: false,
      storeSchema: 1,
      reconnectMaxMs: 200,
      clock,
      random: random.fork('transport'),
      logger,
    });
    const machine = new ListMachine(this.list(id), process);
    const node = new RaftNode({
      memberId: id,
      initialVoters: this.ids,
      settings: SETTINGS,
      wal,
      transport,
      stateMachine: machine,
      clock,
      random: random.fork('core'),
      logger,
      ...(this.retention === undefined ? {} : { retention: this.retention }),
    });
    const stop = new AbortController();
    const ended = node.run(stop.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    const life = { process, node, wal, machine, stop, ended };
    this.lives.set(id, life);
    return life;
  }

  async startAll(): Promise<void> {
    for (const id of this.ids) await this.start(id);
  }

  /** Cuts the power of a member: unsynced bytes may be lost. */
  powerCut(id: MemberId): void {
    this.lives.get(id)?.process.kill();
    this.lives.delete(id);
    this.disk(id).powerCut();
  }

  leader(): MemberLife | undefined {
    const leaders = [...this.lives.values()].filter(({ node }) => node.leadership().isLeader);
    leaders.sort((a, b) => b.node.leadership().term - a.node.leadership().term);
    return leaders[0];
  }

  async untilLeader(): Promise<MemberLife> {
    const isSettled = (): boolean => {
      const leader = this.leader();
      if (leader === undefined) return false;
      const { leaderId } = leader.node.leadership();
      return [...this.lives.values()].every(({ node }) => node.leadership().leaderId === leaderId);
    };
    await this.simulator.runUntil('a leader is known', isSettled, 20_000);
    const leader = this.leader();
    assert(leader !== undefined, 'a leader is known');
    return leader;
  }

  /** Puts a text through any member and waits until that member applied it; false if unknown. */
  async put(life: MemberLife, text: string, withinMs = 5_000): Promise<boolean> {
    const list = this.list(life.node.status().id);
    try {
      await this.simulator.runUntilSettled(life.node.propose(utf8(text)));
    } catch {
      await this.simulator.runFor(50);
      return false;
    }
    const endMs = this.simulator.nowMs + withinMs;
    const isOver = (): boolean => list.items.includes(text) || this.simulator.nowMs > endMs;
    await this.simulator.runUntil('the put ends', isOver, withinMs + 1_000);
    return list.items.includes(text);
  }

  async untilEqual(): Promise<readonly string[]> {
    const lists = [...this.lives.keys()].map((id) => this.list(id));
    const isEqual = (): boolean => new Set(lists.map(({ index }) => index)).size === 1;
    await this.simulator.runFor(300);
    await this.simulator.runUntil('all members applied the same', isEqual, 30_000);
    const [first] = lists;
    for (const { items } of lists) {
      if (items.join() !== first?.items.join()) throw new Error('the members differ');
    }
    return first?.items ?? [];
  }
}
