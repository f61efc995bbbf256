/**
 * The log on disk: opening over every kind of damage (R61 to R66; spec: raft 4.5), group commit and
 * release. All on the simulated disk, which loses unsynced sectors and names at a power cut.
 */
import t from 'tap';
import { crc32 } from '../../base/crc32';
import { nullLogger } from '../../base/logger';
import { SeededRandom } from '../../base/random';
import { KeelsonError } from '../../base/error';
import { SimDisk, Simulator, type SimProcess } from '../../cluster-test/sim';
import type { Entry, HardState, Index, MemberId, Term } from '../core';
import { readHeader, RECORD_TYPE, viewOf, isZero, recordBytes } from './record';
import { decodeSegmentHeader, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment';
import { openWal, type Wal, type WalOptions } from './wal';

const CLUSTER = '00000000000000c1';
const MEMBER = '00000000000000a1';

function entry(index: number, term = 1, size = 40): Entry {
  const data = new SeededRandom(`${index}/${term}`).bytes(size);
  return { index: index as Index, term: term as Term, kind: 'normal', data };
}

function hardState(term: number, commitIndex: number, vote?: string): HardState {
  return {
    term: term as Term,
    vote: vote as MemberId | undefined,
    commitIndex: commitIndex as Index,
  };
}

/** One machine with a log on it. */
class Machine {
  readonly simulator: Simulator;
  readonly disk: SimDisk;
  process: SimProcess;
  readonly options: Partial<WalOptions>;

  constructor(seed: string, options: Partial<WalOptions> = {}) {
    this.simulator = new Simulator(seed);
    this.disk = new SimDisk(this.simulator, 'a');
    this.process = this.simulator.process('a');
    this.options = options;
  }

  /** Opens the log in a fresh process. */
  open(extra: Partial<WalOptions> = {}): Promise<Wal> {
    this.process.kill();
    this.process = this.simulator.process('a');
    const opened = openWal({
      disk: this.disk.of(this.process),
      directory: 'wal',
      clusterId: CLUSTER,
      memberId: MEMBER,
      clock: this.process.clock,
      random: this.simulator.random.fork('wal'),
      logger: nullLogger,
      segmentBytes: 16 * 1024,
      ...this.options,
      ...extra,
    });
    return this.simulator.runUntilSettled(opened);
  }

  /** Saves and waits until it is durable. */
  async save(wal: Wal, entries: readonly Entry[], state?: HardState): Promise<void> {
    let isDurable = false;
    wal.save({
      hardState: state,
      entries,
      mustSync: true,
      onDurable: () => {
        isDurable = true;
      },
    });
    await this.simulator.runUntil('the save is durable', () => isDurable);
  }

  path(wal: Wal): string {
    return `wal/${wal.segmentNames().at(-1)!}`;
  }

  powerCut(): void {
    this.process.kill();
    this.disk.powerCut();
  }
}

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

/** Sectors of the active segment that one more save changes, before and after it. */
async function lastBatch(machine: Machine, entries: readonly Entry[], state?: HardState) {
  const wal = await machine.open();
  await machine.save(wal, [entry(1), entry(2)], hardState(1, 1, MEMBER));
  const before = machine.disk.snapshot();
  await machine.save(wal, entries, state);
  await machine.simulator.runFor(50);
  const after = machine.disk.snapshot();
  const path = machine.path(wal);
  const old = before.get(path)!;
  const now = after.get(path)!;
  const sectors: number[] = [];
  for (let at = 0; at < now.length; at += 512) {
    if (Buffer.compare(old.subarray(at, at + 512), now.subarray(at, at + 512)) !== 0) {
      sectors.push(at);
    }
  }
  const contiguous = sectors.length === (sectors.at(-1)! - sectors[0]!) / 512 + 1;
  if (!contiguous) throw new Error('a sector of the batch is all zero');
  return { path, before, after, old, now, sectors };
}

t.test(
  'a torn last batch is cut as a whole, whatever sectors of it survived (R63, R64)',
  async (t) => {
    const random = new SeededRandom('torn');
    const shapes: { name: string; entries: Entry[]; state?: HardState }[] = [
      { name: 'small', entries: [entry(3)] },
      { name: 'many', entries: [3, 4, 5, 6, 7, 8].map((i) => entry(i, 1, 300)) },
      { name: 'vote', entries: [], state: hardState(7, 1, '00000000000000a2') },
      { name: 'zeros', entries: [{ ...entry(3), data: new Uint8Array(3000) }] },
      {
        name: 'vote and zeros',
        entries: [{ ...entry(3), data: new Uint8Array(900) }],
        state: hardState(2, 1),
      },
    ];
    let torn = 0;
    for (const { name, entries, state } of shapes) {
      const machine = new Machine(`torn ${name}`, { segmentBytes: 64 * 1024 });
      const batch = await lastBatch(machine, entries, state);
      const subsets: boolean[][] = [];
      for (let n = 0; n <= batch.sectors.length; n++)
        subsets.push(batch.sectors.map((_, i) => i < n));
      for (let n = 0; n < 25; n++) subsets.push(batch.sectors.map(() => random.unit() < 0.5));
      for (const subset of subsets) {
        const bytes = new Uint8Array(batch.old);
        batch.sectors.forEach((at, i) => {
          if (subset[i]) bytes.set(batch.now.subarray(at, at + 512), at);
        });
        const files = new Map(batch.before);
        files.set(batch.path, bytes);
        machine.disk.restore(files);
        const wal = await machine.open();
        const isWhole = subset.every(Boolean);
        const isNothing = !subset.some(Boolean);
        const want = isWhole ? 2 + entries.length : 2;
        const broken = machine.disk.paths().filter((path) => path.endsWith('.broken'));
        if (wal.log.lastIndex() !== want || broken.length !== (isWhole || isNothing ? 0 : 1)) {
          t.fail(
            `${name}: ${subset.map(Number).join('')}: ${wal.log.lastIndex()} ${broken.join()}`,
          );
        }
        const term = wal.log.initialState().hardState?.term;
        if (term !== (isWhole && state !== undefined ? state.term : 1)) t.fail('hard state');
        if (!isWhole && !isNothing) torn += 1;
      }
    }
    t.ok(torn > 80, `${torn} torn batches`);
  },
);

t.test(
  'a flipped bit is refused or harmless, never a silently shorter log (R63, R65)',
  async (t) => {
    const machine = new Machine('rot', { segmentBytes: 32 * 1024 });
    let wal = await machine.open();
    for (let i = 1; i <= 6; i++)
      await machine.save(wal, [entry(i, 1, 200)], hardState(1, i - 1, MEMBER));
    // A second life, so that there are two segments with a link.
    wal = await machine.open();
    for (let i = 7; i <= 10; i++)
      await machine.save(wal, [entry(i, 1, 100)], hardState(1, i - 1, MEMBER));
    await machine.simulator.runFor(50);
    const files = machine.disk.snapshot();
    const want = contents(wal);
    const names = [...files.keys()].filter((name) => name.endsWith('.wal')).sort();
    t.ok(names.length >= 2);
    let [refused, harmless] = [0, 0];
    for (const name of names) {
      const bytes = files.get(name)!;
      for (let at = 0; at < bytes.length; at += 13) {
        if (
          at > SEGMENT_HEADER_BYTES &&
          isZero(bytes, at - (at % 512), Math.min(bytes.length, at - (at % 512) + 512))
        ) {
          continue;
        }
        machine.disk.restore(files);
        machine.disk.flip(name, at, 1 << (at % 8));
        try {
          const opened = await machine.open();
          if (contents(opened).join() !== want.join()) {
            t.fail(`byte ${at} of ${name}: lost ${want.length - contents(opened).length} entries`);
          }
          harmless += 1;
        } catch (error) {
          if (!(error instanceof KeelsonError) || error.code !== 'RAFT_LOG_DAMAGED') throw error;
          if (!error.message.includes(name)) t.fail(`the message names the file: ${error.message}`);
          refused += 1;
        }
      }
    }
    t.ok(refused > 500, `${refused} refused, ${harmless} harmless`);
  },
);

t.test('a message about damage names the file, the offset and what to do (R66)', async (t) => {
  const machine = new Machine('message');
  const wal = await machine.open();
  for (let i = 1; i <= 3; i++) await machine.save(wal, [entry(i)], hardState(1, 0));
  const path = machine.path(wal);
  const bytes = machine.disk.inode(path).current;
  const view = viewOf(bytes);
  const header = decodeSegmentHeader(bytes);
  if (!('salt' in header)) throw new Error('no header');
  let at = SEGMENT_HEADER_BYTES;
  let entryAt = 0;
  for (;;) {
    const record = readHeader(bytes, view, at, header.salt);
    if (record === undefined) break;
    if (record.type === RECORD_TYPE.entry && record.index === 2) entryAt = at;
    at += recordBytes(record.payloadLength);
    if (record.type === RECORD_TYPE.seal) at = Math.ceil(at / 512) * 512;
  }
  machine.disk.flip(path, entryAt + 50, 4);
  const error = await refusal(machine.open());
  t.equal(error.code, 'RAFT_LOG_DAMAGED');
  t.match(error.message, path);
  t.match(error.message, String(entryAt));
  t.match(error.message, /later batch follows/);
  t.match(error.message, /new id/);
  t.ok(
    machine.disk.paths().every((each) => !each.endsWith('.broken')),
    'nothing was cut',
  );
});

t.test(
  'a power cut at every change of the disk keeps all that was acknowledged (R1, R62)',
  async (t) => {
    let cuts = 0;
    for (let at = 0; ; at++) {
      const machine = new Machine(`cut ${at}`, { segmentBytes: 12 * 1024, batchEntriesMax: 3 });
      const acknowledged = { last: 0, term: 0 };
      let left = at;
      machine.disk.beforeChange = () => {
        if (left-- === 0) machine.process.kill();
      };
      const run = async (): Promise<void> => {
        for (let life = 0; life < 2; life++) {
          const wal = await machine.open();
          for (let i = 1; i <= 6; i++) {
            const last = wal.log.lastIndex();
            const term = life * 10 + Math.ceil(i / 3);
            const batch = [entry(last + 1, term, 700), entry(last + 2, term, 700)];
            await machine.save(wal, batch, hardState(term, last, MEMBER));
            acknowledged.last = last + 2;
            acknowledged.term = term;
            if (i === 4)
              await machine.simulator.runUntilSettled(wal.releaseUpTo((last - 4) as Index));
          }
        }
      };
      let isFinished = true;
      await run().catch((error: unknown) => {
        if (!/not within/.test(String(error))) throw error;
        isFinished = false;
      });
      machine.disk.beforeChange = () => undefined;
      machine.powerCut();
      const wal = await machine.open();
      const held = wal.log.initialState().hardState?.term ?? 0;
      if (wal.log.lastIndex() < acknowledged.last) t.fail(`cut ${at}: lost an entry`);
      if (held < acknowledged.term) t.fail(`cut ${at}: lost the term`);
      for (let i = wal.log.firstIndex(); i <= wal.log.lastIndex(); i++) {
        const [found] = wal.log.entries(i, (i + 1) as Index, Infinity);
        if (Buffer.compare(found!.data, entry(i, found!.term, 700).data) !== 0) t.fail(`cut ${at}`);
      }
      await machine.save(wal, [entry(wal.log.lastIndex() + 1, 99)], hardState(99, 0));
      if (isFinished) break;
      cuts += 1;
    }
    t.ok(cuts > 60, `${cuts} cuts`);
  },
);

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
