/**
 * The driver with the real log and transport on virtual time: three members elect, replicate, lose
 * their leader and their power; one member loses its power around each put (R1, R2, R32, R33).
 */
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import { ListStorage, RaftCluster as Cluster } from '../../cluster-test/sim';
import type { Index, MemberId } from '../core';

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
      const indexes = await cluster.simulator.runUntilSettled<Index[]>(
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
      (error: unknown) => (error instanceof KeelsonError ? String(error.code) : 'other'),
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

t.test('leadership moves on request, or its holder says why not (R12)', async (t) => {
  const cluster = new Cluster('transfer', 3);
  await cluster.startAll();
  const { simulator } = cluster;
  const leader = await cluster.untilLeader();
  const own = leader.node.status().id;
  const [first, second] = cluster.ids.filter((id) => id !== own);
  const { term } = leader.node.leadership();
  const ask = (life: typeof leader, to?: MemberId): Promise<unknown> =>
    simulator.runUntilSettled(life.node.transferLeadership(to));
  t.match(await ask(cluster.lives.get(first!)!), { kind: 'refused', reason: 'notLeader' });
  cluster.network.partition([second!], [own, first!]);
  t.match(await ask(leader, second), { kind: 'aborted', reason: 'timeout' });
  t.ok(await cluster.put(leader, 'after the abort'), 'proposals resume');
  const done = await ask(leader, first);
  t.match(done, { kind: 'done', leaderId: first, term: term + 1 });
  cluster.network.heal();
  const next = await cluster.untilLeader();
  t.equal(next.node.status().id, first);
  const stopping = next.node.transferLeadership();
  next.stop.abort();
  t.match(await simulator.runUntilSettled(stopping), { kind: 'aborted', reason: 'stopped' });
  t.match(await ask(next), { kind: 'aborted', reason: 'stopped' });
});

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
