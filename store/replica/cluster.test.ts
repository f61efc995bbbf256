/**
 * Three real replicas, real clients, virtual time.
 *
 * Goal: what was acknowledged is never lost, a watch has each event exactly once and in order,
 * reads are linearizable, through crashes of leaders, power cuts of all and partitions.
 * Method: writers create and overwrite keys with values never used twice and note every answer; a
 * watcher notes every event; afterwards the watch is the history, and the answers must fit it. A
 * seed replays a run.
 */
import t, { type Test } from 'tap';
import { fromUtf8, utf8 } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import { currentKey } from '../mvcc';
import type { KvWatch, Revision, TransferResult, TxnKv, WatchEvent } from '../kv';
import { SimReplicas, type SimMember } from '../testing/sim-replicas';
import { readWatch } from '../testing/watch-reader';

const ALL = { start: new Uint8Array(0), end: undefined };

interface Written {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

/** What a writer knows about its writes. */
interface WriterLog {
  readonly acknowledged: Written[];
  readonly unknown: { readonly key: string; readonly value: string }[];
  readonly refused: string[];
  lastAckMs: number;
  longestGapMs: number;
}

/** Writes until told to stop: new keys and overwrites in turn, each value once. */
async function write(
  cluster: SimReplicas,
  kv: TxnKv,
  name: string,
  isStopped: () => boolean,
): Promise<WriterLog> {
  const { simulator } = cluster;
  const log: WriterLog = {
    acknowledged: [],
    unknown: [],
    refused: [],
    lastAckMs: simulator.nowMs,
    longestGapMs: 0,
  };
  for (let i = 0; !isStopped(); i++) {
    await new Promise<void>((resolve) => void simulator.schedule(20, resolve));
    const key = `${name}/${i % 7}`;
    const value = `${name} ${i}`;
    const { keyValue } = await kv.get(utf8(key));
    const expected = keyValue?.modRevision ?? (0 as Revision);
    try {
      const result = await kv.optimisticPut(utf8(key), utf8(value), expected);
      // An earlier write of unknown outcome may have come in between.
      if (!result.succeeded) continue;
      log.acknowledged.push({ key, value, revision: result.revision });
      log.longestGapMs = Math.max(log.longestGapMs, simulator.nowMs - log.lastAckMs);
      log.lastAckMs = simulator.nowMs;
    } catch (error) {
      if (!(error instanceof KeelsonError)) throw error;
      if (error.outcome === 'unknown') log.unknown.push({ key, value });
      else log.refused.push(`${error.code} ${error.message}`);
    }
  }
  return log;
}

/** Notes every event until the watch is closed. */
async function collect(watch: KvWatch): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const batch of watch) if (batch.kind === 'events') events.push(...batch.events);
  return events;
}

/** The events are a history in which every answer has its place. */
function checkHistory(t: Test, events: readonly WatchEvent[], logs: readonly WriterLog[]): void {
  const byRevision = new Map<number, WatchEvent>();
  const state = new Map<string, { revision: number; value: string }>();
  const seenValues = new Set<string>();
  let last = 1;
  let complaints = 0;
  for (const event of events) {
    const { key, value, modRevision } = event.keyValue;
    const [keyText, valueText] = [fromUtf8(key), fromUtf8(value)];
    const before = state.get(keyText);
    const previous = event.previous;
    // Each revision once and without a gap, the previous value never missing (S31, S32).
    if (modRevision !== last + 1) complaints += 1;
    if (previous?.modRevision !== before?.revision) complaints += 1;
    // No write is applied twice, whatever became of its first attempt (S26).
    if (seenValues.has(valueText)) complaints += 1;
    seenValues.add(valueText);
    last = modRevision;
    byRevision.set(modRevision, event);
    state.set(keyText, { revision: modRevision, value: valueText });
  }
  t.equal(complaints, 0, `${events.length} events in order, each once, with what was before`);
  const lost = logs
    .flatMap(({ acknowledged }) => acknowledged)
    .filter(({ key, value, revision }) => {
      const event = byRevision.get(revision)?.keyValue;
      return event === undefined || fromUtf8(event.key) !== key || fromUtf8(event.value) !== value;
    });
  t.same(lost, [], 'every acknowledged write is there, at its revision');
}

for (const seed of ['leader 1', 'leader 2']) {
  t.test(`nothing is lost when leaders are killed under writes (${seed})`, async (t) => {
    const cluster = new SimReplicas(seed, 3);
    const { simulator } = cluster;
    await cluster.startAll();
    await cluster.leader();
    const watcher = cluster.client();
    const watch = watcher.kv.watch(ALL, { startRevision: 2 as Revision });
    const collected = collect(watch);
    let isStopped = false;
    const writers = [1, 2, 3].map((n) =>
      write(cluster, cluster.client().kv, `w${n}`, () => isStopped),
    );
    const killed: SimMember[] = [];
    for (let round = 0; round < 2; round++) {
      await simulator.runFor(300 + simulator.random.below(300));
      const leader = await cluster.leader();
      cluster.kill(leader);
      killed.push(leader);
      await simulator.runFor(1_000);
      await cluster.start(leader);
    }
    await simulator.runFor(500);
    cluster.powerCut(cluster.members);
    await simulator.runFor(100);
    await cluster.startAll();
    await simulator.runFor(1_500);
    isStopped = true;
    const logs = await simulator.runUntilSettled(Promise.all(writers));
    await simulator.runUntilSettled(watch.requestProgress());
    await simulator.runFor(10);
    watch.close();
    const events = await simulator.runUntilSettled(collected);
    const counted = logs.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    t.ok(counted > 200, `${counted} acknowledged`);
    checkHistory(t, events, logs);
    const gap = Math.max(...logs.map(({ longestGapMs }) => longestGapMs));
    t.ok(gap < 2_000, `writes go on within 2 s: the longest pause was ${Math.round(gap)} ms`);
    t.same(
      logs.flatMap(({ refused }) => refused),
      [],
      'a change of leader costs waiting, not errors',
    );
    t.same(cluster.failures, []);
  });
}

t.test(
  'leaders stop one after the other under writes: nothing fails (Raft §3.10, R12)',
  async (t) => {
    const cluster = new SimReplicas('rolling', 3);
    const { simulator } = cluster;
    await cluster.startAll();
    await cluster.leader();
    const watch = cluster.client().kv.watch(ALL, { startRevision: 2 as Revision });
    const collected = collect(watch);
    let isStopped = false;
    const writers = [1, 2, 3, 4, 5, 6].map((n) =>
      write(cluster, cluster.client().kv, `w${n}`, () => isStopped),
    );
    const stopped = new Set<string>();
    for (let round = 0; round < 6; round++) {
      await simulator.runFor(200 + simulator.random.below(200));
      const leader = await cluster.leader();
      await cluster.stop(leader);
      stopped.add(leader.name);
      const next = await cluster.leader();
      t.not(next, leader, `${next.name} leads after ${leader.name}`);
      await simulator.runFor(100);
      await cluster.start(leader);
    }
    await simulator.runFor(300);
    isStopped = true;
    const logs = await simulator.runUntilSettled(Promise.all(writers));
    await simulator.runUntilSettled(watch.requestProgress());
    await simulator.runFor(10);
    watch.close();
    const events = await simulator.runUntilSettled(collected);
    const count = logs.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    t.ok(count > 300, `${count} acknowledged`);
    checkHistory(t, events, logs);
    t.same(
      logs.flatMap(({ refused }) => refused),
      [],
      'nothing was refused',
    );
    t.same(
      logs.flatMap(({ unknown }) => unknown),
      [],
      'no outcome is unknown',
    );
    const gap = Math.max(...logs.map(({ longestGapMs }) => longestGapMs));
    t.ok(gap < 200, `less than an election timeout: the longest pause was ${Math.round(gap)} ms`);
    t.ok(stopped.size > 1);
    t.same(cluster.failures, []);
  },
);

t.test('leadership moves where a client wants it, asked of the leader alone (R12)', async (t) => {
  const cluster = new SimReplicas('wish', 3);
  const { simulator } = cluster;
  await cluster.startAll();
  const leader = await cluster.leader();
  const [target, third] = cluster.members.filter((member) => member !== leader);
  const { kv } = cluster.client([leader.address]);
  const ask = (client: typeof kv, targetId?: string): Promise<TransferResult> =>
    simulator.runUntilSettled(client.transferLeadership(targetId));
  t.match(await ask(kv, leader.memberId), { reason: 'alreadyLeader', leaderId: leader.memberId });
  t.match(await ask(kv, '00000000000000ff'), { reason: 'notVoter' });
  const elsewhere = cluster.client([third!.address]).kv;
  t.match(await ask(elsewhere), { reason: 'notLeader', leaderId: leader.memberId });
  const writing = kv.optimisticPut(utf8('k'), utf8('v'), 0 as Revision);
  t.match(await ask(kv, target!.memberId), { reason: undefined, leaderId: target!.memberId });
  t.ok((await simulator.runUntilSettled(writing)).succeeded, 'a write only waits');
  t.equal(await cluster.leader(), target);
  t.same(cluster.failures, []);
});

t.test('reads on any member see every acknowledged write', async (t) => {
  const cluster = new SimReplicas('reads', 3);
  const { simulator, network } = cluster;
  await cluster.startAll();
  await cluster.leader();
  network.conditions.delayMaxMs = 20;
  const clients = cluster.members.map(({ address }) => cluster.client([address]));
  const missed: unknown[] = [];
  const scenario = async (): Promise<void> => {
    let expected = 0 as Revision;
    for (let i = 0; i < 60; i++) {
      const [writer, ...readers] = [0, 1, 2].map((at) => clients[(i + at) % 3]!.kv);
      const value = utf8(`${i}`);
      const { revision, succeeded } = await writer!.optimisticPut(utf8('k'), value, expected);
      if (!succeeded) throw new Error('Cannot overwrite what nobody else writes');
      expected = revision;
      // Both followers and the leader in turn, asked as soon as the answer is here (R80, R81).
      const seen = await Promise.all(readers.map((kv) => kv.get(utf8('k'))));
      missed.push(...seen.filter(({ keyValue }) => keyValue?.modRevision !== revision));
    }
  };
  await simulator.runUntilSettled(scenario(), 600_000);
  t.same(missed, [], 'every read saw the write before it');
  t.same(cluster.failures, []);
});

t.test('a leader cut off from the others serves no stale read, its clients move on', async (t) => {
  const cluster = new SimReplicas('partition', 3);
  const { simulator, network } = cluster;
  await cluster.startAll();
  const old = await cluster.leader();
  const others = cluster.members.filter((member) => member !== old);
  const { kv } = cluster.client([old.address, ...others.map(({ address }) => address)]);
  const watch = kv.watch(ALL, { startRevision: 2 as Revision });
  const collected = collect(watch);
  await simulator.runUntilSettled(kv.optimisticPut(utf8('a'), utf8('1'), 0 as Revision));
  const names = others.map(({ name }) => name);
  network.partition([old.name], names);
  const elsewhere = cluster.client(others.map(({ address }) => address)).kv;
  const stale = cluster.client([old.address]).kv;
  const second = elsewhere.optimisticPut(utf8('a'), utf8('2'), 2 as Revision);
  t.ok((await simulator.runUntilSettled(second)).succeeded);
  const cutOff = stale.get(utf8('a')).catch((error: unknown) => error);
  const read = kv.get(utf8('a'));
  const { keyValue } = await simulator.runUntilSettled(read);
  t.equal(keyValue?.modRevision, 3, 'moved to a member that has a leader (S53)');
  const answer = await simulator.runUntilSettled(cutOff);
  t.ok(answer instanceof KeelsonError, 'the one left behind answers nothing old');
  await simulator.runUntilSettled(watch.requestProgress());
  network.heal();
  await simulator.runFor(2_000);
  watch.close();
  const events = await simulator.runUntilSettled(collected);
  t.same(
    events.map(({ keyValue: { value } }) => fromUtf8(value)),
    ['1', '2'],
  );
  const roles = (await cluster.statuses()).map(({ role }) => role).sort();
  t.same(roles, ['follower', 'follower', 'leader']);
  t.same(cluster.failures, []);
});

t.test('a member that reads damaged data stops, its clients move on (S7)', async (t) => {
  const cluster = new SimReplicas('damage', 3);
  const { simulator } = cluster;
  await cluster.startAll();
  const leader = await cluster.leader();
  const damaged = cluster.members.find((member) => member !== leader)!;
  const addresses = [damaged, leader].map(({ address }) => address);
  const { kv } = cluster.client(addresses);
  const run = <T>(promise: Promise<T>): Promise<T> => simulator.runUntilSettled(promise);
  await run(kv.optimisticPut(utf8('a'), utf8('1'), 0 as Revision));
  const batch = damaged.engine.batch();
  batch.put(currentKey(utf8('a')), new Uint8Array(20));
  await batch.write();
  // Reads see the engine as it was after the last apply.
  await run(kv.optimisticPut(utf8('b'), utf8('1'), 0 as Revision));
  const own = cluster.client([damaged.address]).kv;
  const error = await run(own.get(utf8('a')).catch((error: unknown) => error));
  t.ok(error instanceof KeelsonError, 'no wrong answer');
  await simulator.runFor(100);
  t.match(cluster.failures, [{ code: 'STORE_CORRUPT' }], 'the member ended');
  cluster.kill(damaged); // As bin does with the process of a replica that failed.
  t.equal((await run(kv.get(utf8('a')))).keyValue?.modRevision, 2, 'another one answers');
});

t.test('leases outlive a leader, and end in time under the next one (S40 to S42)', async (t) => {
  const cluster = new SimReplicas('leases', 3);
  const { simulator } = cluster;
  await cluster.startAll();
  const leader = await cluster.leader();
  const follower = cluster.members.find((member) => member !== leader)!;
  const { kv } = cluster.client([follower.address]);
  const run = <T>(promise: Promise<T>): Promise<T> => simulator.runUntilSettled(promise);
  const { leaseId } = await run(kv.grantLease(3));
  await run(kv.optimisticPut(utf8('a'), utf8(''), 0 as Revision, { leaseId }));
  await simulator.runFor(2_500);
  t.equal((await run(kv.keepAliveLease(leaseId))).ttlSeconds, 3, 'renewed through a follower');
  await simulator.runFor(1_000);
  cluster.kill(leader);
  const next = await cluster.leader();
  const sinceMs = simulator.nowMs;
  await simulator.runFor(2_500);
  t.ok((await run(kv.get(utf8('a')))).keyValue, 'a new leader gives the full TTL again (S41)');
  const watch = kv.watch(ALL, { startRevision: 3 as Revision });
  const deleted = await run(readWatch(watch).next());
  t.same(deleted.events, ['delete a= was ']);
  const lifeMs = simulator.nowMs - sinceMs;
  t.ok(lifeMs < 5_500, `and then it ends: after ${Math.round(lifeMs)} ms`);
  t.equal((await run(kv.keepAliveLease(leaseId))).ttlSeconds, 0, 'S44');
  t.not(next, leader);
  t.same(cluster.failures, []);
});

t.test('history is compacted by the leader, and all members agree', async (t) => {
  const cluster = new SimReplicas('compaction', 3, { historyKeptMs: 10_000 });
  const { simulator } = cluster;
  await cluster.startAll();
  const { kv } = cluster.client();
  const run = <T>(promise: Promise<T>): Promise<T> => simulator.runUntilSettled(promise);
  for (let i = 0; i < 20; i++) {
    await run(kv.optimisticPut(utf8('k'), utf8(`${i}`), (i === 0 ? 0 : i + 1) as Revision));
  }
  const old = { revision: 5 as Revision };
  t.equal((await run(kv.get(utf8('k'), old))).keyValue?.modRevision, 5, 'kept for a while');
  await simulator.runFor(15_000);
  for (const { address } of cluster.members) {
    const one = cluster.client([address]).kv;
    const error = await run(one.get(utf8('k'), old).catch((error: unknown) => error));
    t.equal(error instanceof KeelsonError && error.code, 'STORE_COMPACTED');
    t.equal((await run(one.get(utf8('k')))).keyValue?.modRevision, 21);
  }
  t.same(cluster.failures, []);
});
