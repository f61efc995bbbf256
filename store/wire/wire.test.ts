/**
 * What is special to the wire: fail-over, unknown outcomes, exact resumption, flow control, and the
 * order of frames. Clients and servers are real, on a simulated network and virtual time; the store
 * behind a server is a local one, or a double where an answer has to be withheld.
 */
import t from 'tap';
import { fromUtf8, utf8 } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import type { SimProcess } from '../../cluster-test/sim';
import { storeError } from '../errors';
import type { KvWatch, OptimisticResult, Revision, WatchBatch } from '../kv';
import { readWatch } from '../testing/watch-reader';
import { double, tap, World } from '../testing/wire-world';
import { WIRE_LIMITS } from './flow-control';
import { readServerFrame } from './server-codec';

const ALL = { start: new Uint8Array(0), end: undefined };
const NONE = 0 as Revision;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((error: unknown) => error);
  return error instanceof KeelsonError ? `${error.code} ${error.outcome}` : 'no failure';
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

t.test(
  'a write that left and got no answer is unknown, one that did not leave moves on',
  async (t) => {
    const world = new World('unknown');
    const { kv } = await world.store();
    let received = 0;
    const silent = double(kv, {
      optimisticPut: () => {
        received += 1;
        return never<OptimisticResult>();
      },
    });
    const first = await world.serve('a', silent);
    await world.serve('b', kv);
    const client = world.client(['a', 'b']);
    await world.run(client.currentRevision());
    const lost = client.optimisticPut(utf8('k'), utf8('1'), NONE);
    await world.simulator.runUntil('the write has arrived', () => received === 1);
    first.process.kill();
    t.equal(await world.run(codeOf(lost)), 'STORE_CONNECTION_LOST unknown');
    // Written while no connection is up: it certainly did not leave (S26).
    const waiting = await world.run(client.optimisticPut(utf8('k'), utf8('2'), NONE));
    t.ok(waiting.succeeded);
    t.equal(received, 1, 'nothing was sent twice');
  },
);

t.test('reads move on to another replica, within their deadline', async (t) => {
  const world = new World('reads');
  const { kv } = await world.store();
  await world.run(kv.optimisticPut(utf8('k'), utf8('1'), NONE));
  const stuck = await world.serve('a', double(kv, { get: () => never() }));
  await world.serve('b', kv);
  const client = world.client(['a', 'b']);
  const read = client.get(utf8('k'));
  await world.simulator.runFor(100);
  stuck.process.kill();
  t.equal((await world.run(read)).keyValue?.modRevision, 2);
  const nobody = world.client(['c', 'd']);
  const startMs = world.simulator.nowMs;
  t.equal(await world.run(codeOf(nobody.get(utf8('k')))), 'STORE_UNREACHABLE none');
  t.equal(
    await world.run(codeOf(nobody.optimisticPut(utf8('k'), utf8(''), NONE))),
    'STORE_UNREACHABLE none',
  );
  t.ok(world.simulator.nowMs - startMs < 21_000, 'both gave up at their deadline');
  const [c] = await world.run(nobody.endpointStatus());
  t.same(c, { address: 'c:1', reachable: false, reason: 'cannot connect (1006)' });
});

t.test('a silent replica is left after some seconds, a request to it ends in time', async (t) => {
  const world = new World('silent');
  const { kv } = await world.store();
  await world.serve('a', kv);
  await world.serve('b', kv);
  const client = world.client(['a', 'b']);
  await world.run(client.currentRevision());
  world.network.clog('a', 'client1');
  const startMs = world.simulator.nowMs;
  const [read, write] = [client.get(utf8('k')), client.optimisticPut(utf8('k'), utf8(''), NONE)];
  t.equal(await world.run(codeOf(write)), 'STORE_CONNECTION_LOST unknown');
  await world.run(read);
  t.ok(world.simulator.nowMs - startMs < 8_000);
});

t.test('what a replica certainly did not do is asked of another', async (t) => {
  const world = new World('refused');
  const { kv } = await world.store();
  const stopping = await world.serve('a', kv);
  const noLeader = storeError('RAFT_NO_LEADER', 'Cannot propose as no leader is known');
  const refuse = (): Promise<never> => Promise.reject(noLeader);
  await world.serve('b', double(kv, { optimisticPut: refuse, currentRevision: refuse }));
  await world.serve('c', kv);
  const client = world.client(['a', 'b', 'c']);
  await world.run(client.currentRevision());
  const watch = client.watch(ALL);
  void stopping.server.drain(Promise.resolve());
  const result = await world.run(client.optimisticPut(utf8('k'), utf8('1'), NONE));
  t.same([result.succeeded, result.revision], [true, 2]);
  t.equal((await world.run(readWatch(watch).next())).revision, 2, 'watches move along');
});

t.test('a watch resumes exactly where it was, and never below', async (t) => {
  const world = new World('resume');
  const { kv } = await world.store();
  const servers = new Map<string, { process: SimProcess }>();
  for (const name of ['a', 'b', 'c']) servers.set(name, await world.serve(name, kv));
  const client = world.client(['a', 'b', 'c']);
  const watch = client.watch({ start: utf8('k'), end: utf8('l') });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const batch of watch) {
      if (batch.kind === 'progress') continue;
      for (const { keyValue } of batch.events) seen.push(fromUtf8(keyValue.value));
    }
  })();
  await world.run(watch.requestProgress());
  const expected: string[] = [];
  for (let i = 0; i < 60; i++) {
    expected.push(`${i}`);
    await world.run(kv.optimisticPut(utf8(`k${i}`), utf8(`${i}`), NONE));
    // In the middle of a stream, and twice in a row.
    if (i === 20) servers.get('a')?.process.kill();
    if (i === 40) servers.get('b')?.process.kill();
    await world.simulator.runFor(world.simulator.random.below(3));
  }
  const revision = await world.run(watch.requestProgress());
  t.equal(revision, 61);
  await world.simulator.runFor(10);
  t.same(seen, expected, 'each event once and in order');
  watch.close();
  await world.run(reading);
});

t.test('a watch whose next revision was compacted meanwhile says so', async (t) => {
  const world = new World('compacted');
  const { kv } = await world.store();
  const { process } = await world.serve('a', kv);
  const client = world.client(['a', 'b']);
  const watch = readWatch(client.watch(ALL));
  await world.run(client.currentRevision());
  process.kill();
  for (let i = 0; i < 5; i++) await world.run(kv.optimisticPut(utf8(`${i}`), utf8(''), NONE));
  await world.run(kv.compact(5 as Revision));
  await world.serve('b', kv);
  const error = await world.run(watch.next().catch((error: unknown) => error));
  t.ok(error instanceof KeelsonError && error.code === 'STORE_COMPACTED');
  t.equal(error instanceof KeelsonError && error.details['compactRevision'], 5);
});

t.test('one answer tells many watches that they are up to date, without polling', async (t) => {
  const world = new World('progress');
  const { kv } = await world.store();
  let confirmed = 0;
  const counting = double(kv, {
    currentRevision: () => {
      confirmed += 1;
      return kv.currentRevision();
    },
  });
  await world.serve('a', counting);
  const frames: Uint8Array[] = [];
  const client = world.client(['a'], (own) => tap(own, (frame) => frames.push(frame)));
  const watches = Array.from({ length: 100 }, (_, i) =>
    client.watch({ start: utf8(`${i}/`), end: utf8(`${i}0`) }),
  );
  await world.run(client.optimisticPut(utf8('7/x'), utf8('1'), NONE));
  frames.length = 0;
  confirmed = 0;
  const write = client.optimisticPut(utf8('8/x'), utf8('1'), NONE);
  const asked = Promise.all(watches.map((watch) => watch.requestProgress()));
  const revisions = await world.run(asked);
  t.ok((await world.run(write)).succeeded);
  t.ok(revisions.every((revision) => revision >= 2));
  t.equal(confirmed, 1, 'one confirmation for all');
  const messages = frames.flatMap((frame) => readServerFrame(frame));
  const words = messages.filter(({ body }) => body.kind === 'progress');
  t.equal(words.length, 1, 'one message for all');
  t.ok(frames.length <= 3, `${frames.length} frames`);
  t.ok(
    messages.findIndex(({ body }) => body.kind === 'events') <
      messages.findIndex(({ body }) => body.kind === 'optimistic'),
    'the events of a write go before its answer',
  );
  for (const watch of watches) {
    const batch = await world.run(firstProgress(watch));
    if (batch.revision < revisions[0]!) t.fail(`received progress ${batch.revision}`);
  }
});

t.test(
  'a slow watch holds up neither its neighbour nor the answers, and loses nothing',
  async (t) => {
    const world = new World('slow');
    const { kv } = await world.store();
    await world.serve('a', kv);
    let bytes = 0;
    const client = world.client(['a'], (own) => tap(own, (frame) => (bytes += frame.length)));
    const [slow, quick] = [client.watch(ALL), client.watch(ALL)];
    const value = new Uint8Array(64 * 1024);
    const quickReader = readWatch(quick);
    await world.run(client.currentRevision());
    for (let i = 0; i < 100; i++) {
      await world.run(client.optimisticPut(utf8(`${i}`), value, NONE));
      const { revision } = await world.run(quickReader.next());
      if (revision !== i + 2) t.fail(`received ${revision} after ${i + 1}`);
    }
    const limit = 100 * (value.length + 500) + WIRE_LIMITS.watchWindowBytes + value.length;
    t.ok(bytes < limit, `the slow watch was sent its window and no more: ${bytes} of ${limit}`);
    const slowReader = readWatch(slow);
    for (let i = 0; i < 100; i++) {
      const { revision } = await world.run(slowReader.next());
      if (revision !== i + 2) t.fail(`received ${revision} after ${i + 1}`);
    }
  },
);

t.test('a revision larger than a frame arrives whole', async (t) => {
  const world = new World('large');
  const { kv } = await world.store();
  for (let i = 0; i < 40; i++) {
    await world.run(kv.optimisticPut(utf8(`k${i}`), new Uint8Array(500_000), NONE));
  }
  await world.serve('a', kv);
  let largest = 0;
  const client = world.client(['a'], (own) =>
    tap(own, (frame) => (largest = Math.max(largest, frame.length))),
  );
  const watch = readWatch(client.watch(ALL, { startRevision: 42 as Revision }));
  await world.run(
    kv.txn({
      compare: [],
      success: [{ kind: 'deleteRange', range: ALL, withPrevious: false }],
      failure: [],
    }),
  );
  const { revision, events } = await world.run(watch.next());
  t.same([revision, events.length], [42, 40]);
  t.ok(largest < 2 * 1024 * 1024, `in frames of at most ${largest} bytes`);
});

t.test('a link that is full is not written to, and other clients do not notice', async (t) => {
  const world = new World('full link');
  const { kv } = await world.store();
  await world.serve('a', kv);
  const [stuck, other] = [world.client(['a']), world.client(['a'])];
  const watches = Array.from({ length: 20 }, () => stuck.watch(ALL));
  await world.run(watches[0]!.requestProgress());
  world.network.clog('a', 'client1');
  for (let i = 0; i < 30; i++) {
    await world.run(other.optimisticPut(utf8(`${i}`), new Uint8Array(60_000), NONE));
  }
  world.network.heal();
  for (const watch of watches) {
    const reader = readWatch(watch);
    for (let i = 0; i < 30; i++) {
      const { revision } = await world.run(reader.next());
      if (revision !== i + 2) t.fail(`received ${revision} after ${i + 1}`);
    }
  }
  t.pass('every watch has every event once');
});

t.test('a serializable read is never older than what the client has seen (S50)', async (t) => {
  const world = new World('serializable');
  const { kv } = await world.store();
  await world.run(kv.optimisticPut(utf8('k'), utf8('1'), NONE));
  const fresh = await world.serve('a', kv);
  const asked: (boolean | undefined)[] = [];
  const lagging = double(kv, {
    localRevision: () => 1 as Revision,
    get: (key, options) => {
      asked.push(options?.serializable);
      return kv.get(key, options);
    },
  });
  await world.serve('b', lagging);
  const client = world.client(['a', 'b']);
  t.equal((await world.run(client.get(utf8('k'), { serializable: true }))).revision, 2);
  fresh.process.kill();
  await world.simulator.runFor(50);
  await world.run(client.get(utf8('k'), { serializable: true }));
  t.same(asked, [false], 'a replica that lags confirms first');
  await world.run(world.client(['b']).get(utf8('k'), { serializable: true }));
  t.same(asked, [false, true], 'who has seen nothing newer gets its past state');
});

t.test('another cluster is refused, so is a peer that sends no frames of ours', async (t) => {
  const world = new World('foreign');
  const { kv } = await world.store();
  const own = await world.serve('a', kv);
  await world.serve('b', kv, { clusterId: '00000000000000c2' });
  const client = world.client(['a', 'b']);
  await world.run(client.currentRevision());
  own.process.kill();
  const error = await world.run(client.get(utf8('k')).catch((error: unknown) => error));
  t.match(error, { code: 'STORE_UNREACHABLE', message: /cluster 00000000000000c2/ });
  const garbler = world.simulator.process('garbler');
  let reason = '';
  const served = await world.serve('c', kv);
  const link = world.network.of(garbler).dial('c:1', 'kv', {
    onOpen: () => link.send(Uint8Array.of(0xff, 0xff, 0xff)),
    onFrame: () => undefined,
    onClose: ({ code }) => (reason = `${code}`),
  });
  await world.simulator.runUntil('the link is closed', () => reason !== '');
  t.equal(reason, '1002');
  t.equal(served.server.connections, 0);
});

async function firstProgress(watch: KvWatch): Promise<WatchBatch> {
  for await (const batch of watch) if (batch.kind === 'progress') return batch;
  throw new Error('The watch ended');
}
