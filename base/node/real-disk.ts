/**
 * Files of a real directory tree as a `Disk`. Log writes (`writeAndSync`) go through one thread of
 * their own (`disk-worker.ts`, R91); all else is asynchronous and may share libuv's pool. Files
 * are readable by their owner alone. A failure of a write, sync or close is final for the file:
 * whoever gets it ends the process and never syncs again (R61).
 */
import * as fs from 'node:fs';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from '../assert';
import { compareBytes, utf8 } from '../bytes';
import type { DirectoryLock, Disk, DiskFile } from '../disk';
import { lockDirectory } from './directory-lock';
import { DiskWorker } from './disk-worker';
import { systemCode } from './errors';

const readAsync = promisify(fs.read);
const writeAsync = promisify(fs.write);
const openAsync = promisify(fs.open);
const closeAsync = promisify(fs.close);
const fdatasyncAsync = promisify(fs.fdatasync);
const ftruncateAsync = promisify(fs.ftruncate);
const fstatAsync = promisify(fs.fstat);

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** One read of {@link RealDisk.readFile}. */
const READ_BYTES = 256 * 1024;
/** The end of the name of a file that {@link RealDisk.replaceFile} has not put in place yet. */
const ASIDE = '.tmp';

/** A directory tree on the machine's disk. */
export class RealDisk implements Disk {
  readonly #root: string;
  #worker: DiskWorker | undefined;

  /** `root` need not exist yet: `makeDirectory('')` makes it. */
  constructor(root: string) {
    this.#root = root;
  }

  async open(path: string, options: { readonly create: boolean }): Promise<DiskFile> {
    const flags = fs.constants.O_RDWR | (options.create ? fs.constants.O_CREAT : 0);
    const fd = await openAsync(this.#resolve(path), flags, FILE_MODE);
    return new RealFile(fd, () => (this.#worker ??= new DiskWorker()));
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.#resolve(path), 'r');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return await readSparsely(handle);
    } finally {
      await handle.close();
    }
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.#resolve(path);
    const handle = await open(target + ASIDE, 'w', FILE_MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(target + ASIDE, target);
    await syncPath(dirname(target));
  }

  async list(path: string): Promise<readonly string[]> {
    try {
      const names = await readdir(this.#resolve(path));
      return names.sort((a, b) => compareBytes(utf8(a), utf8(b)));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const target = this.#resolve(path);
    const first = await mkdir(target, { recursive: true, mode: DIRECTORY_MODE });
    if (first === undefined) return;
    // Each new name is an entry of its parent, from the target up to the first that was missing.
    for (let at = target; ; at = dirname(at)) {
      await syncPath(dirname(at));
      if (at === first || at === dirname(at)) return;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.#resolve(from), this.#resolve(to));
  }

  async remove(path: string): Promise<void> {
    await rm(this.#resolve(path), { recursive: true, force: true });
  }

  async syncDirectory(path: string): Promise<void> {
    await syncPath(this.#resolve(path));
  }

  async lock(path: string): Promise<DirectoryLock | { readonly heldBy: string | undefined }> {
    return lockDirectory(this.#resolve(path));
  }

  /** Ends the thread that writes the log. Files still open keep working for all else. */
  async close(): Promise<void> {
    await this.#worker?.close();
    this.#worker = undefined;
  }

  #resolve(path: string): string {
    assert(
      !path.startsWith('/') && !path.split('/').includes('..'),
      'a path stays inside the directory of its disk',
      { path },
    );
    return join(this.#root, path);
  }
}

/**
 * The whole file, in memory of which only what is not zero takes space: a segment of the log is
 * mostly zeros, and a replica that has just started would otherwise hold 64 MiB more.
 */
async function readSparsely(handle: FileHandle): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const bytes = new Uint8Array(size);
  const chunk = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, size));
  const zeros = Buffer.alloc(chunk.length);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) break;
    if (chunk.compare(zeros, 0, bytesRead, 0, bytesRead) !== 0) {
      bytes.set(chunk.subarray(0, Math.min(bytesRead, size - at)), at);
    }
    at += bytesRead;
  }
  return at < size ? bytes.subarray(0, at) : bytes;
}

async function syncPath(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class RealFile implements DiskFile {
  readonly #fd: number;
  readonly #worker: () => DiskWorker;
  #isClosed = false;

  constructor(fd: number, worker: () => DiskWorker) {
    this.#fd = fd;
    this.#worker = worker;
  }

  async readAt(offset: number, length: number): Promise<Uint8Array> {
    this.#assertOpen();
    // Memory of its own: a slice of Node's pool would pin 8 KiB for each kept record (R94).
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await readAsync(this.#fd, bytes, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done === length ? bytes : bytes.subarray(0, done);
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await writeAsync(
        this.#fd,
        bytes,
        done,
        bytes.length - done,
        offset + done,
      );
      done += bytesWritten;
    }
  }

  writeAndSync(offset: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    return this.#worker().writeAndSync(this.#fd, offset, bytes);
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    await fdatasyncAsync(this.#fd);
  }

  async truncate(length: number): Promise<void> {
    this.#assertOpen();
    await ftruncateAsync(this.#fd, length);
  }

  async size(): Promise<number> {
    this.#assertOpen();
    return (await fstatAsync(this.#fd)).size;
  }

  async close(): Promise<void> {
    this.#assertOpen();
    this.#isClosed = true;
    await closeAsync(this.#fd);
  }

  /** A descriptor's number is given to the next file opened: using it late would hit that one. */
  #assertOpen(): void {
    assert(!this.#isClosed, 'a file is used before it is closed', { fd: this.#fd });
  }
}
