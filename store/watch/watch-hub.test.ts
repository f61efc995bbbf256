/** The guarantees of a watch (S32), each by its name, and the rules around them (S33 to S39). */
import t from 'tap';
import { utf8, fromUtf8, prefixRangeEnd, keyAfter } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { SeededRandom } from '../../base/random';
import type { KeyRange, Revision, WatchBatch, WatchEvent } from '../kv';
import { WatchHub, type RevisionEvents, type WatchSink } from '.';

const at = (revision: number): Revision => revision as Revision;

/** A queue of a fixed number of batches; an unlimited one by default. */
class TestSink implements WatchSink {
  readonly accepted: WatchBatch[] = [];
  readonly compacted: Revision[] = [];
  room: number;

  constructor(room = Infinity) {
    this.room = room;
  }

  push(batch: WatchBatch): boolean {
    if (this.room === 0) return false;
    this.room -= 1;
    this.accepted.push(batch);
    return true;
  }

  pushCompacted(compactRevision: Revision): boolean {
    if (this.room === 0) return false;
    this.compacted.push(compactRevision);
    return true;
  }

  /** What came in, as short texts: `revision:key`, `progress revision`. */
  get seen(): string[] {
    return this.accepted.flatMap((batch) =>
      batch.kind === 'progress'
        ? [`progress ${String(batch.revision)}`]
        : batch.events.map(({ keyValue: { key, modRevision } }) => {
            return `${String(modRevision)}:${fromUtf8(key)}`;
          }),
    );
  }
}

/** A hub and the whole history behind it, standing for store and event reader. */
class Bench {
  readonly history: RevisionEvents[] = [];
  readonly hub = new WatchHub({ revision: at(1), compactRevision: at(0) });
  compactRevision = 0;

  write(...revisions: readonly string[][]): void {
    const changes = revisions.map((keys) => this.#change(keys));
    this.hub.publish(changes, at(this.history.length + 1));
  }

  watch(range: KeyRange, startRevision: number, sink = new TestSink()) {
    return { sink, watcher: this.hub.watch({ range, startRevision: at(startRevision), sink }) };
  }

  /** One slice of catching up; false if nobody is behind. */
  catchUp(revisionsMax = Infinity): boolean {
    const need = this.hub.nextCatchUp();
    if (need === undefined) return false;
    const from = need.fromRevision;
    const through = Math.min(this.history.length + 1, from + revisionsMax - 1);
    const changes = this.history.slice(Math.max(0, from - 2), through - 1);
    this.hub.provide(from, at(through), changes);
    return true;
  }

  #change(keys: readonly string[]): RevisionEvents {
    const revision = at(this.history.length + 2);
    const events = keys.map((key): WatchEvent => {
      const keyValue = {
        key: utf8(key),
        value: utf8('v'),
        createRevision: revision,
        modRevision: revision,
        version: 1,
        leaseId: NO_ID,
      };
      return { kind: 'put', keyValue, previous: undefined };
    });
    const change = { revision, events };
    this.history.push(change);
    return change;
  }
}

const prefix = (text: string): KeyRange => ({
  start: utf8(text),
  end: prefixRangeEnd(utf8(text)),
});
const one = (text: string): KeyRange => ({ start: utf8(text), end: keyAfter(utf8(text)) });
const all: KeyRange = { start: new Uint8Array(0), end: undefined };

t.test('Ordered, Unique, Reliable, Atomic: random watchers get each event once', (t) => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new SeededRandom(`watch ${String(seed)}`);
    const bench = new Bench();
    const ranges = [all, prefix('a'), prefix('ab'), one('a'), one('abc'), prefix('b')];
    const runs: { sink: TestSink; start: number; range: KeyRange; watcher: unknown }[] = [];
    for (let round = 0; round < 60; round++) {
      const draw = random.below(4);
      if (draw === 0) {
        const range = random.pick(ranges);
        const start = 2 + random.below(bench.history.length + 4);
        const run = bench.watch(range, start, new TestSink(random.below(6)));
        runs.push({ ...run, start, range });
      } else if (draw === 1) {
        bench.catchUp(1 + random.below(4));
      } else if (draw === 2) {
        for (const { sink, watcher } of runs) {
          sink.room += random.below(3);
          bench.hub.unblock(watcher as Parameters<typeof bench.hub.unblock>[0]);
        }
      } else {
        const keys = ['a', 'ab', 'abc', 'b', 'c'].filter(() => random.below(2) === 0);
        bench.write(keys.length > 0 ? keys : ['a'], ['b', 'abc']);
      }
    }
    for (const { sink, watcher } of runs) {
      sink.room = Infinity;
      bench.hub.unblock(watcher as Parameters<typeof bench.hub.unblock>[0]);
    }
    while (bench.catchUp(5));
    for (const { sink, start, range } of runs) {
      const expected = bench.history.flatMap(({ revision, events }) =>
        events
          .filter(({ keyValue: { key } }) => {
            const isBefore = range.end === undefined || Buffer.compare(key, range.end) < 0;
            return revision >= start && Buffer.compare(key, range.start) >= 0 && isBefore;
          })
          .map(({ keyValue }) => `${String(revision)}:${fromUtf8(keyValue.key)}`),
      );
      const split = sink.accepted.some(
        (batch, i) => batch.revision <= (sink.accepted[i - 1]?.revision ?? 0),
      );
      if (split) t.fail(`seed ${String(seed)}: a revision was split between batches`);
      if (sink.seen.join() !== expected.join()) t.fail(`seed ${String(seed)}`);
    }
  }
  t.end();
});

t.test('Filter: a watcher sees its range only, whichever ranges stand beside it', (t) => {
  const bench = new Bench();
  const inner = bench.watch(prefix('/pods/a/'), 0);
  const outer = bench.watch(prefix('/pods/'), 0);
  const single = bench.watch(one('/pods/a/x'), 0);
  const same = bench.watch(one('/pods/a/x'), 0);
  const rest = bench.watch({ start: utf8('/pods/b'), end: undefined }, 0);
  bench.write(['/pods/a/x', '/pods/a/y', '/pods/b/x', '/nodes/n', '/secrets/s']);
  t.same(inner.sink.seen, ['2:/pods/a/x', '2:/pods/a/y']);
  t.same(outer.sink.seen, ['2:/pods/a/x', '2:/pods/a/y', '2:/pods/b/x']);
  t.same(single.sink.seen, ['2:/pods/a/x']);
  t.same(same.sink.seen, ['2:/pods/a/x']);
  t.same(rest.sink.seen, ['2:/pods/b/x', '2:/secrets/s']);
  bench.hub.cancel(same.watcher);
  bench.hub.cancel(inner.watcher);
  bench.hub.cancel(inner.watcher);
  bench.write(['/pods/a/x']);
  t.equal(same.sink.seen.length, 1);
  t.equal(inner.sink.seen.length, 2);
  t.same(single.sink.seen, ['2:/pods/a/x', '3:/pods/a/x']);
  t.equal(inner.watcher.state, 'ended');
  const empty = { start: utf8('b'), end: utf8('a') };
  t.throws(() => bench.watch(empty, 0), { code: 'STORE_INVALID' });
  t.end();
});

t.test('Atomic: all changes of a revision come in one batch, several revisions may', (t) => {
  const bench = new Bench();
  const { sink } = bench.watch(all, 0);
  bench.write(['a', 'b', 'c'], ['d']);
  t.same(
    sink.accepted.map((batch) => batch.revision),
    [3],
  );
  t.same(sink.seen, ['2:a', '2:b', '2:c', '3:d']);
  t.end();
});

t.test('Resumable: a new watch at the last revision + 1 continues without a gap', (t) => {
  const bench = new Bench();
  const first = bench.watch(prefix('a'), 0);
  bench.write(['a1'], ['b'], ['a2']);
  bench.hub.cancel(first.watcher);
  bench.write(['a3']);
  const last = first.sink.accepted.at(-1)?.revision ?? 0;
  const second = bench.watch(prefix('a'), last + 1);
  t.equal(second.watcher.state, 'catchingUp');
  while (bench.catchUp(1));
  t.equal(second.watcher.state, 'synced');
  t.same([...first.sink.seen, ...second.sink.seen], ['2:a1', '4:a2', '5:a3']);
  t.end();
});

t.test('Bookmarkable: progress names no revision with an event that is still to come', (t) => {
  const bench = new Bench();
  bench.write(['a'], ['a'], ['a']);
  const { sink, watcher } = bench.watch(all, 2);
  bench.hub.requestProgress(watcher);
  t.same(sink.seen, [], 'not while it is catching up (S34)');
  bench.catchUp(2);
  t.same(sink.seen, ['2:a', '3:a']);
  bench.catchUp();
  t.same(sink.seen, ['2:a', '3:a', '4:a', 'progress 4']);
  bench.hub.requestProgress(watcher);
  bench.hub.requestProgress(watcher);
  t.same(sink.seen.slice(4), ['progress 4', 'progress 4']);
  t.end();
});

t.test('S33 the cursor moves only when the batch was accepted', (t) => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(all, 0, new TestSink(1));
  bench.write(['a']);
  t.equal(watcher.cursor, 3);
  bench.write(['b']);
  t.equal(watcher.state, 'blocked');
  t.equal(watcher.cursor, 3);
  bench.write(['c']);
  t.equal(bench.catchUp(), false, 'a blocked watcher asks for nothing');
  sink.room = Infinity;
  bench.hub.unblock(watcher);
  t.equal(watcher.state, 'catchingUp');
  bench.catchUp();
  t.same(sink.seen, ['2:a', '3:b', '4:c']);
  t.equal(watcher.state, 'synced');
  t.equal(watcher.cursor, 5);
  t.end();
});

t.test('S33, S37 a compacted notice waits for room, and is the last word', (t) => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(all, 0, new TestSink(0));
  bench.write(['a'], ['b'], ['c']);
  bench.hub.compact(at(3));
  t.same([watcher.state, sink.compacted], ['blocked', []]);
  sink.room = 1;
  bench.hub.unblock(watcher);
  t.same([watcher.state, sink.compacted], ['ended', [3]]);
  bench.write(['d']);
  t.same(sink.seen, []);
  const late = bench.watch(all, 2);
  t.same([late.watcher.state, late.sink.compacted], ['ended', [3]]);
  const exact = bench.watch(all, 3);
  bench.catchUp();
  t.same(exact.sink.seen, ['3:b', '4:c', '5:d'], 'at the compact revision it works');
  t.equal(bench.hub.size, 1);
  t.end();
});

t.test('compaction leaves idle synced watchers alone', (t) => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(prefix('a'), 0);
  bench.write(['b'], ['b'], ['b']);
  t.equal(watcher.cursor, 5, 'revisions of others move it too');
  bench.hub.compact(at(4));
  bench.write(['a']);
  t.same(sink.seen, ['5:a']);
  sink.room = 0;
  bench.write(['b'], ['a']);
  t.equal(watcher.state, 'blocked');
  t.equal(watcher.cursor, 6, 'not before what it had got when it was refused');
  t.end();
});

t.test('S34 progress reaches idle watchers, through the queue, and is offered again', (t) => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(prefix('a'), 0, new TestSink(0));
  bench.write(['b']);
  bench.hub.requestProgress(watcher);
  t.same(sink.seen, []);
  t.equal(watcher.state, 'synced', 'it has missed nothing');
  sink.room = 1;
  bench.hub.unblock(watcher);
  t.same(sink.seen, ['progress 2']);
  bench.hub.requestProgress(watcher);
  sink.room = 1;
  bench.write(['b']);
  t.same(sink.seen, ['progress 2', 'progress 3'], 'or with the next batch');
  t.end();
});

t.test('S34, S36 a watch of the future gets neither events nor progress before it', (t) => {
  const bench = new Bench();
  const { sink, watcher } = bench.watch(all, 5);
  bench.hub.requestProgress(watcher);
  bench.write(['a'], ['b']);
  t.same(sink.seen, []);
  bench.write(['c']);
  t.same(sink.seen, ['progress 4'], 'everything before its start is over');
  bench.write(['d']);
  t.same(sink.seen, ['progress 4', '5:d']);
  t.end();
});

t.test('S35 after a snapshot everybody catches up from its own cursor', (t) => {
  const bench = new Bench();
  const near = bench.watch(all, 0);
  const future = bench.watch(all, 50);
  bench.write(['a'], ['b']);
  bench.history.push({ revision: at(4), events: bench.history[0]?.events ?? [] });
  bench.history.push({ revision: at(5), events: bench.history[1]?.events ?? [] });
  bench.hub.restore({ revision: at(5), compactRevision: at(0) });
  t.equal(near.watcher.state, 'catchingUp');
  t.equal(near.watcher.cursor, 4);
  t.equal(future.watcher.state, 'synced');
  bench.catchUp();
  t.equal(near.watcher.state, 'synced');
  t.equal(near.sink.seen.length, 4);
  const lost = bench.watch(all, 0);
  bench.hub.restore({ revision: at(20), compactRevision: at(10) });
  t.same([lost.watcher.state, lost.sink.compacted], ['ended', [10]]);
  t.end();
});

t.test('S38, S39 a slow watcher and a long catch-up delay nobody', (t) => {
  const bench = new Bench();
  for (let i = 0; i < 50; i++) bench.write(['a']);
  const behind = bench.watch(all, 2);
  const slow = bench.watch(all, 0, new TestSink(0));
  const synced = bench.watch(all, 0);
  t.equal(bench.hub.nextCatchUp()?.fromRevision, 2);
  bench.catchUp(3);
  bench.write(['b']);
  t.same(synced.sink.seen, ['52:b']);
  t.equal(slow.watcher.state, 'blocked');
  t.equal(behind.sink.seen.length, 3);
  const further = bench.watch(all, 2);
  t.equal(bench.hub.nextCatchUp()?.fromRevision, 2, 'the furthest behind is served first');
  while (bench.catchUp(7));
  t.equal(behind.sink.seen.length, 51);
  t.same(behind.sink.seen, further.sink.seen);
  t.end();
});

t.test('a batch is cut between revisions when it gets large', (t) => {
  const bench = new Bench();
  const big = utf8('x'.repeat(700_000));
  const { sink } = bench.watch(all, 0);
  const changes = [2, 3, 4].map((revision): RevisionEvents => {
    const keyValue = {
      key: utf8('k'),
      value: big,
      createRevision: at(2),
      modRevision: at(revision),
      version: revision - 1,
      leaseId: NO_ID,
    };
    return { revision: at(revision), events: [{ kind: 'put', keyValue, previous: undefined }] };
  });
  bench.hub.publish(changes, at(4));
  t.same(
    sink.accepted.map(({ revision }) => revision),
    [3, 4],
  );
  t.end();
});
