/**
 * Goal: the keyspace answers as a store that keeps all history would (spec: store 2.4), whatever
 * was compacted, in whatever slices, and across restarts.
 * Method: random transactions on keys with NUL bytes, compaction in random slices; after each step
 * a range at a random readable revision and a watch with previous values are compared with a model
 * that keeps every state. What it must catch: no history for versions older than the compact
 * revision, and `<=` in place of `<` in either bound of the compaction plan.
 */
import t from 'tap';
import { bytesId } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { SeededRandom, type Random } from '../../base/random';
import type { CommandBody } from '../command';
import { MemoryEngine, readAll } from '../engine';
import type { KeyValue, Operation, Revision, WatchEvent } from '../kv';
import { EMPTY_CONFIGURATION, NAMESPACE, namespaceBounds } from '../mvcc';
import { StateStore, type StateEntry } from '.';

const SEEDS = 60;
const TRANSACTIONS = 120;
const KEYS = ['a', 'a\0', 'a\0\0', 'a\0\x01', 'a\0\xff', 'a\xff', 'b', '\0', '\x01', 'ab'];
const ALL = { start: new Uint8Array(0), end: undefined };

type ModelState = ReadonlyMap<string, KeyValue>;

/** Everything that ever was: one state and one list of events per revision. */
class Model {
  readonly states = new Map<number, ModelState>([[1, new Map()]]);
  readonly events = new Map<number, WatchEvent[]>();
  revision = 1;

  /** What a transaction of these operations does. */
  apply(operations: readonly Operation[]): void {
    const main = (this.revision + 1) as Revision;
    const state = new Map(this.states.get(this.revision));
    const events: WatchEvent[] = [];
    const change = (kind: 'put' | 'delete', keyValue: KeyValue): void => {
      const id = bytesId(keyValue.key);
      events.push({ kind, keyValue, previous: state.get(id) });
      if (kind === 'put') state.set(id, keyValue);
      else state.delete(id);
    };
    for (const operation of operations) {
      if (operation.kind === 'put') {
        const { key, value, leaseId } = operation;
        const old = state.get(bytesId(key));
        const createRevision = old?.createRevision ?? main;
        const version = (old?.version ?? 0) + 1;
        change('put', { key, value, createRevision, modRevision: main, version, leaseId });
      } else if (operation.kind === 'deleteRange' && !('key' in operation.range)) {
        const { start, end } = operation.range;
        for (const { key } of inOrder(state)) {
          const isIn = Buffer.compare(key, start) >= 0 && (!end || Buffer.compare(key, end) < 0);
          if (isIn) change('delete', tombstone(key, main));
        }
      }
    }
    if (events.length === 0) return;
    this.revision = main;
    this.states.set(main, state);
    this.events.set(main, events);
  }
}

function tombstone(key: Uint8Array, modRevision: Revision): KeyValue {
  const createRevision = 0 as Revision;
  return { key, value: new Uint8Array(0), createRevision, modRevision, version: 0, leaseId: NO_ID };
}

function inOrder(state: ModelState): KeyValue[] {
  return [...state.values()].sort((a, b) => Buffer.compare(a.key, b.key));
}

function drawKey(random: Random): Uint8Array {
  return Buffer.from(random.pick(KEYS), 'latin1');
}

/** Puts of distinct keys, or one deletion of a range: no key twice (S21). */
function drawOperations(random: Random): Operation[] {
  if (random.below(4) === 0) {
    const [start, end] = [drawKey(random), drawKey(random)].sort((a, b) => Buffer.compare(a, b));
    const range = { start: start ?? ALL.start, end: random.below(6) === 0 ? undefined : end };
    return [{ kind: 'deleteRange', range, withPrevious: false }];
  }
  const operations = new Map<string, Operation>();
  for (let i = random.below(3); i >= 0; i--) {
    const key = drawKey(random);
    const value = random.bytes(random.below(5));
    const put = { kind: 'put', key, value, leaseId: NO_ID, withPrevious: false } as const;
    operations.set(bytesId(key), put);
  }
  return [...operations.values()];
}

/** One store under test with its model. */
class Run {
  readonly model = new Model();
  readonly random: Random;
  engine = new MemoryEngine();
  store: StateStore | undefined;
  index = 0;
  compactRevision = 0;

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
  }

  async open(): Promise<StateStore> {
    const { engine } = this;
    this.store = await StateStore.open({ engine, clusterId: '00000000000000c1' });
    return this.store;
  }

  entry(body: CommandBody): StateEntry {
    this.index += 1;
    const requestId = { memberId: '00000000000000a1', incarnation: 1, counter: this.index };
    return { index: this.index, term: 1, command: { ...body, requestId } };
  }

  /** One batch of up to four transactions, perhaps with a compaction among them. */
  async step(store: StateStore): Promise<void> {
    const { random, model } = this;
    const entries: StateEntry[] = [];
    for (let i = random.below(4); i >= 0; i--) {
      const operations = drawOperations(random);
      model.apply(operations);
      const txn = { compare: [], success: operations, failure: [] };
      entries.push(this.entry({ kind: 'txn', txn }));
      if (random.below(12) === 0 && model.revision > this.compactRevision) {
        const span = model.revision - this.compactRevision;
        this.compactRevision += 1 + random.below(span);
        const revision = this.compactRevision as Revision;
        entries.push(this.entry({ kind: 'compact', revision }));
      }
    }
    const { changes } = await store.apply(entries, EMPTY_CONFIGURATION);
    for (const { revision, events } of changes) {
      if (!same(events, model.events.get(revision))) throw new Error('published events');
    }
    if (random.below(3) === 0) await store.compactSlice(1 + random.below(4));
    if (random.below(20) === 0) await store.flush();
  }

  /** Compares answers at a random revision; throws at the first difference. */
  async compare(store: StateStore): Promise<void> {
    const { random, model } = this;
    const first = Math.max(1, this.compactRevision);
    const revision = (first + random.below(model.revision - first + 1)) as Revision;
    const expected = inOrder(model.states.get(revision) as ModelState);
    const listed = await store.ranges.list(ALL, { revision });
    if (!same(listed.keyValues, expected)) throw new Error(`range at ${String(revision)}`);
    const key = drawKey(random);
    const got = await store.ranges.get(key, revision);
    if (!same(got.keyValue, model.states.get(revision)?.get(bytesId(key)))) {
      throw new Error(`get at ${String(revision)}`);
    }
    const limits = { eventsMax: 1 + random.below(20) };
    // Reading all of a long history after each step would only repeat itself.
    const last = Math.min(model.revision, revision + 25);
    let from = revision;
    while (from <= last) {
      const slice = await store.events.read(from, limits);
      for (let main = from; main <= slice.throughRevision; main++) {
        const change = slice.changes.find((one) => one.revision === main);
        if (!same(change?.events, model.events.get(main)))
          throw new Error(`watch at ${String(main)}`);
      }
      if (slice.throughRevision < from) throw new Error('a slice makes progress');
      from = (slice.throughRevision + 1) as Revision;
    }
  }
}

/** Deep equality of answers; byte strings by their bytes. (A test library's would take minutes.) */
function same(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const left = Object.entries(a);
  const right = b as Readonly<Record<string, unknown>>;
  if (left.length !== Object.keys(b).length) return false;
  return left.every(([name, value]) => name in right && same(value, right[name]));
}

t.test('range at revision and watch with previous values equal a full history', async (t) => {
  let removed = 0;
  let readBelow = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const run = new Run(`layout ${String(seed)}`);
    let store = await run.open();
    try {
      for (let i = 0; i < TRANSACTIONS; i += 3) {
        await run.step(store);
        await run.compare(store);
        if (run.random.below(25) === 0) {
          await store.close();
          run.engine = run.engine.crash(run.random.below(run.engine.unsyncedBatches + 1));
          store = await run.open();
        }
        if (run.compactRevision > 1) {
          const below = (run.compactRevision - 1) as Revision;
          const failure: unknown = await store.events.read(below).catch((error: unknown) => error);
          if ((failure as { code?: string }).code !== 'STORE_COMPACTED') throw new Error('S37');
          readBelow += 1;
        }
      }
      while (await store.compactSlice(5)) removed += 1;
      await run.compare(store);
      await checkNothingIsLeft(run);
    } catch (error) {
      t.fail(`seed ${String(seed)}: ${String(error)}`);
      return;
    }
  }
  t.ok(removed > SEEDS, 'compaction removed records in slices');
  t.ok(readBelow > SEEDS, 'reads below the compact revision were refused');
});

/** After compaction only what the window needs is left. */
async function checkNothingIsLeft(run: Run): Promise<void> {
  const count = async (namespace: number): Promise<number> =>
    (await readAll(run.engine, namespaceBounds(namespace))).length;
  let changes = 0;
  let superseded = 0;
  for (const [revision, events] of run.model.events) {
    if (revision < run.compactRevision) continue;
    changes += events.length;
    superseded += events.filter(({ previous }) => previous !== undefined).length;
  }
  if ((await count(NAMESPACE.revisionLog)) !== changes) throw new Error('revision log');
  if ((await count(NAMESPACE.garbage)) !== superseded) throw new Error('garbage queue');
  if ((await count(NAMESPACE.history)) !== superseded) throw new Error('history');
}
