/**
 * An exclusive hold on a directory that ends with the process, however it ends. The guard is a
 * local socket named after the directory's device and inode: the kernel lets one process bind it
 * and frees it at its death, so a stale file never locks anybody out. (Of file locks Node offers
 * none, and LevelDB's own vanish when any descriptor of its LOCK file is closed; this guard also
 * lies outside LevelDB's directory.)
 *
 * Linux: a socket in the abstract namespace, which is atomic and leaves no file. Elsewhere
 * (macOS): a socket file in the directory for temporary files; one that nobody answers on is
 * stale and replaced, which two processes starting in the same millisecond could both do.
 * A second file, `lock`, only tells people who holds the directory.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DirectoryLock } from '../disk';
import { systemCode } from './errors';

/** Where the guard lives: `abstract` needs Linux. */
export type LockGuard = 'abstract' | 'file';

/** The guard of this system. */
export const DEFAULT_LOCK_GUARD: LockGuard = process.platform === 'linux' ? 'abstract' : 'file';

const HOLDER_FILE = 'lock';

/** Takes the lock of a directory that exists, or says who holds it. */
export async function lockDirectory(
  directory: string,
  guard: LockGuard = DEFAULT_LOCK_GUARD,
): Promise<DirectoryLock | { readonly heldBy: string | undefined }> {
  const { dev, ino } = await stat(directory);
  const name = `keelson-${dev}-${ino}`;
  const server =
    guard === 'abstract' ? await bind(`\0${name}`) : await bindFile(join(tmpdir(), `${name}.sock`));
  if (server === undefined) return { heldBy: await readHolder(directory) };
  const holderFile = join(directory, HOLDER_FILE);
  try {
    await writeFile(holderFile, `${describeSelf()}\n`, { mode: 0o600 });
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    release: async () => {
      await rm(holderFile, { force: true });
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function describeSelf(): string {
  return `process ${process.pid}, started ${new Date().toISOString()}`;
}

async function readHolder(directory: string): Promise<string | undefined> {
  try {
    const text = (await readFile(join(directory, HOLDER_FILE), 'utf8')).trim();
    return text === '' ? undefined : text;
  } catch {
    // The holder may not have written it yet: that it holds the lock is known all the same.
    return undefined;
  }
}

/** Binds a local socket; undefined if another process has it. */
function bind(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

async function bindFile(path: string): Promise<Server | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await bind(path);
    if (server !== undefined) return server;
    if (await answers(path)) return undefined;
    // Moved aside first: two that both saw it stale do not remove each other's new socket.
    const aside = `${path}.${randomBytes(4).toString('hex')}`;
    await rename(path, aside).catch(() => undefined);
    await rm(aside, { force: true });
  }
  return undefined;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isAlive: boolean) => {
      socket.destroy();
      resolve(isAlive);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
