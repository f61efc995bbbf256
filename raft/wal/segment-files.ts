/**
 * Makes and removes segment files (spec: raft 4.1). A segment begins as a file of zeros, synced in
 * advance: writing into it never changes its length, and what was never written reads as zeros.
 * `spare.new` -> zeros, sync -> `spare` -> header, sync -> `<sequence>-<nextIndex>.wal`; each name
 * is made durable by a sync of the directory (R62).
 */
import type { Disk, DiskFile } from '../../base/disk';
import { noFaults, type FaultPoint } from '../../base/fault-point';
import { encodeSegmentHeader, segmentName, type SegmentHeader } from './segment';

const FILL_BYTES = 1024 * 1024;

/** The files of one log. */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #faultPoint: FaultPoint;
  #building: Promise<void> | undefined;

  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly segmentBytes: number;
    readonly faultPoint?: FaultPoint;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes;
    this.#faultPoint = options.faultPoint ?? noFaults;
  }

  path(name: string): string {
    return `${this.#directory}/${name}`;
  }

  /** Creates a segment of at least `bytesMin` and returns it open, its header durable. */
  async create(
    header: SegmentHeader,
    bytesMin: number,
  ): Promise<{ readonly file: DiskFile; readonly name: string; readonly bytes: number }> {
    const bytes = Math.max(this.#segmentBytes, bytesMin);
    const isOrdinary = bytes === this.#segmentBytes;
    if (isOrdinary) await this.buildSpare();
    // One entry larger than a segment gets a file of its own size; the spare stays for the next.
    const source = isOrdinary ? 'spare' : 'spare.new';
    if (!isOrdinary) {
      await this.#building;
      await this.#fill(source, bytes);
    }
    const name = segmentName(header.sequence, header.nextIndex);
    const file = await this.#disk.open(this.path(source), { create: false });
    await file.writeAndSync(0, encodeSegmentHeader(header));
    await this.#faultPoint('walBeforeRename');
    await this.#disk.rename(this.path(source), this.path(name));
    await this.#disk.syncDirectory(this.#directory);
    return { file, name, bytes };
  }

  /** Makes sure that there is a spare; fails for want of space without harm. */
  buildSpare(): Promise<void> {
    this.#building ??= this.#buildSpare().finally(() => (this.#building = undefined));
    return this.#building;
  }

  /** Resolves when no spare is being built any more, whatever became of it. */
  async idle(): Promise<void> {
    await this.#building?.catch(() => undefined);
  }

  async remove(name: string): Promise<void> {
    await this.#disk.remove(this.path(name));
    // One at a time: a power cut must not bring an older segment back without a newer one.
    await this.#disk.syncDirectory(this.#directory);
  }

  async #buildSpare(): Promise<void> {
    const names = await this.#disk.list(this.#directory);
    if (names.includes('spare')) {
      const spare = await this.#disk.open(this.path('spare'), { create: false });
      const size = await spare.size();
      await spare.close();
      if (size === this.#segmentBytes) return;
      await this.#disk.remove(this.path('spare'));
    }
    await this.#fill('spare.new', this.#segmentBytes);
    await this.#disk.rename(this.path('spare.new'), this.path('spare'));
    await this.#disk.syncDirectory(this.#directory);
  }

  async #fill(name: string, bytes: number): Promise<void> {
    const path = this.path(name);
    await this.#disk.remove(path);
    const file = await this.#disk.open(path, { create: true });
    try {
      const zeros = new Uint8Array(Math.min(FILL_BYTES, bytes));
      // Not by writeAndSync, the log's own way to the disk; and synced piece by piece, since one
      // large sync would hold up the log's syncs behind it.
      for (let at = 0; at < bytes; at += zeros.length) {
        await file.writeAt(at, zeros.subarray(0, Math.min(zeros.length, bytes - at)));
        await file.sync();
      }
      await file.close();
    } catch (error) {
      await file.close();
      await this.#disk.remove(path);
      throw error;
    }
  }
}
