/** What every engine must pass (`engine.ts`): run on a factory of fresh, empty engines. */
import type { Test } from 'tap';
import { utf8, fromUtf8 } from '../../base/bytes';
import { SeededRandom } from '../../base/random';
import { readAll, type EngineEntry, type KvEngine } from './engine';

/** Makes engines for the suite. */
export interface EngineFactory<Engine extends KvEngine> {
  /** A fresh engine; the suite closes it. */
  readonly create: () => Promise<Engine>;
  /** Closes an engine and opens its data again. */
  readonly reopen: (engine: Engine) => Promise<Engine>;
}

const FROM_START = { start: new Uint8Array(0) };

/** Runs the suite as subtests of `t`. */
export async function engineConformance<Engine extends KvEngine>(
  t: Test,
  factory: EngineFactory<Engine>,
): Promise<void> {
  const withEngine = (name: string, run: (t: Test, engine: KvEngine) => Promise<void>) =>
    t.test(name, async (t) => {
      const engine = await factory.create();
      await run(t, engine);
      await engine.close();
      await engine.close();
    });

  await withEngine('point reads find what was written and nothing else', async (t, engine) => {
    await put(engine, { a: '1', b: '', c: '3' });
    t.equal(text(engine.getSync(utf8('a'))), '1');
    t.equal(text(engine.getSync(utf8('b'))), '');
    t.equal(engine.getSync(utf8('d')), undefined);
    const values = await engine.getMany([utf8('c'), utf8('x'), utf8('a')]);
    t.same(values.map(text), ['3', undefined, '1']);
    t.same(await engine.getMany([]), []);
  });

  await withEngine('a batch is visible as a whole, its last word counts', async (t, engine) => {
    await put(engine, { a: '1', b: '2' });
    const batch = engine.batch();
    batch.put(utf8('a'), utf8('x'));
    batch.delete(utf8('a'));
    batch.delete(utf8('b'));
    batch.put(utf8('b'), utf8('y'));
    batch.delete(utf8('never there'));
    t.equal(batch.length, 5);
    t.same(await dump(engine), { a: '1', b: '2' });
    await batch.write();
    t.same(await dump(engine), { b: 'y' });
  });

  await withEngine('a batch copies what it is given', async (t, engine) => {
    const key = utf8('key');
    const value = utf8('value');
    const batch = engine.batch();
    batch.put(key, value);
    key.fill(0);
    value.fill(0);
    await batch.write();
    t.same(await dump(engine), { key: 'value' });
  });

  await withEngine('ranges: bounds, order, reverse, keys only, chunks', async (t, engine) => {
    await put(engine, { a: '1', b: '2', c: '3', d: '4' });
    t.same(Object.keys(await dump(engine, { start: utf8('b'), end: utf8('d') })), ['b', 'c']);
    t.same(await dump(engine, { start: utf8('bb'), end: utf8('bc') }), {});
    const reversed = await readAll(engine, { start: utf8('b') }, { reverse: true });
    t.same(
      reversed.map(({ key }) => fromUtf8(key)),
      ['d', 'c', 'b'],
    );
    const keys = await readAll(engine, FROM_START, { keysOnly: true });
    t.same(
      keys.map(({ value }) => value.length),
      [0, 0, 0, 0],
    );
    const iterator = engine.iterate(FROM_START);
    t.equal((await iterator.next(3)).length, 3);
    t.equal((await iterator.next(3)).length, 1);
    t.equal((await iterator.next(3)).length, 0);
    t.equal((await iterator.next(3)).length, 0, 'the end stays the end');
    await iterator.close();
    await iterator.close();
  });

  await withEngine('keys are ordered as bytes', async (t, engine) => {
    const keys = ['\u0000', '\u0000\u0000', '\u0000a', 'a', 'a\u0000', 'aa', '\u007f', '\u00ff'];
    const bytes = keys.map((key) => Buffer.from(key, 'latin1'));
    const batch = engine.batch();
    for (const key of [...bytes].reverse()) batch.put(key, key);
    await batch.write();
    const found = await readAll(engine, FROM_START);
    t.same(
      found.map(({ key }) => Buffer.from(key).toString('latin1')),
      keys,
    );
  });

  await withEngine('snapshots and iterators see one moment', async (t, engine) => {
    await put(engine, { a: '1', b: '2' });
    const snapshot = engine.snapshot();
    const iterator = engine.iterate(FROM_START);
    const late = engine.getMany([utf8('a')], { snapshot });
    const batch = engine.batch();
    batch.put(utf8('a'), utf8('new'));
    batch.delete(utf8('b'));
    batch.put(utf8('c'), utf8('3'));
    await batch.write();
    t.equal(text(engine.getSync(utf8('a'), { snapshot })), '1');
    t.same((await late).map(text), ['1']);
    t.same((await engine.getMany([utf8('b'), utf8('c')], { snapshot })).map(text), [
      '2',
      undefined,
    ]);
    t.same(asObject(await readAll(engine, FROM_START, { snapshot })), { a: '1', b: '2' });
    t.same(asObject(await iterator.next(10)), { a: '1', b: '2' });
    await iterator.close();
    snapshot.close();
    t.same(await dump(engine), { a: 'new', c: '3' });
  });

  await withEngine(
    'a flush keeps all and resets the count of unflushed bytes',
    async (t, engine) => {
      t.equal(engine.unflushedBytes, 0);
      await put(engine, { a: '1' });
      t.ok(engine.unflushedBytes >= 2);
      await engine.flush();
      t.equal(engine.unflushedBytes, 0);
      await put(engine, { b: '2' });
      t.same(await dump(engine), { a: '1', b: '2' });
      t.ok((await engine.sizeBytes()) > 0);
    },
  );

  await t.test('what was written is there after closing and opening', async (t) => {
    const engine = await factory.create();
    await put(engine, { a: '1', b: '2' }, true);
    await put(engine, { b: '3' });
    const again = await factory.reopen(engine);
    t.same(await dump(again), { a: '1', b: '3' });
    await again.close();
  });

  await withEngine('random batches against a plain map', async (t, engine) => {
    const random = new SeededRandom('engine');
    const model = new Map<string, string>();
    for (let round = 0; round < 60; round++) {
      const batch = engine.batch();
      for (let i = random.below(40); i >= 0; i--) {
        const key = Buffer.from(random.bytes(1 + random.below(2))).toString('latin1');
        const value = String(random.below(1000));
        if (random.below(3) === 0) {
          batch.delete(Buffer.from(key, 'latin1'));
          model.delete(key);
        } else {
          batch.put(Buffer.from(key, 'latin1'), utf8(value));
          model.set(key, value);
        }
      }
      await batch.write({ sync: random.below(10) === 0 });
      if (random.below(10) === 0) await engine.flush();
    }
    const found = await readAll(engine, FROM_START);
    const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
    t.same(
      found.map(({ key, value }) => [Buffer.from(key).toString('latin1'), fromUtf8(value)]),
      expected,
    );
  });
}

async function put(
  engine: KvEngine,
  pairs: Readonly<Record<string, string>>,
  sync = false,
): Promise<void> {
  const batch = engine.batch();
  for (const [key, value] of Object.entries(pairs)) batch.put(utf8(key), utf8(value));
  await batch.write({ sync });
}

async function dump(
  engine: KvEngine,
  range: { readonly start: Uint8Array; readonly end?: Uint8Array } = FROM_START,
): Promise<Record<string, string>> {
  return asObject(await readAll(engine, range));
}

function asObject(entries: readonly EngineEntry[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [fromUtf8(key), fromUtf8(value)]));
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : fromUtf8(bytes);
}
