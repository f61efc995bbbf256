/**
 * Opening a damaged log (R63 to R66; spec: raft 4.5): every prefix and random subsets of a torn
 * batch, bits flipped everywhere, a power cut at every change of the disk.
 */
import t from 'tap';
import { KeelsonError } from '../../base/error';
import { SeededRandom } from '../../base/random';
import {
  entry,
  hardState,
  LOG_MEMBER as MEMBER,
  LogMachine as Machine,
} from '../../cluster-test/sim';
import type { Entry, HardState, Index } from '../core';
import { isZero, readHeader, RECORD_TYPE, recordBytes, viewOf } from './record';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment';
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
  t.match(error.message, /leave this member stopped/);
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
      const isFinished = await run().then(
        () => true,
        (error: unknown) => {
          if (!/not within/.test(String(error))) throw error;
          return false;
        },
      );
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
