/**
 * Reads a log at open (spec: raft 4.5, steps 1 to 5): which segments count, whether each is whole,
 * and what they say. It changes nothing but for copies of torn tails (`*.broken`); the caller then
 * starts a new segment (step 6). Damage that may hide acknowledged data is refused with
 * `RAFT_LOG_DAMAGED` (R63, R65, R66).
 */
import type { Disk } from '../../base/disk';
import type { Logger } from '../../base/logger';
import { mark } from '../../base/mark';
import type { HardState, Index } from '../core';
import { raftError, type RaftError } from '../errors';
import type { LogEnd } from './batch';
import { judgeTail } from './damage';
import { isZero, RECORD_TYPE } from './record';
import { Replay } from './replay';
import {
  decodeSegmentHeader,
  scanSegment,
  SEGMENT_HEADER_BYTES,
  segmentNames,
  type ScannedBatch,
  type SegmentHeader,
  type SegmentName,
  type SegmentScan,
} from './segment';
import { StableLog } from './stable-log';

/** Whose log is expected, and what the state machine makes dispensable. */
export interface RecoverOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clusterId: string;
  readonly memberId: string;
  readonly logger: Logger;
  /** Entries up to here need not be in memory. */
  readonly releasedIndex: Index;
  /** Entries up to here are proven to be in the state machine, whatever happens (R40). */
  readonly durableAppliedIndex: Index;
}

/** A segment that counts. */
export interface CountedSegment {
  readonly name: string;
  readonly header: SegmentHeader;
}

/** What a log directory holds. */
export interface RecoveredLog {
  readonly log: StableLog;
  readonly hardState: HardState;
  /** Oldest first; the last one is where `lastBatch` is. */
  readonly segments: readonly CountedSegment[];
  readonly lastBatch: ScannedBatch;
  /** Where the last segment's batches end. */
  readonly lastEnd: number;
  /** Where the log ends without the last batch. */
  readonly endBefore: LogEnd;
  readonly highestBatch: number;
  readonly highestSequence: number;
  readonly highestIncarnation: number;
  /** Files that count no more, to be removed once a new segment stands. */
  readonly leftovers: readonly string[];
}

interface LoadedSegment extends CountedSegment {
  readonly scan: SegmentScan;
}

const REMEDY =
  'It may hold acknowledged entries, so nothing was changed. Keep a copy of the directory, ' +
  'bring back a good one if there is, or leave this member stopped: the others serve while they ' +
  'are a majority. Replacing it needs membership changes, which this version does not have';

/** Reads the log, or undefined if no segment ever held a batch. */
export async function recoverLog(options: RecoverOptions): Promise<RecoveredLog | undefined> {
  return new Recovery(options).run();
}

class Recovery {
  readonly #options: RecoverOptions;
  readonly #leftovers: string[] = [];
  #highestBatch = 0;
  #highestIncarnation = 0;
  #names: SegmentName[] = [];

  constructor(options: RecoverOptions) {
    this.#options = options;
  }

  async run(): Promise<RecoveredLog | undefined> {
    const names = await this.#options.disk.list(this.#options.directory);
    this.#names = segmentNames(names);
    const last = await this.#findLast();
    if (last === undefined) return undefined;
    const counted = await this.#walkBack(last);
    const log = new StableLog();
    const replay = new Replay(log);
    let endBefore: LogEnd = replay.end;
    for (const segment of counted.loaded) {
      for (const batch of segment.scan.batches) {
        endBefore = replay.end;
        replay.apply(segment.name, batch);
      }
    }
    const hardState = replay.hardState;
    const lastBatch = last.scan.batches.at(-1);
    if (hardState === undefined || lastBatch === undefined) {
      throw this.#damaged(last.name, 'it holds no hard state');
    }
    log.release(this.#options.releasedIndex);
    return {
      log,
      hardState,
      segments: [...counted.unread, ...counted.loaded],
      lastBatch,
      lastEnd: last.scan.end,
      endBefore,
      highestBatch: this.#highestBatch,
      highestSequence: this.#names.at(-1)?.sequence ?? 0,
      highestIncarnation: this.#highestIncarnation,
      leftovers: this.#leftovers,
    };
  }

  /** Step 1 and 3: the newest segment with a whole batch; newer ones never counted. */
  async #findLast(): Promise<LoadedSegment | undefined> {
    for (const { name } of [...this.#names].reverse()) {
      const bytes = await this.#read(name);
      const header = this.#header(name, bytes);
      if (header === undefined) {
        if (!isZero(bytes, Math.min(SEGMENT_HEADER_BYTES, bytes.length), bytes.length)) {
          throw this.#damaged(name, 'its header is damaged and data follows it');
        }
        mark('walHeaderWithoutBatch');
        this.#leftovers.push(name);
        continue;
      }
      const scan = this.#scan(bytes, header, bytes.length);
      await this.#judge(name, bytes, header, scan);
      if (scan.batches.length > 0)
        return { name, header, scan: this.#complete(bytes, header, scan) };
      mark('walSegmentNeverCounted');
      this.#leftovers.push(name);
    }
    return undefined;
  }

  async #judge(
    name: string,
    bytes: Uint8Array,
    header: SegmentHeader,
    scan: SegmentScan,
  ): Promise<void> {
    const verdict = judgeTail(bytes, header, scan);
    switch (verdict.kind) {
      case 'end':
        break;
      case 'torn': {
        mark('walTornTail');
        const copy = `${name}.${scan.end.toString(16)}.broken`;
        const { disk, directory, logger } = this.#options;
        await disk.replaceFile(`${directory}/${copy}`, bytes.slice(scan.end, verdict.to));
        logger.warn('cut a torn batch off the log: its write never finished', {
          file: name,
          offset: scan.end,
          copy,
        });
        break;
      }
      case 'suspect':
        mark('walSuspectTail');
        throw this.#damaged(
          name,
          `byte ${String(verdict.at)} is no valid record, in a batch that was written in full`,
        );
      case 'rot':
        mark('walRot');
        throw this.#damaged(
          name,
          `byte ${String(verdict.at)} is no valid record, and a later batch follows at byte ` +
            String(verdict.laterAt),
        );
    }
    this.#highestBatch = Math.max(this.#highestBatch, verdict.highestBatch);
  }

  /** Steps 1 and 4: follows the links to older segments, each valid up to the prevEnd after it. */
  async #walkBack(last: LoadedSegment): Promise<{
    readonly unread: readonly CountedSegment[];
    readonly loaded: readonly LoadedSegment[];
  }> {
    const loaded: LoadedSegment[] = [last];
    const unread: CountedSegment[] = [];
    let next: CountedSegment = last;
    while (next.header.previousSequence !== 0) {
      const sequence = next.header.previousSequence;
      const found = this.#names.find((name) => name.sequence === sequence);
      if (found === undefined) {
        const older = this.#names.find((name) => name.sequence < sequence);
        if (older === undefined) break;
        throw this.#damaged(
          older.name,
          `the segment ${String(sequence)} that followed it is missing`,
        );
      }
      // Entries before it are in the state machine and not wanted: only its place is remembered.
      const isNeeded = next.header.nextIndex - 1 > this.#options.releasedIndex;
      const scanned = isNeeded ? await this.#loadOlder(found.name, next.header) : undefined;
      const segment = isNeeded ? scanned : await this.#readHeader(found.name);
      if (segment === undefined) break;
      if (segment.header.logId !== last.header.logId) {
        throw this.#damaged(found.name, `it belongs to another log than ${last.name}`);
      }
      if (scanned !== undefined) loaded.unshift(scanned);
      else unread.unshift(segment);
      next = segment;
    }
    this.#collectLeftovers([...unread, ...loaded]);
    return { unread, loaded };
  }

  /** A segment that need not be read; undefined if it is no use as a link. */
  async #readHeader(name: string): Promise<CountedSegment | undefined> {
    const file = await this.#options.disk.open(this.#path(name), { create: false });
    const bytes = await file.readAt(0, SEGMENT_HEADER_BYTES);
    await file.close();
    const header = this.#header(name, bytes);
    return header === undefined ? undefined : { name, header };
  }

  /** Loads a segment that has a successor; undefined if its damage does not matter (step 4). */
  async #loadOlder(name: string, next: SegmentHeader): Promise<LoadedSegment | undefined> {
    const bytes = await this.#read(name);
    const header = this.#header(name, bytes);
    let damage = 'its header is damaged';
    if (header !== undefined) {
      const scan = this.#scan(bytes, header, next.prevEnd);
      if (scan.end === next.prevEnd && scan.chain === next.prevChain) return { name, header, scan };
      const at = scan.badAt ?? scan.end;
      damage = `byte ${String(at)} is no valid record, and the segment after it proves that it was`;
    }
    if (next.nextIndex - 1 > this.#options.durableAppliedIndex) throw this.#damaged(name, damage);
    mark('walRotBelowApplied');
    this.#options.logger.warn('dropped a damaged part of the log: all of it is applied', {
      file: name,
      damage,
      lastIndex: next.nextIndex - 1,
    });
    return undefined;
  }

  /** What stands before the oldest counted segment or beside the links is of no use. */
  #collectLeftovers(counted: readonly CountedSegment[]): void {
    const names = new Set(counted.map((segment) => segment.name));
    for (const { name } of this.#names) {
      if (!names.has(name) && !this.#leftovers.includes(name)) this.#leftovers.push(name);
    }
  }

  /** The last batch will be copied, so its payloads are needed whatever is released. */
  #complete(bytes: Uint8Array, header: SegmentHeader, scan: SegmentScan): SegmentScan {
    const released = this.#options.releasedIndex;
    const isWhole = scan.batches
      .at(-1)
      ?.records.every((record) => record.type !== RECORD_TYPE.entry || record.index > released);
    return isWhole === true ? scan : scanSegment(bytes, header, { limit: scan.end, keepAbove: 0 });
  }

  #scan(bytes: Uint8Array, header: SegmentHeader, limit: number): SegmentScan {
    return scanSegment(bytes, header, { limit, keepAbove: this.#options.releasedIndex });
  }

  /** The proven header of a segment; undefined if it is damaged, an error if it is not ours. */
  #header(name: string, bytes: Uint8Array): SegmentHeader | undefined {
    const header = decodeSegmentHeader(bytes);
    if ('damage' in header) return undefined;
    if ('version' in header) {
      throw raftError(
        'RAFT_LOG_VERSION',
        `Cannot open ${this.#path(name)} as its format is not known: received version ` +
          `${String(header.version)}. Start the version of keelson that wrote it`,
      );
    }
    const { clusterId, memberId } = this.#options;
    if (header.clusterId !== clusterId || header.memberId !== memberId) {
      throw raftError(
        'RAFT_LOG_FOREIGN',
        `Cannot open ${this.#path(name)} as the log of member ${memberId} of cluster ` +
          `${clusterId}: received one of member ${header.memberId} of cluster ` +
          `${header.clusterId}. Check the data directory`,
      );
    }
    this.#highestIncarnation = Math.max(this.#highestIncarnation, header.incarnation);
    return header;
  }

  async #read(name: string): Promise<Uint8Array> {
    const bytes = await this.#options.disk.readFile(this.#path(name));
    if (bytes === undefined) throw this.#damaged(name, 'it disappeared while the log was opened');
    return bytes;
  }

  #path(name: string): string {
    return `${this.#options.directory}/${name}`;
  }

  #damaged(name: string, what: string): RaftError {
    const message = `Cannot open the log segment ${this.#path(name)} as ${what}. ${REMEDY}`;
    return raftError('RAFT_LOG_DAMAGED', message);
  }
}
