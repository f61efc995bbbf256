/**
 * The driver with the real log and transport on virtual time: three members elect, replicate, lose
 * their leader and their power; one member loses its power around each put (R1, R2, R32, R33).
 */
import t from 'tap';
import { fromUtf8, utf8 } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import { nullLogger } from '../../base/logger';
import { SimDisk, SimNetwork, Simulator, type SimProcess } from '../../cluster-test/sim';
import {
  RAFT_DEFAULTS,
  simpleConfState,
  type ConfState,
  type Entry,
  type Index,
  type MemberId,
  type Term,
} from '../core';
import { PeerTransport } from '../transport';
import { openWal, type Wal } from '../wal';
import { RaftNode } from './raft-node';
import type { LogRetention } from './retention';
import type { AppliedState, StateMachine } from './state-machine';

const CLUSTER = '00000000000000c1';
const SETTINGS = { ...RAFT_DEFAULTS, heartbeatTicks: 3, electionTimeoutTicks: 20 };

/** What survives of a list state machine: all that was applied, as if each batch were synced. */
class ListStorage {
  readonly items: string[] = [];
  index = 0 as Index;
  term = 0 as Term;
  confState: ConfState = simpleConfState([]);
}

class ListMachine implements StateMachine {
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

interface Life {
  readonly process: SimProcess;
  readonly node: RaftNode;
  readonly wal: Wal;
  readonly machine: ListMachine;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/** A cluster of members, each with a disk and a list that outlive it. */
class Cluster {
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly ids: readonly MemberId[];
  readonly disks = new Map<MemberId, SimDisk>();
  readonly lists = new Map<MemberId, ListStorage>();
  readonly lives = new Map<MemberId, Life>();
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

  async start(id: MemberId): Promise<Life> {
    const process = this.simulator.process(id);
    const random = this.simulator.random.fork(`${id} ${this.simulator.eventCount}`);
    const { clock } = process;
    const logger = nullLogger;
    const wal = await this.simulator.runUntilSettled(
      openWal({
        disk: this.disks.get(id)!.of(process),
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
    const machine = new ListMachine(this.lists.get(id)!, process);
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
    this.disks.get(id)!.powerCut();
  }

  leader(): Life | undefined {
    const leaders = [...this.lives.values()].filter(({ node }) => node.leadership().isLeader);
    leaders.sort((a, b) => b.node.leadership().term - a.node.leadership().term);
    return leaders[0];
  }

  async untilLeader(): Promise<Life> {
    const isSettled = (): boolean => {
      const leader = this.leader();
      if (leader === undefined) return false;
      const { leaderId } = leader.node.leadership();
      return [...this.lives.values()].every(({ node }) => node.leadership().leaderId === leaderId);
    };
    await this.simulator.runUntil('a leader is known', isSettled, 20_000);
    return this.leader()!;
  }

  /** Puts a text through any member and waits until that member applied it; false if unknown. */
  async put(life: Life, text: string, withinMs = 5_000): Promise<boolean> {
    const list = this.lists.get(life.node.status().id)!;
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
    const lists = [...this.lives.keys()].map((id) => this.lists.get(id)!);
    const isEqual = (): boolean => new Set(lists.map(({ index }) => index)).size === 1;
    await this.simulator.runFor(300);
    await this.simulator.runUntil('all members applied the same', isEqual, 30_000);
    const [first] = lists;
    for (const { items } of lists) {
      if (items.join() !== first!.items.join()) throw new Error('the members differ');
    }
    return first!.items;
  }
}

t.test('three members elect, replicate, lose their leader and come back (R1, R32)', async (t) => {
  const cluster = new Cluster('three', 3);
  await cluster.startAll();
  const acknowledged: string[] = [];
  let leader = await cluster.untilLeader();
  for (let i = 0; i < 20; i++) {
    const via = [...cluster.lives.values()][i % 3]!;
    if (await cluster.put(via, `a${i}`)) acknowledged.push(`a${i}`);
  }
  t.equal(acknowledged.length, 20, 'all puts through all members arrive');
  const crashed = leader.node.status().id;
  const term = leader.node.leadership().term;
  cluster.powerCut(crashed);
  leader = await cluster.untilLeader();
  t.ok(leader.node.leadership().term > term);
  for (let i = 0; i < 10; i++) {
    if (await cluster.put(leader, `b${i}`)) acknowledged.push(`b${i}`);
  }
  await cluster.start(crashed);
  const items = await cluster.untilEqual();
  t.same(
    acknowledged.filter((text) => !items.includes(text)),
    [],
  );
  t.equal(new Set(items).size, items.length, 'nothing was applied twice');
  for (const id of cluster.ids) cluster.powerCut(id);
  await cluster.startAll();
  await cluster.untilLeader();
  const after = await cluster.untilEqual();
  t.same(after.slice(0, items.length), items);
});

t.test('under drops, cuts and power cuts nothing acknowledged is lost', async (t) => {
  let total = 0;
  for (let seed = 0; seed < 6; seed++) {
    const cluster = new Cluster(`chaos ${seed}`, 3);
    const random = cluster.simulator.random.fork('chaos');
    cluster.network.conditions.dropRate = 0.05;
    cluster.network.conditions.delayMaxMs = 5;
    await cluster.startAll();
    const acknowledged: string[] = [];
    for (let i = 0; i < 40; i++) {
      const id = random.pick(cluster.ids);
      const fault = random.below(12);
      if (fault === 0 && cluster.lives.size === 3) cluster.powerCut(id);
      else if (fault === 1)
        cluster.network.partition(
          [id],
          cluster.ids.filter((x) => x !== id),
        );
      else if (fault === 2) cluster.network.heal();
      for (const each of cluster.ids) {
        if (fault >= 8 && !cluster.lives.has(each)) await cluster.start(each);
      }
      const via = random.pick([...cluster.lives.values()]);
      if (await cluster.put(via, `s${seed}p${i}`, 400)) acknowledged.push(`s${seed}p${i}`);
    }
    cluster.network.heal();
    cluster.network.conditions.dropRate = 0;
    for (const id of cluster.ids) if (!cluster.lives.has(id)) await cluster.start(id);
    await cluster.untilLeader();
    const items = await cluster.untilEqual();
    const lost = acknowledged.filter((text) => !items.includes(text));
    if (lost.length > 0) t.fail(`seed ${seed} lost ${lost.join()}`);
    if (new Set(items).size !== items.length) t.fail(`seed ${seed} applied twice`);
    total += acknowledged.length;
  }
  t.ok(total > 60, `${total} of 240 acknowledged`);
});

t.test(
  'a single member keeps a put that it acknowledged, wherever the power fails (R2)',
  async (t) => {
    let cuts = 0;
    for (let at = 0; at < 20; at++) {
      const cluster = new Cluster(`single ${at}`, 1);
      const id = cluster.ids[0]!;
      const life = await cluster.start(id);
      await cluster.untilLeader();
      await cluster.simulator.runFor(50);
      let isAcknowledged = false;
      const list = cluster.lists.get(id)!;
      void life.node.propose(utf8('x'));
      for (let step = 0; step < at; step++) {
        await cluster.simulator.step();
        if (list.items.includes('x')) isAcknowledged = true;
      }
      cluster.powerCut(id);
      // The list is a cache here: only the log decides what an acknowledged put is worth.
      cluster.lists.set(id, new ListStorage());
      await cluster.start(id);
      await cluster.untilLeader();
      await cluster.simulator.runFor(200);
      const isThere = cluster.lists.get(id)!.items.includes('x');
      if (isAcknowledged && !isThere) t.fail(`lost after a power cut at event ${at}`);
      if (!isAcknowledged) cuts += 1;
    }
    t.ok(cuts > 2 && cuts < 20, `${cuts} cuts before the acknowledgement`);
  },
);

t.test(
  'linearizable reads see every put acknowledged before, on every member (R80, R83)',
  async (t) => {
    const cluster = new Cluster('reads', 3);
    await cluster.startAll();
    const leader = await cluster.untilLeader();
    await cluster.put(leader, 'first');
    const written = leader.node.status().commitIndex;
    for (const life of cluster.lives.values()) {
      const indexes = await cluster.simulator.runUntilSettled(
        Promise.all(Array.from({ length: 50 }, () => life.node.readIndex())),
      );
      t.ok(indexes.every((index) => index >= written));
    }
    cluster.network.partition(
      [leader.node.status().id],
      cluster.ids.filter((id) => id !== leader.node.status().id),
    );
    const lost = leader.node.readIndex().then(
      () => 'answered',
      (error: unknown) => (error instanceof KeelsonError ? error.code : 'other'),
    );
    t.match(await cluster.simulator.runUntilSettled(lost), /RAFT_(LEADER_CHANGED|NO_LEADER)/);
    const stop = new AbortController();
    const aborted = leader.node.readIndex(stop.signal).catch(() => 'ended');
    stop.abort();
    t.equal(await cluster.simulator.runUntilSettled(aborted), 'ended');
  },
);

t.test('proposals of many callers share appends and syncs (Raft §10.2.2)', async (t) => {
  const cluster = new Cluster('batching', 3);
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  await cluster.simulator.runFor(500);
  let syncs = 0;
  cluster.disks.get(leader.node.status().id)!.beforeChange = (operation) => {
    if (operation === 'sync') syncs += 1;
  };
  const list = cluster.lists.get(leader.node.status().id)!;
  const before = list.items.length;
  for (let i = 0; i < 1000; i++) void leader.node.propose(utf8(`p${i}`));
  await cluster.simulator.runUntil('all are applied', () => list.items.length === before + 1000);
  t.ok(syncs <= 6, `${syncs} syncs for 1000 proposals`);
  t.same(
    list.items.slice(before),
    Array.from({ length: 1000 }, (_, i) => `p${i}`),
    'in the order of the calls',
  );
});

t.test(
  'a failing state machine ends the node, and so does a failing disk (R61, R95)',
  async (t) => {
    const cluster = new Cluster('failure', 3);
    await cluster.startAll();
    const leader = await cluster.untilLeader();
    const [other, third] = [...cluster.lives.values()].filter((life) => life !== leader);
    other!.machine.failure = new Error('apply failed');
    await cluster.put(leader, 'x');
    t.match(await cluster.simulator.runUntilSettled(other!.ended), { message: 'apply failed' });
    cluster.disks.get(third!.node.status().id)!.conditions.isNextSyncFailing = true;
    void leader.node.propose(utf8('y'));
    t.match(await cluster.simulator.runUntilSettled(third!.ended), {
      code: 'RAFT_LOG_WRITE_FAILED',
    });
    const refused = await third!.node.propose(utf8('z')).catch((error: unknown) => error);
    t.match(refused, { code: 'RAFT_STOPPED' });
  },
);

t.test('close ends a node twice, and what waits is told (R95)', async (t) => {
  const cluster = new Cluster('close', 3);
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  const told: number[] = [];
  const follower = [...cluster.lives.values()].find((life) => life !== leader)!;
  follower.node.onLeadershipChange(({ term }) => told.push(term));
  leader.stop.abort();
  t.equal(await cluster.simulator.runUntilSettled(leader.ended), undefined);
  await cluster.simulator.runUntilSettled(leader.node.close());
  await cluster.simulator.runUntil('a new term', () => told.length > 0);
  t.match(await leader.node.readIndex().catch((e: unknown) => e), { code: 'RAFT_STOPPED' });
});

t.test(
  'a store ahead of its log is refused at start (R44), one behind it catches up (R33)',
  async (t) => {
    const cluster = new Cluster('ahead', 1);
    const id = cluster.ids[0]!;
    await cluster.startAll();
    await cluster.put(await cluster.untilLeader(), 'x');
    cluster.powerCut(id);
    const list = cluster.lists.get(id)!;
    cluster.lists.set(id, new ListStorage());
    await cluster.start(id);
    await cluster.simulator.runUntil('applied again', () =>
      cluster.lists.get(id)!.items.includes('x'),
    );
    cluster.powerCut(id);
    list.index = 99 as Index;
    cluster.lists.set(id, list);
    const error = await cluster.start(id).catch((e: unknown) => e);
    t.match(error, { code: 'RAFT_LOG_DAMAGED' });
  },
);

t.test('the log is released by memory, and a released member goes on (R40)', async (t) => {
  const cluster = new Cluster('release', 3);
  cluster.retention = { bytesMax: 20_000, entriesMin: 10 };
  await cluster.startAll();
  const leader = await cluster.untilLeader();
  const list = cluster.lists.get(leader.node.status().id)!;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 10; i++)
      void leader.node.propose(utf8(`r${round}-${i}-${'x'.repeat(400)}`));
    await cluster.simulator.runUntil('applied', () => list.items.length >= (round + 1) * 10);
  }
  const { firstIndex, lastIndex } = leader.node.status();
  t.ok(firstIndex > 1 && lastIndex - firstIndex < 100, `${firstIndex}..${lastIndex}`);
  t.ok(leader.wal.log.dataBytes < 30_000);
  for (const id of cluster.ids) cluster.powerCut(id);
  await cluster.startAll();
  await cluster.put(await cluster.untilLeader(), 'after');
  t.ok((await cluster.untilEqual()).includes('after'));
});

t.test('the same seed gives the same run', async (t) => {
  const run = async (): Promise<string> => {
    const cluster = new Cluster('again', 3);
    await cluster.startAll();
    const leader = await cluster.untilLeader();
    for (let i = 0; i < 5; i++) await cluster.put(leader, `${i}`);
    return `${cluster.simulator.eventCount} ${cluster.simulator.nowMs} ${leader.node.status().id}`;
  };
  t.equal(await run(), await run());
});
