/**
 * One seed, two phases (spec: testing 1.4). First safety: the swarm's faults while clients work and
 * observers watch, every event checked. Then liveness: a majority is healed, nothing else is, and
 * within 20 election timeouts it must have one leader, answer, and agree. At the end the whole
 * history is judged.
 */
import { utf8 } from '../../base/bytes';
import { observeMarks } from '../../base/mark';
import { SeededRandom } from '../../base/random';
import { isStoreError } from '../../store/errors';
import { NO_ID } from '../../base/hex-id';
import { judgeRevisionOrder } from '../check';
import type { KeyState } from '../check/revision-order';
import { withoutAmbient } from './ambient-guard';
import { FaultPlan } from './fault-plan';
import { ObservedCluster, type ObservedMember } from './observed-cluster';
import { drawSwarm, type Swarm } from './swarm';
import { installTaps } from './taps';
import { WatchObserver } from './watch-observers';
import { Calls, WorkloadClient } from './workload';

/** How a seed ended. */
export interface SeedReport {
  readonly seed: string;
  readonly swarm: Swarm;
  readonly events: number;
  readonly virtualMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  readonly digest: string;
  readonly revisions: number;
  readonly elections: number;
  readonly entries: number;
  readonly answered: number;
  readonly unknown: number;
  readonly refused: number;
  readonly batches: number;
  readonly leasesExpired: number;
  /** From healing to a core that agrees. */
  readonly recoveryMs: number;
  /** Empty if nothing is wrong. */
  readonly violations: readonly string[];
}

/** A broken link is noticed after this long at the latest: the model's own constant. */
const LINK_NOTICE_MS = 5_000;
const LOOK_EVERY_EVENTS = 25;

/** Runs a seed. */
export async function runSeed(seed: string): Promise<SeedReport> {
  const run = new SeedRun(seed);
  const marks = new Map<string, number>();
  const before = observeMarks((name) => void marks.set(name, (marks.get(name) ?? 0) + 1));
  const removeTaps = installTaps(run.cluster);
  const onRejection = (error: unknown): void => run.stray(error);
  process.on('unhandledRejection', onRejection);
  try {
    await withoutAmbient(
      (what) => run.cluster.complaints.add('no ambient time or chance', { what }),
      () => run.run(),
    );
  } finally {
    process.off('unhandledRejection', onRejection);
    removeTaps();
    observeMarks(before);
  }
  return run.report(Object.fromEntries([...marks].sort()));
}

class SeedRun {
  readonly seed: string;
  readonly swarm: Swarm;
  readonly cluster: ObservedCluster;
  readonly #calls = new Calls();
  readonly #clients: WorkloadClient[] = [];
  readonly #watchers: WatchObserver[] = [];
  readonly #plan: FaultPlan;
  #recoveryMs = 0;
  #steps = 0;

  constructor(seed: string) {
    this.seed = seed;
    this.swarm = drawSwarm(new SeededRandom(`${seed}/swarm`));
    this.cluster = new ObservedCluster(seed, this.swarm);
    const names: string[] = [];
    for (let i = 1; i <= this.swarm.clients; i++) {
      names.push(`c${i}`);
      this.#clients.push(new WorkloadClient(this.cluster, this.#calls, `c${i}`));
    }
    for (let i = 1; i <= this.swarm.watchers; i++) {
      names.push(`w${i}`);
      this.#watchers.push(new WatchObserver(this.cluster, `w${i}`));
    }
    this.#plan = new FaultPlan(this.cluster, names);
  }

  stray(error: unknown): void {
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 5) : undefined;
    this.cluster.complaints.add('no rejection is lost', { error: String(error), stack });
  }

  async run(): Promise<void> {
    const { cluster, swarm } = this;
    for (const member of cluster.members) cluster.start(member);
    for (const each of [...this.#clients, ...this.#watchers]) {
      each.run().catch((error: unknown) => this.stray(error));
    }
    this.#plan.start();
    await this.#until('', swarm.safetyMs, () => false);
    await this.#liveness();
    if (this.#isClean) this.#judge(await this.#wait('final states', this.#finalStates()));
  }

  get #isClean(): boolean {
    return this.cluster.complaints.found.length === 0;
  }

  /** Runs events until the condition holds; complains if it does not in time, unless unnamed. */
  async #until(what: string, withinMs: number, isDone: () => boolean): Promise<void> {
    const { simulator } = this.cluster;
    const endMs = simulator.nowMs + withinMs;
    while (this.#isClean && !isDone()) {
      if (simulator.nowMs >= endMs) {
        if (what !== '') this.cluster.complaints.add(what, { withinMs, members: this.#members() });
        return;
      }
      await simulator.step();
      if (++this.#steps % LOOK_EVERY_EVENTS === 0) this.cluster.look();
    }
  }

  async #wait<T>(what: string, promise: Promise<T>): Promise<T | undefined> {
    const settled: { value?: T; isOver?: boolean } = {};
    promise.then(
      (value) => Object.assign(settled, { value, isOver: true }),
      (error: unknown) => {
        this.stray(error);
      },
    );
    await this.#until(what, 30_000, () => settled.isOver === true);
    return settled.value;
  }

  #members(): unknown {
    return this.cluster.members.map(({ name, node, process }) => ({
      ...{ name, isAlive: process?.isAlive, isPaused: process?.isPaused },
      status: node?.status(),
    }));
  }

  #drawCore(): ObservedMember[] {
    const random = this.cluster.simulator.random.fork('core');
    const left = [...this.cluster.members];
    const majority = Math.floor(left.length / 2) + 1;
    const size = majority + random.below(left.length - majority + 1);
    while (left.length > size) left.splice(random.below(left.length), 1);
    return left;
  }

  async #liveness(): Promise<void> {
    const { cluster, swarm } = this;
    const core = this.#drawCore();
    const healedMs = cluster.simulator.nowMs;
    this.#plan.healCore(core);
    const electionMs = swarm.raft.tickMs * swarm.raft.electionTimeoutTicks;
    const boundMs = 20 * electionMs + LINK_NOTICE_MS;
    await this.#until('a healed majority has one leader', boundMs, () => hasOneLeader(core));
    const ids = core.map(({ address }) => address);
    const answered = { isDone: false };
    this.#probe(ids, answered).catch((error: unknown) => this.stray(error));
    await this.#until('a healed majority answers', boundMs, () => answered.isDone);
    for (const client of this.#clients) client.isStopped = true;
    const settleMs = boundMs + 2 * swarm.requestTimeoutMs + 10_000;
    await this.#until('a healed majority agrees', settleMs, () => this.#isAgreed(core));
    this.#recoveryMs = cluster.simulator.nowMs - healedMs;
    const watchedMs = boundMs + 15_000;
    for (const watcher of this.#watchers) {
      watcher.catchUp().catch((error: unknown) => this.stray(error));
    }
    await this.#until('every watch gets everything', watchedMs, () =>
      this.#watchers.every(({ next }) => next > cluster.truth.revision),
    );
  }

  /** A client that knows the core alone writes and reads. */
  async #probe(endpoints: readonly string[], answered: { isDone: boolean }): Promise<void> {
    const { kv, process } = this.cluster.client('probe', endpoints);
    for (let i = 0; !answered.isDone; i++) {
      try {
        const put = { kind: 'put', key: utf8('probe'), value: utf8(`probe ${i}`) } as const;
        const success = [{ ...put, leaseId: NO_ID, withPrevious: false }];
        await kv.txn({ compare: [], success, failure: [] });
        await kv.get(utf8('probe'));
        answered.isDone = true;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        await new Promise<void>((resolve) => void process.clock.after(100, resolve));
      }
    }
  }

  #isAgreed(core: readonly ObservedMember[]): boolean {
    const [first] = core;
    const index = first?.state?.applied().index;
    if (index !== this.cluster.raft.lastApplied) return false;
    return core.every(
      ({ state }) =>
        state?.applied().index === index && state.stateHash() === first?.state?.stateHash(),
    );
  }

  async #finalStates(): Promise<readonly ReadonlyMap<string, KeyState>[]> {
    const running = this.cluster.members.filter(
      ({ state }) => state?.revision() === this.cluster.truth.revision,
    );
    return Promise.all(running.map((member) => this.cluster.stored(member)));
  }

  #judge(finalStates: readonly ReadonlyMap<string, KeyState>[] | undefined): void {
    const { writes, reads } = this.#calls;
    const events = this.cluster.truth.events();
    const history = { writes, reads, events, finalStates: finalStates ?? [] };
    for (const problem of judgeRevisionOrder(history).slice(0, 5)) {
      this.cluster.complaints.add('linearizable by revision', problem);
    }
  }

  report(marks: Readonly<Record<string, number>>): SeedReport {
    const { cluster, seed, swarm } = this;
    const { simulator, truth, raft } = cluster;
    const digest = `${cluster.digest >>> 0}.${truth.digest >>> 0}.${simulator.eventCount}`;
    return {
      ...{ seed, swarm, digest, marks },
      events: this.#steps,
      virtualMs: simulator.nowMs,
      faults: Object.fromEntries([...this.#plan.counts].sort()),
      revisions: truth.revision - 1,
      elections: raft.elections,
      entries: raft.lastApplied,
      answered: this.#calls.answered,
      unknown: this.#calls.unknown,
      refused: this.#calls.refused,
      batches: this.#watchers.reduce((sum, { batches }) => sum + batches, 0),
      leasesExpired: cluster.leases.expired,
      recoveryMs: this.#recoveryMs,
      violations: cluster.complaints.found,
    };
  }
}

function hasOneLeader(core: readonly ObservedMember[]): boolean {
  const statuses = core.map(({ node }) => node?.status());
  const [leader, ...others] = statuses.filter((status) => status?.role === 'leader');
  if (leader === undefined || others.length > 0) return false;
  return statuses.every((status) => status?.leaderId === leader.id);
}
