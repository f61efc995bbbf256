/** Real files as a `Disk`: reading back, replacing, the thread that syncs, locks between processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fromUtf8, utf8 } from '../bytes';
import { lockDirectory, type LockGuard } from './directory-lock';
import { DiskWorker } from './disk-worker';
import { RealDisk } from './real-disk';

function temporaryDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-disk-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function newDisk(t: Test): { readonly disk: RealDisk; readonly root: string } {
  const root = temporaryDirectory(t);
  const disk = new RealDisk(root);
  t.teardown(() => disk.close());
  return { disk, root };
}

t.test('what is written is read back, by either way of writing', async (t) => {
  const { disk, root } = newDisk(t);
  const file = await disk.open('wal', { create: true });
  await file.writeAt(0, utf8('....'));
  await file.writeAndSync(4, utf8('synced'));
  await file.sync();
  t.equal(await file.size(), 10);
  t.equal(fromUtf8(await file.readAt(2, 6)), '..sync');
  t.equal(fromUtf8(await file.readAt(8, 100)), 'ed', 'fewer bytes only at the end');
  t.equal((await file.readAt(50, 4)).length, 0);
  await file.truncate(5);
  t.equal(fromUtf8(await file.readAt(0, 100)), '....s');
  await file.close();
  t.equal(readFileSync(join(root, 'wal'), 'utf8'), '....s');
  t.equal(statSync(join(root, 'wal')).mode & 0o777, 0o600, 'its owner alone reads it');
  await t.rejects(disk.open('none', { create: false }), { code: 'ENOENT' });
});

t.test('a write longer than the block shared with the thread arrives whole', async (t) => {
  const { disk } = newDisk(t);
  const file = await disk.open('long', { create: true });
  const bytes = Uint8Array.from({ length: 2_500_001 }, (_, i) => (i * 31) & 0xff);
  await file.writeAndSync(7, bytes);
  t.ok(Buffer.from(bytes).equals(await file.readAt(7, bytes.length)));
  await file.close();
});

t.test('writes given at once are done in order, for several files', async (t) => {
  const { disk } = newDisk(t);
  const files = await Promise.all(['a', 'b'].map((name) => disk.open(name, { create: true })));
  const order: number[] = [];
  const writes = Array.from({ length: 50 }, (_, i) =>
    files[i % 2]!.writeAndSync(0, Uint8Array.of(i)).then(() => order.push(i)),
  );
  await Promise.all(writes);
  t.same(order, [...Array(50).keys()]);
  t.equal((await files[0]!.readAt(0, 1))[0], 48);
  t.equal((await files[1]!.readAt(0, 1))[0], 49);
  for (const file of files) await file.close();
});

t.test('offsets beyond 4 GiB are kept', async (t) => {
  const { disk } = newDisk(t);
  const file = await disk.open('sparse', { create: true });
  const offset = 5 * 2 ** 32 + 3;
  await file.writeAndSync(offset, utf8('far'));
  t.equal(await file.size(), offset + 3);
  t.equal(fromUtf8(await file.readAt(offset, 3)), 'far');
  await file.close();
});

t.test('a failed write is told with its code, and the thread goes on (R61)', async (t) => {
  const worker = new DiskWorker();
  await t.rejects(worker.writeAndSync(9999, 0, utf8('x')), { code: 'EBADF' });
  await t.rejects(worker.writeAndSync(9999, 0, utf8('x')), { code: 'EBADF' });
  await worker.close();
  await t.rejects(worker.writeAndSync(9999, 0, utf8('x')), /the disk was closed/);
});

t.test('files are replaced whole, listed in byte order, moved and removed', async (t) => {
  const { disk, root } = newDisk(t);
  await disk.makeDirectory('a/b/c');
  t.ok(existsSync(join(root, 'a/b/c')));
  t.equal(await disk.readFile('a/none'), undefined);
  await disk.replaceFile('a/file', utf8('one'));
  await disk.replaceFile('a/file', utf8('two'));
  t.equal(fromUtf8((await disk.readFile('a/file'))!), 'two');
  t.same(await disk.list('a'), ['b', 'file'], 'nothing is left aside');
  for (const name of ['é', 'z', '10', '9', 'Z']) await disk.replaceFile(`a/b/c/${name}`, utf8(''));
  t.same(await disk.list('a/b/c'), ['10', '9', 'Z', 'z', 'é']);
  t.same(await disk.list('nowhere'), []);
  await disk.rename('a/file', 'a/moved');
  await disk.syncDirectory('a');
  t.same(await disk.list('a'), ['b', 'moved']);
  await disk.remove('a/b');
  await disk.remove('a/b');
  t.same(await disk.list('a'), ['moved']);
});

t.test('a path that leaves the directory is a bug', async (t) => {
  const { disk } = newDisk(t);
  await t.rejects(disk.readFile('../etc/passwd'), /stays inside/);
  await t.rejects(disk.readFile('/etc/passwd'), /stays inside/);
});

t.test('a closed file is not used: its number may be another file by now', async (t) => {
  const { disk } = newDisk(t);
  const file = await disk.open('f', { create: true });
  await file.close();
  t.throws(() => file.writeAndSync(0, utf8('x')), /before it is closed/);
  await t.rejects(file.readAt(0, 1), /before it is closed/);
});

const guards: readonly LockGuard[] = process.platform === 'linux' ? ['abstract', 'file'] : ['file'];

for (const guard of guards) {
  t.test(`a directory has one holder, who is named (${guard})`, async (t) => {
    const directory = temporaryDirectory(t);
    const first = await lockDirectory(directory, guard);
    t.ok('release' in first);
    const link = `${directory}-link`;
    symlinkSync(directory, link);
    t.teardown(() => rmSync(link));
    for (const path of [directory, link]) {
      const second = await lockDirectory(path, guard);
      t.ok('heldBy' in second && second.heldBy?.includes(`process ${process.pid}`), path);
    }
    if ('release' in first) await first.release();
    const third = await lockDirectory(directory, guard);
    t.ok('release' in third, 'free again');
    if ('release' in third) await third.release();
  });

  t.test(`a lock ends with its process, even by SIGKILL (${guard})`, async (t) => {
    const directory = temporaryDirectory(t);
    const code = `
      const { lockDirectory } = require('./directory-lock');
      void lockDirectory(process.argv[1], '${guard}').then(() => console.log('held'));
      setInterval(() => undefined, 1000);`;
    const child = spawn(
      process.execPath,
      ['-r', 'ts-node/register/transpile-only', '-e', code, directory],
      { cwd: __dirname, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const refused = await lockDirectory(directory, guard);
    t.ok('heldBy' in refused && refused.heldBy?.includes(`process ${child.pid}`));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await lockDirectory(directory, guard);
    t.ok('release' in lock);
    if ('release' in lock) await lock.release();
  });
}

t.test('a lock file that a dead process left behind locks nobody out', async (t) => {
  const { disk, root } = newDisk(t);
  writeFileSync(join(root, 'lock'), 'process 1, started once\n');
  const lock = await disk.lock('');
  t.ok('release' in lock);
  if ('release' in lock) await lock.release();
});
