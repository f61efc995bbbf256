/**
 * The log on disk (spec: raft 4, docs/wal-format.md): opened, appended to in batches that are
 * synced before anybody hears of them, and released segment by segment.
 *
 *   save -> group commit -> one batch: encode, write, fdatasync -> StableLog -> onDurable
 *
 * After a failed write or sync nothing more is written: `whenFailed` resolves, and the owner must
 * end the process (R61).
 */
import { assert } from '../../base/assert';
import { delay, type Clock } from '../../base/clock';
import type { Disk, DiskFile } from '../../base/disk';
import { noFaults, type FaultPoint } from '../../base/fault-point';
import { randomHexId } from '../../base/hex-id';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import { Serial } from '../../base/serial';
import type { HardState, Index, Term } from '../core';
import { raftError } from '../errors';
import { RAFT_LIMITS } from '../limits';
import { batchBytes, encodeBatch, entryRecord, recordsToCopy, type LogEnd } from './batch';
import { GroupCommit, type Batch, type Save } from './group-commit';
import { BatchBuffer, SECTOR_BYTES } from './record';
import { recoverLog, type CountedSegment, type RecoveredLog } from './recover';
import { SEGMENT_HEADER_BYTES, type ScannedRecord, type SegmentHeader } from './segment';
import { SegmentFiles } from './segment-files';
import { StableLog } from './stable-log';

/** Where a log lies, whose it is, and how large its pieces are. */
export interface WalOptions {
  readonly disk: Disk;
  /** Directory of the segments, relative to the disk; made if missing. */
  readonly directory: string;
  readonly clusterId: string;
  readonly memberId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly segmentBytes?: number;
  readonly batchBytesMax?: number;
  readonly batchEntriesMax?: number;
  /** What the state machine surely holds; damage below it is harmless. Default 0. */
  readonly durableAppliedIndex?: Index;
  /** Entries at or below it are not kept in memory; at most durableAppliedIndex. Default 0. */
  readonly releasedIndex?: Index;
  /** False refuses an empty directory: this member had a log once (R66). */
  readonly isCreationAllowed?: boolean;
  /** Called with `walBeforeWrite`, `walAfterSync`, `walBeforeRename`. */
  readonly faultPoint?: FaultPoint;
}

/** Who wrote a log; told to peers in the hello (T2). */
export interface WalIdentity {
  readonly clusterId: string;
  readonly memberId: string;
  /** Random, made with the log, the same in all segments. */
  readonly logId: string;
  /** Rises by 1 at each open. */
  readonly incarnation: number;
}

const NO_HARD_STATE: HardState = { term: 0 as Term, vote: undefined, commitIndex: 0 as Index };
const SPACE_RETRY_MS = 1_000;

/** Opens the log, or creates it; it is durable and ready for `save` when this resolves. */
export async function openWal(options: WalOptions): Promise<Wal> {
  const { disk, directory, clusterId, memberId, logger } = options;
  await disk.makeDirectory(directory);
  const found = await recoverLog({
    disk,
    directory,
    clusterId,
    memberId,
    logger,
    releasedIndex: options.releasedIndex ?? (0 as Index),
    durableAppliedIndex: options.durableAppliedIndex ?? (0 as Index),
  });
  if (found === undefined && options.isCreationAllowed === false) {
    throw raftError(
      'RAFT_LOG_DAMAGED',
      `Cannot open the log of member ${memberId} as ${directory} holds none: this member had one, ` +
        'and its votes must not be forgotten. Bring the files back, or leave it stopped: the ' +
        'others serve while they are a majority. Replacing it needs membership changes, which ' +
        'this version does not have',
    );
  }
  const wal = new Wal(options, found);
  await wal.begin(found);
  return wal;
}

interface ActiveSegment {
  readonly file: DiskFile;
  readonly header: SegmentHeader;
  readonly bytes: number;
}

/** An open log; made by {@link openWal}. */
export class Wal {
  readonly identity: WalIdentity;
  readonly log: StableLog;
  /** Resolves with the error after which nothing is written any more; never if all goes well. */
  readonly whenFailed: Promise<unknown>;
  readonly #options: WalOptions;
  readonly #files: SegmentFiles;
  readonly #commit: GroupCommit;
  readonly #buffer = new BatchBuffer();
  readonly #faultPoint: FaultPoint;
  readonly #releases = new Serial();
  readonly #fail: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** Oldest first; the last one is active. */
  #segments: CountedSegment[];
  #active: ActiveSegment | undefined;
  /** Where the next batch goes in the active segment, and what it continues. */
  #offset = 0;
  #chain: number;
  #batch: number;
  #sequence: number;
  /** As last given, and as last written. */
  #hardState: HardState;
  #written: HardState;
  #end: LogEnd;
  #isOutOfSpace = false;
  #isSyncing = false;

  /** Use {@link openWal}. */
  constructor(options: WalOptions, found: RecoveredLog | undefined) {
    this.#options = options;
    this.#faultPoint = options.faultPoint ?? noFaults;
    this.log = found?.log ?? new StableLog();
    this.identity = {
      clusterId: options.clusterId,
      memberId: options.memberId,
      logId: found?.segments.at(-1)?.header.logId ?? randomHexId(options.random),
      incarnation: (found?.highestIncarnation ?? 0) + 1,
    };
    const { disk, directory } = options;
    const segmentBytes = options.segmentBytes ?? RAFT_LIMITS.walSegmentBytes;
    assert(segmentBytes % SECTOR_BYTES === 0, 'a segment is made of sectors', { segmentBytes });
    this.#files = new SegmentFiles({ disk, directory, segmentBytes, faultPoint: this.#faultPoint });
    let fail: (error: unknown) => void = () => undefined;
    this.whenFailed = new Promise((resolve) => (fail = resolve));
    this.#fail = fail;
    this.#commit = new GroupCommit(
      {
        bytesMax: options.batchBytesMax ?? RAFT_LIMITS.walBatchBytesMax,
        entriesMax: options.batchEntriesMax ?? RAFT_LIMITS.walBatchEntriesMax,
      },
      (batch, finished) => this.#write(batch, finished),
      fail,
    );
    this.#segments = [...(found?.segments ?? [])];
    this.#chain = found?.lastBatch.chainBefore ?? 0;
    this.#batch = found?.highestBatch ?? 0;
    this.#sequence = found?.highestSequence ?? 0;
    this.#hardState = found?.hardState ?? NO_HARD_STATE;
    this.#written = this.#hardState;
    this.#end = found?.endBefore ?? { lastIndex: 0, lastTerm: 0 };
    this.log.setHardState(found?.hardState);
  }

  /** Whether the disk works on a batch: what comes now travels with the next. */
  get isSyncing(): boolean {
    return this.#isSyncing;
  }

  /** Whether the log waits for space on the disk (R67). */
  get isOutOfSpace(): boolean {
    return this.#isOutOfSpace;
  }

  /**
   * Step 6 of opening (spec: 4.5): always a new segment, into which the last batch is copied. Its
   * sync is the only one that no later batch proves, so its bytes may be in memory only.
   */
  async begin(found: RecoveredLog | undefined): Promise<void> {
    const records = found === undefined ? [] : recordsToCopy(found.lastBatch);
    const prevEnd = found?.lastBatch.start ?? 0;
    await this.#startSegment(prevEnd, batchBytes(records));
    const lastIndex = this.log.lastIndex();
    const end = { lastIndex, lastTerm: this.log.termAt(lastIndex) ?? 0 };
    await this.#writeBatch(records, end, this.#end);
    for (const name of found?.leftovers ?? []) await this.#files.remove(name);
    await this.#trimPrevious(found);
    this.#buildSpare();
  }

  /** Queues entries and hard state; if the disk is idle, the write begins at once. */
  save(save: Save): void {
    this.#commit.save(save);
  }

  /**
   * Forgets the entries up to and with `index`, which the state machine must hold durably (R40):
   * in memory at once, on disk by whole segments.
   */
  async releaseUpTo(index: Index): Promise<void> {
    this.log.release(index);
    await this.#releases.run(async () => {
      for (;;) {
        const [oldest, next] = this.#segments;
        if (oldest === undefined || next === undefined) return;
        if (next.header.nextIndex - 1 > index) return;
        // The next one must hold the hard state before this one may go.
        const isNextEmpty = next.header === this.#active?.header && this.#isActiveEmpty();
        if (isNextEmpty) return;
        this.#segments.shift();
        await this.#files.remove(oldest.name);
      }
    });
  }

  /** Names of the segments, oldest first. */
  segmentNames(): readonly string[] {
    return this.#segments.map((segment) => segment.name);
  }

  /** Waits for what is being written, then closes. Saves that come later are lost. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#commit.idle();
    await this.#files.idle();
    await this.#active?.file.close();
  }

  #isActiveEmpty(): boolean {
    return this.#offset === SEGMENT_HEADER_BYTES;
  }

  async #write(batch: Batch, finished: readonly Save[]): Promise<void> {
    this.#hardState = batch.hardState ?? this.#hardState;
    if (batch.mustSync) {
      this.#isSyncing = true;
      const records = batch.entries.map(entryRecord);
      const last = batch.entries.at(-1);
      const end = last === undefined ? this.#end : { lastIndex: last.index, lastTerm: last.term };
      const size = batchBytes(records);
      let position: LogEnd | undefined;
      if (this.#offset + size > (this.#active?.bytes ?? 0)) {
        position = this.#end;
        await this.#startSegment(this.#offset, size);
      }
      await this.#writeBatch(records, end, position);
      if (position !== undefined) this.#buildSpare();
      this.#isSyncing = false;
    }
    for (const save of finished) this.log.append(save.entries);
  }

  async #writeBatch(
    records: readonly ScannedRecord[],
    end: LogEnd,
    position: LogEnd | undefined,
  ): Promise<void> {
    const active = this.#active;
    assert(active !== undefined, 'a segment is open');
    // The commit of a Ready may cover entries that follow in the next batch.
    const commitIndex = Math.min(this.#hardState.commitIndex, end.lastIndex) as Index;
    const hardState: HardState = { ...this.#hardState, commitIndex };
    const isNew = hardState.term !== this.#written.term || hardState.vote !== this.#written.vote;
    const bytes = encodeBatch(
      this.#buffer,
      { offset: this.#offset, salt: active.header.salt, chain: this.#chain },
      {
        number: this.#batch + 1,
        hardState,
        hasHardState: isNew || position !== undefined,
        position,
        records,
        end,
      },
    );
    assert(this.#offset + bytes.length <= active.bytes, 'a batch fits its segment');
    await this.#faultPoint('walBeforeWrite');
    await active.file.writeAndSync(this.#offset, bytes);
    await this.#faultPoint('walAfterSync');
    this.#batch += 1;
    this.#offset += bytes.length;
    this.#chain = this.#buffer.chain;
    this.#written = hardState;
    this.#end = end;
  }

  async #startSegment(prevEnd: number, batchSize: number): Promise<void> {
    const header: SegmentHeader = {
      ...this.identity,
      salt: this.#options.random.below(2 ** 32),
      sequence: this.#sequence + 1,
      nextIndex: this.#end.lastIndex + 1,
      previousSequence: this.#segments.at(-1)?.header.sequence ?? 0,
      prevEnd,
      prevChain: this.#chain,
      firstBatch: this.#batch + 1,
    };
    const bytesMin = SEGMENT_HEADER_BYTES + Math.ceil(batchSize / SECTOR_BYTES) * SECTOR_BYTES;
    const { file, name, bytes } = await this.#withSpace(() => this.#files.create(header, bytesMin));
    await this.#active?.file.close();
    this.#active = { file, header, bytes };
    this.#segments.push({ name, header });
    this.#sequence = header.sequence;
    this.#offset = SEGMENT_HEADER_BYTES;
  }

  /** R67: without space the log waits, says so, and goes on when there is some again. */
  async #withSpace<T>(create: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await create();
        if (this.#isOutOfSpace) this.#options.logger.info('the log has space again');
        this.#isOutOfSpace = false;
        return result;
      } catch (error) {
        if (!isNoSpace(error) || this.#closing.signal.aborted || this.#active === undefined) {
          throw error;
        }
        if (!this.#isOutOfSpace) {
          this.#options.logger.error('no space for a log segment: appends wait', {
            directory: this.#options.directory,
          });
        }
        this.#isOutOfSpace = true;
        await delay(this.#options.clock, SPACE_RETRY_MS, this.#closing.signal);
      }
    }
  }

  /** Prepares the next segment while this one fills. */
  #buildSpare(): void {
    this.#files.buildSpare().catch((error: unknown) => {
      if (!isNoSpace(error)) this.#fail(error);
      else this.#options.logger.warn('no space for a spare log segment');
    });
  }

  /** Gives back the zeros after the batches of the segment before: they count no more. */
  async #trimPrevious(found: RecoveredLog | undefined): Promise<void> {
    const name = found?.segments.at(-1)?.name;
    if (found === undefined || name === undefined) return;
    const file = await this.#options.disk.open(this.#files.path(name), { create: false });
    await file.truncate(found.lastEnd);
    await file.sync();
    await file.close();
  }
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}
