/**
 * A disk on virtual time. What is written is visible at once and durable after a sync; names are
 * durable after a sync of their directory. A power cut keeps any subset of the unsynced sectors and
 * some first part of the unsynced changes of names. Also: rot, failing syncs, no space.
 */
import { assert } from '../../base/assert';
import { copyBytes } from '../../base/bytes';
import type { DirectoryLock, Disk, DiskFile } from '../../base/disk';
import type { Random } from '../../base/random';
import type { SimProcess, Simulator } from './simulator';

const SECTOR_BYTES = 512;

/** A file, whatever it is called. */
interface Inode {
  current: Uint8Array;
  durable: Uint8Array;
  readonly dirty: Set<number>;
}

/** One atomic change of names: each path with what it names from then on. */
type NameChange = readonly (readonly [path: string, inode: Inode | undefined])[];

/** How the disk behaves; may be changed while it runs. */
export interface SimDiskConditions {
  latencyMinMs: number;
  latencyMaxMs: number;
  /** The next sync fails, and loses what it should have made durable (R61). */
  isNextSyncFailing: boolean;
  /** Beyond it writes that grow a file fail with ENOSPC. */
  capacityBytes: number;
}

/** The disk of one machine: survives its processes. */
export class SimDisk {
  readonly conditions: SimDiskConditions = {
    latencyMinMs: 0.1,
    latencyMaxMs: 0.5,
    isNextSyncFailing: false,
    capacityBytes: Number.POSITIVE_INFINITY,
  };
  /** Called before each operation that changes the disk; may kill the process. */
  beforeChange: (operation: string, path: string) => void = () => undefined;
  readonly random: Random;
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  readonly #locks = new Map<string, SimProcess>();

  constructor(simulator: Simulator, name: string) {
    this.random = simulator.random.fork(`disk ${name}`);
  }

  /** The disk as one process uses it. */
  of(process: SimProcess): Disk {
    return new ProcessDisk(this, process);
  }

  /** The power fails: what was not synced may be lost, sector by sector. */
  powerCut(): void {
    const kept = this.random.below(this.#changes.length + 1);
    for (const change of this.#changes.slice(0, kept)) this.#makeDurable(change);
    this.#changes = [];
    this.#names.clear();
    for (const [path, inode] of this.#durableNames) this.#names.set(path, inode);
    for (const inode of new Set(this.#names.values())) {
      for (const sector of inode.dirty) {
        if (this.random.unit() < 0.5) keepSector(inode, sector);
      }
      inode.dirty.clear();
      inode.current = copyBytes(inode.durable);
    }
  }

  /** Flips bits of a byte, on the disk and in memory: rot. */
  flip(path: string, offset: number, bits: number): void {
    const inode = this.inode(path);
    for (const bytes of [inode.current, inode.durable]) {
      if (offset < bytes.length) bytes[offset] = (bytes[offset] as number) ^ bits;
    }
  }

  /** A copy of the disk as a power cut right now could leave it at best: with everything. */
  snapshot(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([path, inode]) => [path, copyBytes(inode.current)]));
  }

  /** Replaces all files, durably. */
  restore(files: ReadonlyMap<string, Uint8Array>): void {
    this.#names.clear();
    this.#durableNames.clear();
    this.#changes = [];
    for (const [path, bytes] of files) {
      const inode = {
        current: copyBytes(bytes),
        durable: copyBytes(bytes),
        dirty: new Set<number>(),
      };
      this.#names.set(path, inode);
      this.#durableNames.set(path, inode);
    }
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  find(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw systemError('ENOENT', path);
    return inode;
  }

  change(change: NameChange): void {
    for (const [path, inode] of change) {
      if (inode === undefined) this.#names.delete(path);
      else this.#names.set(path, inode);
    }
    this.#changes.push(change);
  }

  syncNames(directory: string): void {
    const rest: NameChange[] = [];
    for (const change of this.#changes) {
      if (change.some(([path]) => parentOf(path) === directory)) this.#makeDurable(change);
      else rest.push(change);
    }
    this.#changes = rest;
  }

  usedBytes(): number {
    let sum = 0;
    for (const inode of new Set(this.#names.values())) sum += inode.current.length;
    return sum;
  }

  lock(path: string, process: SimProcess): DirectoryLock | { heldBy: string } {
    const holder = this.#locks.get(path);
    if (holder?.isAlive === true) return { heldBy: holder.name };
    this.#locks.set(path, process);
    return {
      release: () => {
        if (this.#locks.get(path) === process) this.#locks.delete(path);
        return Promise.resolve();
      },
    };
  }

  #makeDurable(change: NameChange): void {
    for (const [path, inode] of change) {
      if (inode === undefined) this.#durableNames.delete(path);
      else this.#durableNames.set(path, inode);
    }
  }
}

function keepSector(inode: Inode, sector: number): void {
  const from = sector * SECTOR_BYTES;
  const bytes = inode.current.subarray(from, from + SECTOR_BYTES);
  if (inode.durable.length < from + bytes.length) {
    const grown = new Uint8Array(from + bytes.length);
    grown.set(inode.durable);
    inode.durable = grown;
  }
  inode.durable.set(bytes, from);
}

function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

class ProcessDisk implements Disk {
  readonly #disk: SimDisk;
  readonly #process: SimProcess;

  constructor(disk: SimDisk, process: SimProcess) {
    this.#disk = disk;
    this.#process = process;
  }

  async open(path: string, options: { readonly create: boolean }): Promise<DiskFile> {
    await this.#take();
    let inode = this.#disk.find(path);
    if (inode === undefined) {
      if (!options.create) throw systemError('ENOENT', path);
      this.#disk.beforeChange('create', path);
      inode = { current: new Uint8Array(0), durable: new Uint8Array(0), dirty: new Set() };
      this.#disk.change([[path, inode]]);
    }
    return new SimFile({ disk: this.#disk, process: this.#process, inode, path });
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    await this.#take();
    const inode = this.#disk.find(path);
    return inode === undefined ? undefined : copyBytes(inode.current);
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const aside = `${path}.tmp`;
    const file = await this.open(aside, { create: true });
    await file.truncate(0);
    await file.writeAndSync(0, bytes);
    await file.close();
    await this.rename(aside, path);
    await this.syncDirectory(parentOf(path));
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#take();
    return this.#disk
      .paths()
      .filter((each) => parentOf(each) === path)
      .map((each) => each.slice(path === '' ? 0 : path.length + 1));
  }

  async makeDirectory(): Promise<void> {
    await this.#take();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#take();
    this.#disk.beforeChange('rename', from);
    await this.#alive();
    this.#disk.change([
      [from, undefined],
      [to, this.#disk.inode(from)],
    ]);
  }

  async remove(path: string): Promise<void> {
    await this.#take();
    this.#disk.beforeChange('remove', path);
    await this.#alive();
    const gone = this.#disk.paths().filter((each) => each === path || each.startsWith(`${path}/`));
    if (gone.length > 0) this.#disk.change(gone.map((each) => [each, undefined]));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#take();
    this.#disk.beforeChange('syncDirectory', path);
    await this.#alive();
    this.#disk.syncNames(path);
  }

  async lock(path: string): Promise<DirectoryLock | { readonly heldBy: string | undefined }> {
    await this.#take();
    return this.#disk.lock(path, this.#process);
  }

  #take(): Promise<void> {
    return latency(this.#disk, this.#process);
  }

  #alive(): Promise<void> {
    return whileAlive(this.#process);
  }
}

/** Resolves after the disk's latency; never if the process is dead then. */
function latency(disk: SimDisk, process: SimProcess): Promise<void> {
  const { latencyMinMs, latencyMaxMs } = disk.conditions;
  const ms = latencyMinMs + disk.random.unit() * (latencyMaxMs - latencyMinMs);
  return new Promise((resolve) => process.schedule(ms, resolve));
}

/** Resolves at once; never if the process is dead. */
function whileAlive(process: SimProcess): Promise<void> {
  return process.isAlive ? Promise.resolve() : new Promise(() => undefined);
}

class SimFile implements DiskFile {
  readonly #disk: SimDisk;
  readonly #process: SimProcess;
  readonly #inode: Inode;
  readonly #path: string;
  #isClosed = false;
  #isBroken = false;

  constructor(options: {
    readonly disk: SimDisk;
    readonly process: SimProcess;
    readonly inode: Inode;
    readonly path: string;
  }) {
    this.#disk = options.disk;
    this.#process = options.process;
    this.#inode = options.inode;
    this.#path = options.path;
  }

  async readAt(offset: number, length: number): Promise<Uint8Array> {
    await this.#take();
    return this.#inode.current.slice(offset, offset + length);
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    this.#write(offset, bytes);
    await this.#take();
  }

  async writeAndSync(offset: number, bytes: Uint8Array): Promise<void> {
    this.#write(offset, bytes);
    await this.sync();
  }

  async sync(): Promise<void> {
    await this.#take();
    this.#disk.beforeChange('sync', this.#path);
    await whileAlive(this.#process);
    const { conditions } = this.#disk;
    assert(!this.#isBroken, 'nobody syncs a file again after a failed sync (R61)', {
      path: this.#path,
    });
    if (conditions.isNextSyncFailing) {
      conditions.isNextSyncFailing = false;
      this.#isBroken = true;
      // As Linux may: the pages count as clean now, and are not on the disk.
      this.#inode.dirty.clear();
      throw systemError('EIO', this.#path);
    }
    for (const sector of this.#inode.dirty) keepSector(this.#inode, sector);
    this.#inode.dirty.clear();
    if (this.#inode.durable.length > this.#inode.current.length) {
      this.#inode.durable = copyBytes(this.#inode.current);
    }
  }

  async truncate(length: number): Promise<void> {
    await this.#take();
    this.#disk.beforeChange('truncate', this.#path);
    await whileAlive(this.#process);
    const next = new Uint8Array(length);
    next.set(this.#inode.current.subarray(0, length));
    this.#inode.current = next;
    for (const sector of this.#inode.dirty) {
      if (sector * SECTOR_BYTES >= length) this.#inode.dirty.delete(sector);
    }
  }

  async size(): Promise<number> {
    await this.#take();
    return this.#inode.current.length;
  }

  async close(): Promise<void> {
    await this.#take();
    this.#isClosed = true;
  }

  #take(): Promise<void> {
    assert(!this.#isClosed, 'a file is used before it is closed', { path: this.#path });
    return latency(this.#disk, this.#process);
  }

  #write(offset: number, bytes: Uint8Array): void {
    if (!this.#process.isAlive) return;
    this.#disk.beforeChange('write', this.#path);
    const inode = this.#inode;
    const end = offset + bytes.length;
    const growth = Math.max(0, end - inode.current.length);
    if (growth > 0 && this.#disk.usedBytes() + growth > this.#disk.conditions.capacityBytes) {
      throw systemError('ENOSPC', this.#path);
    }
    if (growth > 0) {
      const grown = new Uint8Array(end);
      grown.set(inode.current);
      inode.current = grown;
    }
    inode.current.set(bytes, offset);
    const last = Math.floor((end - 1) / SECTOR_BYTES);
    for (let s = Math.floor(offset / SECTOR_BYTES); s <= last; s++) inode.dirty.add(s);
  }
}
