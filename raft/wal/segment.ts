/**
 * One segment file: its name, its header and a scan over its batches (spec: raft 4.1, 4.2).
 *
 * | offset | field                                                       |
 * |--------|-------------------------------------------------------------|
 * | 0      | magic `KEELWAL1`                                            |
 * | 8      | u32 format version = 1                                      |
 * | 12     | u32 salt, random                                            |
 * | 16     | cluster id                                                  |
 * | 24     | member id                                                   |
 * | 32     | u64 incarnation                                             |
 * | 40     | u64 sequence                                                |
 * | 48     | u64 nextIndex: lastIndex + 1 at prevEnd                     |
 * | 56     | u64 previous sequence (0: none)                             |
 * | 64     | u64 prevEnd: the previous segment counts up to here         |
 * | 72     | u32 prevChain: chain value at prevEnd                       |
 * | 80     | log id                                                      |
 * | 88     | u64 number of its first batch                               |
 * | 4092   | u32 crc32 of bytes 0..4091                                  |
 *
 * All other bytes are zero. A batch is a row of records that ends with a seal; it begins on a
 * sector boundary. It counts as a whole or not at all.
 */
import { utf8 } from '../../base/bytes';
import { crc32 } from '../../base/crc32';
import { hexIdFromBytes, writeHexId } from '../../base/hex-id';
import { readU64, writeU64 } from '../../base/safe-integer';
import { decodeSeal, type Seal } from './payload';
import {
  alignSector,
  isZero,
  readHeader,
  readPayload,
  recordBytes,
  RECORD_TYPE,
  viewOf,
  type RecordHeader,
} from './record';

/** Bytes of a segment before its first batch. */
export const SEGMENT_HEADER_BYTES = 4096;
/** The only version of the format so far. */
export const FORMAT_VERSION = 1;

const MAGIC = utf8('KEELWAL1');
const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/** What a segment says about itself and about the one before it. */
export interface SegmentHeader {
  readonly salt: number;
  readonly clusterId: string;
  readonly memberId: string;
  readonly logId: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly nextIndex: number;
  readonly previousSequence: number;
  readonly prevEnd: number;
  readonly prevChain: number;
  /** Numbers leave a gap after a repair, so the first one of a segment must be said. */
  readonly firstBatch: number;
}

/** A file name of the directory that is a segment's. */
export interface SegmentName {
  readonly name: string;
  readonly sequence: number;
}

/** The name of a segment's file. */
export function segmentName(sequence: number, nextIndex: number): string {
  return `${hex16(sequence)}-${hex16(nextIndex)}.wal`;
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}

/** The segments among the names of a directory, by rising sequence. */
export function segmentNames(names: readonly string[]): SegmentName[] {
  const found: SegmentName[] = [];
  for (const name of names) {
    const digits = NAME.exec(name)?.[1];
    if (digits !== undefined) found.push({ name, sequence: Number.parseInt(digits, 16) });
  }
  return found.sort((a, b) => a.sequence - b.sequence);
}

/** Encodes a header. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, header.salt, true);
  writeHexId(bytes, 16, header.clusterId);
  writeHexId(bytes, 24, header.memberId);
  writeU64(view, 32, header.incarnation, true);
  writeU64(view, 40, header.sequence, true);
  writeU64(view, 48, header.nextIndex, true);
  writeU64(view, 56, header.previousSequence, true);
  writeU64(view, 64, header.prevEnd, true);
  view.setUint32(72, header.prevChain, true);
  writeHexId(bytes, 80, header.logId);
  writeU64(view, 88, header.firstBatch, true);
  view.setUint32(4092, crc32(bytes.subarray(0, 4092)), true);
  return bytes;
}

/** Decodes a header; says why there is none: damaged, or written by another version. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
): SegmentHeader | { readonly damage: string } | { readonly version: number } {
  if (bytes.length < SEGMENT_HEADER_BYTES) return { damage: 'the file ends inside its header' };
  const view = viewOf(bytes);
  if (crc32(bytes.subarray(0, 4092)) !== view.getUint32(4092, true)) {
    return { damage: 'the checksum of its header does not hold' };
  }
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) return { damage: 'it is not a log segment' };
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) return { version };
  return {
    salt: view.getUint32(12, true),
    clusterId: hexIdFromBytes(bytes, 16),
    memberId: hexIdFromBytes(bytes, 24),
    logId: hexIdFromBytes(bytes, 80),
    incarnation: readU64(view, 32, true),
    sequence: readU64(view, 40, true),
    nextIndex: readU64(view, 48, true),
    previousSequence: readU64(view, 56, true),
    prevEnd: readU64(view, 64, true),
    prevChain: view.getUint32(72, true),
    firstBatch: readU64(view, 88, true),
  };
}

/** One proven record of a batch; the payload is empty if nobody wanted it. */
export interface ScannedRecord {
  readonly type: number;
  readonly entryKind: number;
  readonly index: number;
  readonly term: number;
  readonly payload: Uint8Array;
}

/** One whole batch. */
export interface ScannedBatch {
  readonly start: number;
  readonly chainBefore: number;
  readonly records: readonly ScannedRecord[];
  readonly seal: Seal;
}

/** What a scan found. */
export interface SegmentScan {
  readonly batches: readonly ScannedBatch[];
  /** The boundary after the last whole batch, and the chain value there. */
  readonly end: number;
  readonly chain: number;
  /** The first byte that is no proven record; undefined if zeros follow from `end` on. */
  readonly badAt: number | undefined;
}

/** Whose payloads a scan copies: entries above this index. */
export interface ScanOptions {
  /** Stop at this offset, as the next segment says. */
  readonly limit: number;
  readonly keepAbove: number;
}

/** Reads batches from the begin of a segment to the first bad byte or the limit (spec: 4.5.2). */
export function scanSegment(
  bytes: Uint8Array,
  header: SegmentHeader,
  options: ScanOptions,
): SegmentScan {
  const view = viewOf(bytes);
  const batches: ScannedBatch[] = [];
  let end = SEGMENT_HEADER_BYTES;
  let chain = header.prevChain;
  const limit = Math.min(options.limit, bytes.length);
  while (end < limit) {
    const found = scanBatch(bytes, view, { at: end, chain, header, options });
    if ('badAt' in found) {
      const isEnd = found.badAt === end && isZero(bytes, end, limit);
      return { batches, end, chain, badAt: isEnd ? undefined : found.badAt };
    }
    if (found.batch.seal.batch !== header.firstBatch + batches.length) {
      return { batches, end, chain, badAt: end };
    }
    batches.push(found.batch);
    end = found.end;
    chain = found.chain;
  }
  return { batches, end, chain, badAt: undefined };
}

interface BatchStart {
  readonly at: number;
  readonly chain: number;
  readonly header: SegmentHeader;
  readonly options: ScanOptions;
}

function scanBatch(
  bytes: Uint8Array,
  view: DataView,
  start: BatchStart,
): { badAt: number } | { batch: ScannedBatch; end: number; chain: number } {
  const records: ScannedRecord[] = [];
  let { at, chain } = start;
  let number: number | undefined;
  for (;;) {
    const header = readHeader(bytes, view, at, start.header.salt);
    if (header === undefined || header.prevChain !== chain) return { badAt: at };
    if (number !== undefined && header.batch !== number) return { badAt: at };
    const isKept = header.type !== RECORD_TYPE.entry || header.index > start.options.keepAbove;
    const payload = readPayload(bytes, at, header, isKept);
    if (payload === undefined) return { badAt: at };
    number = header.batch;
    chain = header.chain;
    const recordEnd = at + recordBytes(header.payloadLength);
    if (header.type === RECORD_TYPE.seal) {
      const seal = decodeSeal(payload);
      if (seal.recordCount !== records.length || seal.batch !== number) return { badAt: at };
      const batch = { start: start.at, chainBefore: start.chain, records, seal };
      return { batch, end: alignSector(recordEnd), chain };
    }
    records.push(scanned(header, isKept ? payload : payload.subarray(0, 0)));
    at = recordEnd;
  }
}

function scanned(header: RecordHeader, payload: Uint8Array): ScannedRecord {
  const { type, entryKind, index, term } = header;
  return { type, entryKind, index, term, payload };
}
