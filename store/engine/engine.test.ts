/** Both engines run the same suite; then what is special to each. */
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { engineConformance } from './conformance';
import { openLevelEngine } from './level-engine';
import { MemoryEngine } from './memory-engine';

const root = mkdtempSync(join(tmpdir(), 'keelson-engine-'));
t.teardown(() => rm(root, { recursive: true, force: true }));
let count = 0;

function freshDirectory(): string {
  count += 1;
  return join(root, String(count));
}

t.test('memory engine', (t) =>
  engineConformance(t, {
    create: () => Promise.resolve(new MemoryEngine()),
    reopen: (engine) => Promise.resolve(engine.fork()),
  }),
);

t.test('LevelDB engine', (t) =>
  engineConformance(t, {
    create: () => openLevelEngine({ directory: freshDirectory() }),
    reopen: async (engine) => {
      await engine.close();
      return openLevelEngine({ directory: engine.location });
    },
  }),
);

t.test('a crash of the memory engine loses a suffix of unsynced batches', async (t) => {
  for (let kept = 0; kept <= 2; kept++) {
    const engine = new MemoryEngine();
    for (const [key, sync] of [
      ['a', false],
      ['b', true],
      ['c', false],
      ['d', false],
    ] as const) {
      const batch = engine.batch();
      batch.put(utf8(key), utf8(key));
      await batch.write({ sync });
    }
    t.equal(engine.unsyncedBatches, 2);
    const after = engine.crash(kept);
    const found = ['a', 'b', 'c', 'd'].filter((key) => after.getSync(utf8(key)) !== undefined);
    t.same(found, ['a', 'b', 'c', 'd'].slice(0, 2 + kept));
  }
});

t.test('a LevelDB directory that is open is refused with a clear message', async (t) => {
  const directory = freshDirectory();
  const engine = await openLevelEngine({ directory });
  await t.rejects(openLevelEngine({ directory }), {
    code: 'STORE_INVALID',
    message: /Cannot open the store in .* as another process has it open/,
  });
  await engine.close();
});

t.test('a damaged LevelDB directory is refused with a clear message', async (t) => {
  const directory = freshDirectory();
  const engine = await openLevelEngine({ directory });
  const batch = engine.batch();
  batch.put(utf8('a'), utf8('1'));
  await batch.write();
  await engine.flush();
  await engine.close();
  for (const name of await readdir(directory)) {
    if (!name.startsWith('MANIFEST')) continue;
    const bytes = await readFile(join(directory, name));
    await writeFile(join(directory, name), bytes.subarray(0, 5));
  }
  await t.rejects(openLevelEngine({ directory }), {
    code: 'STORE_CORRUPT',
    message: new RegExp(`Cannot trust the store in ${directory} as LevelDB reports damage`),
  });
  const current = join(directory, 'CURRENT');
  await writeFile(current, 'nothing');
  await t.rejects(openLevelEngine({ directory }), { code: 'STORE_CORRUPT' });
});

t.test('a table file that was cut short is damage to every kind of read', async (t) => {
  const directory = freshDirectory();
  const engine = await openLevelEngine({ directory });
  const batch = engine.batch();
  for (const key of ['a', 'b', 'c']) batch.put(utf8(key), new Uint8Array(10_000));
  await batch.write();
  await engine.flush();
  await engine.close();
  const table = (await readdir(directory)).find((name) => name.endsWith('.ldb')) ?? '';
  const bytes = await readFile(join(directory, table));
  await writeFile(join(directory, table), bytes.subarray(0, bytes.length - 20));
  const damaged = await openLevelEngine({ directory });
  t.teardown(() => damaged.close());
  const wanted = { code: 'STORE_CORRUPT', message: /Cannot trust the store in/ };
  t.throws(() => damaged.getSync(utf8('b')), wanted);
  await t.rejects(damaged.getMany([utf8('b')]), wanted);
  await t.rejects(damaged.iterate({ start: utf8('a') }).next(1), wanted);
});

t.test('a flush empties the log of LevelDB (S4)', async (t) => {
  const directory = freshDirectory();
  const engine = await openLevelEngine({ directory });
  const batch = engine.batch();
  for (let i = 0; i < 1000; i++) batch.put(utf8(`key ${String(i)}`), new Uint8Array(200));
  await batch.write();
  await engine.flush();
  const names = await readdir(directory);
  const logs = names.filter((name) => name.endsWith('.log'));
  t.equal(logs.length, 1);
  const log = await readFile(join(directory, logs[0] ?? ''));
  t.equal(log.length, 0, 'all is in a table file');
  t.ok(names.some((name) => name.endsWith('.ldb')));
  await engine.close();
});
