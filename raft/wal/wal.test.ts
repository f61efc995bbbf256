/** The log on disk: what it gives back, group commit, release, a failing disk (R40, R61, R67). */
import t from 'tap';
import { crc32 } from '../../base/crc32';
import { KeelsonError } from '../../base/error';
import {
  entry,
  hardState,
  LOG_CLUSTER as CLUSTER,
  LOG_MEMBER as MEMBER,
  LogMachine as Machine,
} from '../../cluster-test/sim';
import type { Index } from '../core';
import { viewOf } from './record';
import { decodeSegmentHeader, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment';
import type { Wal } from './wal';

function contents(wal: Wal): string[] {
  const { log } = wal;
  const all = log.entries(log.firstIndex(), (log.lastIndex() + 1) as Index, Infinity);
  return all.map((e) => `${e.index}/${e.term}/${Buffer.from(e.data).toString('hex')}`);
}

async function refusal(opening: Promise<Wal>): Promise<KeelsonError> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof KeelsonError) return error;
    throw error;
  }
  throw new Error('the log was opened');
}

t.test('a log gives back what was saved, under the same log id, one start later', async (t) => {
  const machine = new Machine('round trip');
  const first = await machine.open();
  t.equal(first.log.initialState().hardState, undefined);
  await machine.save(first, [entry(1), entry(2)], hardState(1, 0, MEMBER));
  await machine.save(first, [entry(3, 2), { ...entry(4, 2), kind: 'confChange' }], hardState(2, 2));
  const before = contents(first);
  const second = await machine.open();
  t.same(contents(second), before);
  t.same(second.log.initialState().hardState, hardState(2, 2));
  t.equal(second.identity.logId, first.identity.logId);
  t.equal(second.identity.incarnation, first.identity.incarnation + 1);
  t.equal(second.log.entries(4 as Index, 5 as Index, 1)[0]?.kind, 'confChange');
  await machine.save(second, [entry(3, 3)], hardState(3, 2, MEMBER));
  const third = await machine.open();
  t.equal(third.log.lastIndex(), 3, 'an entry replaces everything at and above its index');
  t.equal(third.log.termAt(3 as Index), 3);
  t.same(third.log.initialState().hardState, hardState(3, 2, MEMBER));
});

t.test('a failed sync ends the log and acknowledges nothing (R61)', async (t) => {
  const machine = new Machine('sync');
  const wal = await machine.open();
  await machine.save(wal, [entry(1)], hardState(1, 0));
  await machine.simulator.runFor(50);
  let failure: unknown;
  void wal.whenFailed.then((error) => (failure = error));
  machine.disk.conditions.isNextSyncFailing = true;
  let acknowledged = false;
  const acknowledge = (): void => {
    acknowledged = true;
  };
  wal.save({ hardState: undefined, entries: [entry(2)], mustSync: true, onDurable: acknowledge });
  await machine.simulator.runUntil('the log fails', () => failure !== undefined);
  wal.save({ hardState: undefined, entries: [entry(3)], mustSync: true, onDurable: acknowledge });
  await machine.simulator.runFor(100);
  t.notOk(acknowledged);
  t.equal(wal.log.lastIndex(), 1);
  machine.powerCut();
  t.equal((await machine.open()).log.lastIndex(), 1);
});

t.test('saves that arrive during a sync share the next one, in order', async (t) => {
  const machine = new Machine('group', { segmentBytes: 64 * 1024 });
  const wal = await machine.open();
  await machine.simulator.runFor(50);
  let syncs = 0;
  machine.disk.beforeChange = (operation) => {
    if (operation === 'sync') syncs += 1;
  };
  const order: number[] = [];
  for (let i = 1; i <= 20; i++) {
    wal.save({
      hardState: i === 1 ? hardState(1, 0) : undefined,
      entries: i === 7 ? [] : [entry(i > 7 ? i - 1 : i)],
      mustSync: i !== 7,
      onDurable: () => order.push(i),
    });
  }
  await machine.simulator.runUntil('all are durable', () => order.length === 20);
  t.same(
    order,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.equal(syncs, 2, 'the first alone, the other 19 together');
  t.equal(wal.log.lastIndex(), 19);
});

t.test('released segments go, and the log still knows where it begins (R40)', async (t) => {
  const machine = new Machine('release');
  let wal = await machine.open();
  for (let i = 1; i <= 40; i++) await machine.save(wal, [entry(i, 1, 900)], hardState(1, i - 1));
  const count = wal.segmentNames().length;
  t.ok(count > 3);
  await machine.simulator.runUntilSettled(wal.releaseUpTo(35 as Index));
  t.equal(wal.log.firstIndex(), 36);
  t.equal(wal.log.termAt(35 as Index), 1);
  t.equal(wal.log.termAt(34 as Index), undefined);
  t.ok(wal.segmentNames().length < count);
  machine.powerCut();
  wal = await machine.open({ releasedIndex: 35 as Index, durableAppliedIndex: 35 as Index });
  t.equal(wal.log.firstIndex(), 36);
  t.equal(wal.log.lastIndex(), 40);
  const all = await machine.open();
  t.ok(all.log.firstIndex() <= 36, 'what the kept segments hold is there without the hint');
  t.equal(all.log.lastIndex(), 40);
});

t.test(
  'damage below what the state machine holds drops the old segments (4.5 step 4)',
  async (t) => {
    const machine = new Machine('below');
    let wal = await machine.open();
    for (let i = 1; i <= 30; i++) await machine.save(wal, [entry(i, 1, 900)], hardState(1, i - 1));
    const oldest = `wal/${wal.segmentNames()[0]!}`;
    machine.disk.flip(oldest, SEGMENT_HEADER_BYTES + 700, 1);
    const files = machine.disk.snapshot();
    t.equal((await refusal(machine.open())).code, 'RAFT_LOG_DAMAGED');
    machine.disk.restore(files);
    wal = await machine.open({ durableAppliedIndex: 25 as Index });
    t.equal(wal.log.lastIndex(), 30);
    t.ok(wal.log.firstIndex() <= 26);
    t.notOk(machine.disk.paths().includes(oldest));
  },
);

t.test('another cluster, another member, a newer format and a wiped log are refused', async (t) => {
  const machine = new Machine('foreign');
  const wal = await machine.open();
  await machine.save(wal, [entry(1)], hardState(1, 0));
  const foreign = await refusal(machine.open({ clusterId: '00000000000000c2' }));
  t.equal(foreign.code, 'RAFT_LOG_FOREIGN');
  t.match(foreign.message, CLUSTER);
  t.equal((await refusal(machine.open({ memberId: '00000000000000a2' }))).code, 'RAFT_LOG_FOREIGN');
  const path = machine.path(wal);
  const bytes = machine.disk.inode(path).current;
  const header = decodeSegmentHeader(bytes);
  if (!('salt' in header)) throw new Error('no header');
  const newer = encodeSegmentHeader(header);
  viewOf(newer).setUint32(8, 2, true);
  viewOf(newer).setUint32(4092, crc32(newer.subarray(0, 4092)), true);
  const files = machine.disk.snapshot();
  files.get(path)!.set(newer, 0);
  machine.disk.restore(files);
  t.equal((await refusal(machine.open())).code, 'RAFT_LOG_VERSION');
  machine.disk.restore(new Map());
  t.equal((await refusal(machine.open({ isCreationAllowed: false }))).code, 'RAFT_LOG_DAMAGED');
});

t.test('a missing segment in the middle is refused', async (t) => {
  const machine = new Machine('missing');
  const wal = await machine.open();
  for (let i = 1; i <= 30; i++) await machine.save(wal, [entry(i, 1, 900)], hardState(1, i - 1));
  const files = machine.disk.snapshot();
  files.delete(`wal/${wal.segmentNames()[1]!}`);
  machine.disk.restore(files);
  const error = await refusal(machine.open());
  t.equal(error.code, 'RAFT_LOG_DAMAGED');
  t.match(error.message, /missing/);
});

t.test('without space appends wait, and go on when there is some again (R67)', async (t) => {
  const machine = new Machine('space', { segmentBytes: 32 * 1024 });
  const wal = await machine.open();
  await machine.simulator.runFor(50);
  machine.disk.conditions.capacityBytes = machine.disk.usedBytes();
  let durable = 0;
  for (let i = 1; i <= 40; i++) {
    const onDurable = (): void => {
      durable += 1;
    };
    const state = hardState(1, 0);
    wal.save({ hardState: state, entries: [entry(i, 1, 900)], mustSync: true, onDurable });
    await machine.simulator.runFor(20);
  }
  await machine.simulator.runFor(5_000);
  t.ok(wal.isOutOfSpace);
  t.ok(durable > 10 && durable < 40, `${durable} fitted`);
  machine.disk.conditions.capacityBytes = Infinity;
  await machine.simulator.runUntil('all are durable', () => durable === 40);
  t.notOk(wal.isOutOfSpace);
  t.equal((await machine.open()).log.lastIndex(), 40);
});

t.test('entries larger than a batch and than a segment are stored', async (t) => {
  const machine = new Machine('large', { batchBytesMax: 4096 });
  const wal = await machine.open();
  const sizes = [10, 5_000, 100, 60_000, 20];
  await machine.save(
    wal,
    sizes.map((size, i) => entry(i + 1, 1, size)),
    hardState(1, 5),
  );
  const before = contents(wal);
  const again = await machine.open();
  t.same(contents(again), before);
  t.same(again.log.initialState().hardState, hardState(1, 5));
});

t.test('opening many times neither grows the log nor loses it', async (t) => {
  const machine = new Machine('often');
  let wal = await machine.open();
  await machine.save(wal, [entry(1), entry(2)], hardState(1, 1));
  for (let i = 0; i < 10; i++) {
    machine.powerCut();
    wal = await machine.open();
    t.equal(wal.log.lastIndex(), 2);
  }
  t.equal(wal.identity.incarnation, 11);
});
