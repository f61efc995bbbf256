/**
 * Goal: whatever replicas die, and when, clients see one store: nothing acknowledged is lost,
 * nothing happens twice, no read is stale, and a watch has each revision once and in order.
 * Method: for some seconds one, two or all replicas at a time are killed with SIGKILL, or paused for
 * a while, under writers, readers and a watch; what they saw is judged by `check/revision-order`.
 * `KEELSON_KILL_SECONDS` makes it longer.
 */
import t from 'tap';
import { systemRandom } from '../../base/node';
import type { Random } from '../../base/random';
import { judgeRevisionOrder } from '../check';
import { KvLoad } from '../process/kv-load';
import { eventually, isAlive, ProcessCluster } from '../process/process-cluster';

const SECONDS = Number(process.env['KEELSON_KILL_SECONDS'] ?? 15);

t.setTimeout(120_000 + SECONDS * 3_000);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, signal);
}

/** Breaks something, and gives it time to show. */
async function breakSomething(
  cluster: ProcessCluster,
  round: number,
  random: Random,
): Promise<string> {
  const pids = cluster.replicas().map(({ pid }) => pid);
  const first = random.below(pids.length);
  if (round % 3 === 2) {
    const leader = (await cluster.status()).find((row) => row.role === 'leader');
    const pid = cluster.replicas().find(({ name }) => name === leader?.name)?.pid;
    if (pid === undefined) return 'no leader to pause';
    const ms = 1_000 + random.unit() * 2_000;
    send([pid], 'SIGSTOP');
    await pause(ms);
    send([pid], 'SIGCONT');
    return `leader paused for ${ms.toFixed(0)} ms`;
  }
  const count = [1, 2, 1, 3, 1][round % 5] ?? 1;
  send([...pids, ...pids].slice(first, first + count), 'SIGKILL');
  await pause(1_000 + random.unit() * 1_000);
  return `${count} killed`;
}

t.test('replicas are killed and paused again and again under load', async (t) => {
  const { seed, random } = systemRandom();
  t.comment(`seed ${seed}`);
  const cluster = await ProcessCluster.start();
  t.teardown(() => cluster.destroy());
  const load = new KvLoad({ dataDir: cluster.dataDir, random, writers: 6, readers: 4 });
  t.teardown(() => load.close());
  await eventually('writes flow', () => load.acknowledged > 100 || undefined);
  const endMs = Date.now() + SECONDS * 1_000;
  for (let round = 0; Date.now() < endMs; round++) {
    const before = load.acknowledged;
    const what = await breakSomething(cluster, round, random);
    t.comment(`${what}: ${load.acknowledged - before} writes acknowledged meanwhile`);
    // Every fourth fault hits a cluster that has not recovered from the one before.
    if (round % 4 === 3) continue;
    const after = load.acknowledged;
    await eventually('writes go on', () => load.acknowledged > after + 20 || undefined, 60_000);
  }
  const before = load.acknowledged;
  await eventually('writes go on', () => load.acknowledged > before + 100 || undefined, 60_000);
  const history = await load.stop();
  t.strictSame(load.problems, [], 'no client saw a failure that is none of the table');
  t.strictSame(judgeRevisionOrder(history).slice(0, 20), [], 'the history is legal');
  const unknown = history.writes.filter(({ outcome }) => outcome.kind === 'unknown').length;
  t.comment(
    `${load.acknowledged} writes acknowledged, ${unknown} unknown, ${history.reads.length} reads`,
  );
  await eventually('all members converge', async () => {
    const rows = await cluster.status();
    const states = rows.map(({ revision, appliedIndex }) => `${revision} ${appliedIndex}`);
    return rows.length === 3 && new Set(states).size === 1 ? true : undefined;
  });
  t.pass('all members have the same revision and applied index');
});
