/** The log of one member: stable, unstable, and both together, against a plain array. */
import t from 'tap';
import { observeMarks } from '../../base/mark';
import { entriesByTerm, entry, memberIds, testRandom } from '../testing';
import { MemoryLog } from './memory-log';
import { RaftLog } from './raft-log';
import type { StorageAppendAck } from './ready';
import { simpleConfState, type Entry, type Index, type Term } from './types';
import { UnstableLog } from './unstable-log';

function index(value: number): Index {
  return value as Index;
}

function position(at: number, term: number): { index: Index; term: Term } {
  return { index: index(at), term: term as Term };
}

function openLog(terms: readonly number[], commitIndex = 0): { log: RaftLog; disk: MemoryLog } {
  const disk = new MemoryLog(simpleConfState(memberIds(1)));
  disk.append(entriesByTerm(terms));
  const log = new RaftLog({
    reader: disk,
    commitIndex: index(commitIndex),
    appliedIndex: index(0),
  });
  return { log, disk };
}

function termsOf(log: RaftLog): readonly (number | undefined)[] {
  return Array.from({ length: log.lastIndex }, (_, place) => log.termAt(index(place + 1)));
}

t.test('a memory log holds, replaces and releases', (t) => {
  const disk = new MemoryLog(simpleConfState(memberIds(3)));
  t.strictSame([disk.firstIndex(), disk.lastIndex(), disk.termAt(index(0))], [1, 0, 0]);
  disk.append(entriesByTerm([1, 1, 2, 2]));
  disk.append([entry(3, 3)]);
  t.strictSame([disk.lastIndex(), disk.termAt(index(3)), disk.termAt(index(4))], [3, 3, undefined]);
  disk.release(index(2));
  t.strictSame(
    [disk.firstIndex(), disk.termAt(index(2)), disk.termAt(index(1))],
    [3, 1, undefined],
  );
  t.throws(() => disk.append([entry(5, 3)]), /no gap/);
  t.throws(() => disk.append([entry(2, 3)]), /nothing released/);
  t.throws(() => disk.entries(index(2), index(3), 10), /held/);
  t.throws(() => disk.release(index(9)), /held/);
  t.end();
});

t.test('entries are cut by bytes, but at least one is given', (t) => {
  const { log } = openLog([]);
  log.append([1, 2, 3].map((at) => entry(at, 1, 'x'.repeat(10))));
  const counts = [0, 9, 10, 19, 20, 29, 30, 99].map(
    (bytes) => log.entries(index(1), index(4), bytes).length,
  );
  t.strictSame(counts, [1, 1, 1, 1, 2, 2, 3, 3]);
  t.strictSame(log.entries(index(4), index(4), 10), []);
  t.end();
});

t.test('votes compare the last term first, then the last index (R3, Raft §3.6.1)', (t) => {
  const { log } = openLog([1, 2, 2]);
  const rows = [
    [3, 2, true],
    [4, 2, true],
    [2, 2, false],
    [9, 1, false],
    [1, 3, true],
    [0, 0, false],
  ] as const;
  for (const [at, term, isUpToDate] of rows) {
    t.equal(log.isUpToDate(position(at, term)), isUpToDate, `last entry ${at} of term ${term}`);
  }
  t.end();
});

t.test('maybeAppend needs agreement, and cuts only at a conflict (R22, Raft §3.5)', (t) => {
  const rows = [
    { name: 'no such entry', prev: [4, 2], add: [3], match: undefined, terms: [1, 2, 2] },
    { name: 'another term', prev: [3, 1], add: [3], match: undefined, terms: [1, 2, 2] },
    { name: 'at the end', prev: [3, 2], add: [3, 3], match: 5, terms: [1, 2, 2, 3, 3] },
    { name: 'a duplicate', prev: [1, 1], add: [2, 2], match: 3, terms: [1, 2, 2] },
    { name: 'a shorter, older one', prev: [1, 1], add: [2], match: 2, terms: [1, 2, 2] },
    { name: 'without entries', prev: [1, 1], add: [], match: 1, terms: [1, 2, 2] },
    { name: 'a conflict', prev: [2, 2], add: [3], match: 3, terms: [1, 2, 3] },
    { name: 'a conflict inside', prev: [1, 1], add: [2, 3, 3], match: 4, terms: [1, 2, 3, 3] },
    { name: 'from the beginning', prev: [0, 0], add: [4], match: 1, terms: [4] },
  ] as const;
  for (const { name, prev, add, match, terms } of rows) {
    const { log } = openLog([1, 2, 2]);
    const [at, term] = prev;
    const entries = add.map((own, place) => entry(at + 1 + place, own));
    t.equal(log.maybeAppend(position(at, term), entries), match, name);
    t.strictSame(termsOf(log), terms, name);
  }
  t.end();
});

t.test('no committed entry is overwritten (R24), no gap is appended (R31)', (t) => {
  const { log } = openLog([1, 2, 2], 2);
  t.throws(() => log.maybeAppend(position(1, 1), [entry(2, 3)]), /no committed entry/);
  t.throws(() => log.maybeAppend(position(3, 2), [entry(5, 3)]), /contiguous \(R31\)/);
  t.throws(() => log.append([entry(6, 3)]), /no gap/);
  t.throws(() => log.commitTo(index(4)), /only what is in the log/);
  t.notOk(log.commitTo(index(1)), 'commitIndex never falls');
  t.equal(log.commitIndex, 2);
  t.end();
});

t.test('findHint skips a whole term at a time (R25)', (t) => {
  const { log } = openLog([1, 1, 3, 3, 5]);
  const rows = [
    [9, 9, 5, 5],
    [5, 4, 4, 3],
    [4, 2, 2, 1],
    [4, 0, 0, 0],
    [0, 9, 0, 0],
  ] as const;
  for (const [at, term, hintIndex, hintTerm] of rows) {
    const hint = log.findHint(index(at), term as Term);
    t.strictSame(hint, { index: hintIndex, term: hintTerm }, `from ${at} of term ${term}`);
  }
  t.end();
});

t.test('only what is committed and durable is handed to apply, once (R28, R32)', (t) => {
  const { log, disk } = openLog([1], 1);
  log.append([entry(2, 2), entry(3, 2)]);
  log.commitTo(index(3));
  t.strictSame(indexes(log.handToApply(100)), [1], 'the rest is committed but not durable');
  const write = log.handToWriter()!;
  disk.append(write.entries);
  log.acknowledgeWrite(write.ack);
  t.strictSame(indexes(log.handToApply(1)), [], 'apply owes the first');
  log.appliedTo(index(1));
  t.strictSame(indexes(log.handToApply(1)), [2], 'at least one');
  t.strictSame(indexes(log.handToApply(1)), [], 'and now the second');
  t.throws(() => log.appliedTo(index(3)), /handed out/);
  log.appliedTo(index(2));
  t.strictSame(indexes(log.handToApply(100)), [3]);
  t.strictSame([log.appliedIndex, log.applyingIndex], [2, 3]);
  t.end();
});

t.test('on open commitIndex covers what the store has applied (R33)', (t) => {
  const disk = new MemoryLog(simpleConfState(memberIds(1)));
  disk.append(entriesByTerm([1, 1, 1]));
  const options = { reader: disk, commitIndex: index(1) };
  const log = new RaftLog({ ...options, appliedIndex: index(2) });
  t.strictSame([log.commitIndex, log.appliedIndex], [2, 2]);
  t.throws(() => new RaftLog({ ...options, appliedIndex: index(4) }), /holds all/);
  t.end();
});

t.test('a late acknowledgement says nothing about what was replaced (R27, ABA)', (t) => {
  const marks: string[] = [];
  const before = observeMarks((name) => marks.push(name));
  const log = new UnstableLog(index(5));
  log.append([entry(5, 1), entry(6, 1)]);
  const first = log.hand()!.ack;
  log.append([entry(6, 2)]);
  const second = log.hand()!.ack;
  log.append([entry(6, 1)]);
  t.ok(log.hasUnhanded, 'the entry that is back was not written');
  t.ok(log.acknowledge(first));
  t.equal(log.offset, 6, 'entry 5 is durable, entry 6 of term 1 is not');
  log.acknowledge(second);
  t.equal(log.offset, 6);
  const third = log.hand()!.ack;
  t.strictSame([third.index, third.term], [first.index, first.term], 'the same name as the first');
  log.acknowledge(third);
  t.equal(log.offset, 7);
  t.notOk(log.acknowledge(first), 'given twice, and last');
  t.equal(log.offset, 7);
  t.ok(marks.includes('late storage acknowledgement ignored'));
  observeMarks(before);
  t.end();
});

t.test('an acknowledgement covers all earlier writes', (t) => {
  const log = new UnstableLog(index(1));
  log.append([entry(1, 1)]);
  const first = log.hand()!.ack;
  log.append([entry(2, 1)]);
  const second = log.hand()!.ack;
  log.acknowledge(second);
  t.equal(log.offset, 3);
  t.notOk(log.acknowledge(first));
  t.throws(() => log.acknowledge({ ...second, number: 9 }), /handed out/);
  t.end();
});

t.test('replacing durable entries makes them count no longer', (t) => {
  const { log, disk } = openLog([1, 1, 1]);
  log.append([entry(2, 2)]);
  t.strictSame([log.stableIndex, log.lastIndex, log.termAt(index(3))], [1, 2, undefined]);
  const write = log.handToWriter()!;
  disk.append(write.entries);
  log.acknowledgeWrite(write.ack);
  t.equal(log.stableIndex, 2);
  t.end();
});

t.test('the log agrees with a plain array through appends, writes and crashes', (t) => {
  for (let seed = 0; seed < 60; seed++) runAgainstArray(seed);
  t.pass('60 seeds');
  t.end();
});

/** Random appends at random places; the model is an array, and a second one for what is durable. */
function runAgainstArray(seed: number): void {
  const random = testRandom(`log ${seed}`);
  const opened = openLog([]);
  const { disk } = opened;
  let { log } = opened;
  let model: Entry[] = [];
  let writes: { entries: readonly Entry[]; ack: StorageAppendAck }[] = [];
  let term = 1;
  for (let round = 0; round < 200; round++) {
    const kind = random.below(10);
    if (kind < 4) {
      const from = log.commitIndex + 1 + random.below(model.length - log.commitIndex + 1);
      if (from <= model.length) term += 1;
      const added = Array.from({ length: 1 + random.below(4) }, (_, place) =>
        entry(from + place, term, 'x'.repeat(random.below(20))),
      );
      log.append(added);
      model = [...model.slice(0, from - 1), ...added];
    } else if (kind < 6) {
      const write = log.handToWriter();
      if (write !== undefined) writes.push(write);
    } else if (kind < 8) {
      const write = writes.shift();
      if (write === undefined) continue;
      disk.append(write.entries);
      log.acknowledgeWrite(write.ack);
    } else if (kind < 9) {
      log.commitTo(index(Math.min(log.stableIndex, log.commitIndex + random.below(3))));
    } else if (random.unit() < 0.1) {
      model = [...disk.entries(index(1), index(disk.lastIndex() + 1), Infinity)];
      writes = [];
      const commitIndex = log.commitIndex;
      log = new RaftLog({ reader: disk, commitIndex, appliedIndex: index(0) });
    }
    compare(log, model, random.below(30));
  }
}

function compare(log: RaftLog, model: readonly Entry[], bytesMax: number): void {
  const all = log.entries(index(1), index(log.lastIndex + 1), Infinity);
  const isSame = all.length === model.length && all.every((own, place) => own === model[place]);
  if (!isSame) throw new Error('Cannot agree with the array');
  for (let from = 1; from <= model.length; from += 3) {
    const part = log.entries(index(from), index(model.length + 1), bytesMax);
    const bytes = part.reduce((sum, own) => sum + own.data.length, 0);
    const next = model[from - 1 + part.length];
    if (part.some((own, place) => own !== model[from - 1 + place])) throw new Error('wrong part');
    if (bytes > bytesMax && part.length > 1) throw new Error('too many bytes');
    if (next !== undefined && bytes + next.data.length <= bytesMax) throw new Error('too few');
  }
}

function indexes(entries: readonly Entry[]): readonly number[] {
  return entries.map((own) => own.index);
}
