/**
 * One record of the log on disk: its header, its payload and the checksums that prove both
 * (spec: raft 4.3, docs/wal-format.md). Records are 8-byte aligned, little-endian:
 *
 * | offset | size | field                                                                     |
 * |--------|------|---------------------------------------------------------------------------|
 * | 0      | 1    | type, see {@link RECORD_TYPE}                                             |
 * | 1      | 1    | flags: bit 0 compressed (reserved), bit 1 masked                          |
 * | 2      | 2    | entry kind: 0 normal, 1 configuration change                              |
 * | 4      | 4    | payloadLength                                                             |
 * | 8      | 8    | index                                                                     |
 * | 16     | 8    | term                                                                      |
 * | 24     | 8    | batch number                                                              |
 * | 32     | 4    | prevChain: chain value of the record before                               |
 * | 36     | 4    | payloadCrc, of the payload before masking                                 |
 * | 40     | 4    | zero                                                                      |
 * | 44     | 4    | headerCrc of bytes 0..43, started from the segment's salt                 |
 * | 48     |      | payload, zero-padded to 8                                                 |
 *
 * chain(record) = crc32(prevChain ‖ bytes 0..31 ‖ payloadCrc). A length is never used before its
 * headerCrc has been proven (R64). A payload that would leave an aligned sector all zero is masked,
 * so that a sector of zeros always means "never written" (R63).
 */
import { assert } from '../../base/assert';
import { crc32 } from '../../base/crc32';
import { readU64 } from '../../base/safe-integer';

/** Bytes of a record before its payload. */
export const RECORD_HEADER_BYTES = 48;
/** Batches begin on this boundary, and disks write or lose this much at a time. */
export const SECTOR_BYTES = 512;
/** A bad block of this size must not take a vote and the seal that repeats it (spec: 4.3). */
export const BLOCK_BYTES = 4096;

/** The numbers of the record types. */
export const RECORD_TYPE = {
  entry: 1,
  hardState: 2,
  snapshotMark: 3,
  truncate: 4,
  seal: 5,
  /** Wave 2 (spec: 4.6): known to a reader of this version only as something to refuse. */
  claim: 6,
  pad: 7,
} as const;

const FLAG_MASKED = 2;
const MASK_BYTE = 0xa5;
const TWO_32 = 0x1_0000_0000;

/** A record's header after its checksum has been proven. */
export interface RecordHeader {
  readonly type: number;
  readonly flags: number;
  readonly entryKind: number;
  readonly payloadLength: number;
  readonly index: number;
  readonly term: number;
  readonly batch: number;
  readonly prevChain: number;
  readonly payloadCrc: number;
  /** chain(record), which the next record must repeat as its prevChain. */
  readonly chain: number;
}

/** Bytes that a record with this payload takes. */
export function recordBytes(payloadLength: number): number {
  return RECORD_HEADER_BYTES + align8(payloadLength);
}

/** Rounds up to a sector. */
export function alignSector(length: number): number {
  return Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES;
}

function align8(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** What a record says, for {@link BatchBuffer.append}. */
export interface RecordFields {
  readonly type: number;
  readonly entryKind: number;
  readonly index: number;
  readonly term: number;
}

/**
 * Builds batches in one buffer that is used again for each (only one batch is in flight). Offset 0
 * stands on a sector boundary of the file, so alignment inside the buffer is alignment on disk.
 */
export class BatchBuffer {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #count = 0;
  #salt = 0;
  #batch = 0;
  #chain = 0;
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #headerProven = this.#header.subarray(0, 44);
  readonly #chained = new Uint8Array(40);
  readonly #chainedView = new DataView(this.#chained.buffer);
  readonly #headerStart = this.#header.subarray(0, 32);

  /** Starts a batch of at most `capacity` bytes; the bytes of the batch before are gone. */
  begin(capacity: number, salt: number, batch: number, chain: number): void {
    if (this.#bytes.length < capacity) this.#bytes = new Uint8Array(alignSector(capacity));
    this.#length = 0;
    this.#count = 0;
    this.#salt = salt;
    this.#batch = batch;
    this.#chain = chain;
  }

  get length(): number {
    return this.#length;
  }

  get recordCount(): number {
    return this.#count;
  }

  /** The chain value of the last record. */
  get chain(): number {
    return this.#chain;
  }

  /** Appends one record. The payload is copied. */
  append(fields: RecordFields, payload: Uint8Array): void {
    const at = this.#length;
    const end = at + recordBytes(payload.length);
    assert(end <= this.#bytes.length, 'a batch fits its buffer', { end });
    const isMasked = wouldZeroSector(payload, at + RECORD_HEADER_BYTES);
    const payloadCrc = crc32(payload);
    const view = this.#headerView;
    this.#header[0] = fields.type;
    this.#header[1] = isMasked ? FLAG_MASKED : 0;
    view.setUint16(2, fields.entryKind, true);
    view.setUint32(4, payload.length, true);
    putCounter(view, 8, fields.index);
    putCounter(view, 16, fields.term);
    putCounter(view, 24, this.#batch);
    view.setUint32(32, this.#chain, true);
    view.setUint32(36, payloadCrc, true);
    view.setUint32(44, crc32(this.#headerProven, this.#salt), true);
    this.#chainedView.setUint32(0, this.#chain, true);
    this.#chained.set(this.#headerStart, 4);
    this.#chainedView.setUint32(36, payloadCrc, true);
    this.#chain = crc32(this.#chained);
    const bytes = this.#bytes;
    bytes.set(this.#header, at);
    bytes.set(payload, at + RECORD_HEADER_BYTES);
    const payloadEnd = at + RECORD_HEADER_BYTES + payload.length;
    if (isMasked) mask(bytes, at + RECORD_HEADER_BYTES, payloadEnd);
    if (payloadEnd < end) bytes.fill(0, payloadEnd, end);
    this.#length = end;
    this.#count += 1;
  }

  /**
   * Appends a pad record if it takes one for the next record to begin in another block of the file
   * than this batch, which begins at `fileOffset`.
   */
  padToNextBlock(fileOffset: number): void {
    const blockEnd = Math.ceil((fileOffset + 1) / BLOCK_BYTES) * BLOCK_BYTES;
    const missing = blockEnd - fileOffset - this.#length;
    if (missing <= 0) return;
    const payload = new Uint8Array(Math.max(0, missing - RECORD_HEADER_BYTES));
    this.append({ type: RECORD_TYPE.pad, entryKind: 0, index: 0, term: 0 }, payload);
  }

  /** The finished batch, zero-padded to a sector: valid until the next {@link begin}. */
  finish(): Uint8Array {
    const end = alignSector(this.#length);
    this.#bytes.fill(0, this.#length, end);
    this.#length = end;
    return this.#bytes.subarray(0, end);
  }
}

function putCounter(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

function mask(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bytes[i] = (bytes[i] as number) ^ MASK_BYTE;
}

/**
 * Whether some sector that begins after the payload's record would hold zeros only, as far as this
 * payload goes. It asks a little more than needed (the next record could begin in that sector),
 * which costs nothing: masking is always allowed.
 */
function wouldZeroSector(payload: Uint8Array, at: number): boolean {
  // The record's first byte, its type, is not zero: only sectors that begin after it matter.
  let sector = alignSector(at - RECORD_HEADER_BYTES + 1) - at;
  while (sector < payload.length) {
    const from = Math.max(0, sector);
    const to = Math.min(payload.length, sector + SECTOR_BYTES);
    if (isZero(payload, from, to)) return true;
    sector += SECTOR_BYTES;
  }
  return false;
}

const ZEROS = Buffer.alloc(65_536);

/** Whether all of [from, to) is zero; large ranges are compared natively. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  const loopEnd = Math.min(to, from + SECTOR_BYTES);
  for (; at < loopEnd; at++) if (bytes[at] !== 0) return false;
  for (; at < to; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, to - at);
    if (ZEROS.compare(bytes, at, at + length, 0, length) !== 0) return false;
  }
  return true;
}

/** A view of the same memory, for the readers below. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const scratch = new Uint8Array(40);
const scratchView = new DataView(scratch.buffer);

/** Reads the header at `at`, or undefined if no proven header is there. */
export function readHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
): RecordHeader | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  const type = view.getUint8(at);
  if (type === 0 || type > RECORD_TYPE.pad) return undefined;
  if (crc32(bytes.subarray(at, at + 44), salt) !== view.getUint32(at + 44, true)) return undefined;
  // Above 2^53-1 (its highest bits set) no counter was ever written: bytes that only look proven.
  for (let high = at + 12; high <= at + 28; high += 8) {
    if (view.getUint32(high, true) > 0x1f_ffff) return undefined;
  }
  const prevChain = view.getUint32(at + 32, true);
  const payloadCrc = view.getUint32(at + 36, true);
  scratchView.setUint32(0, prevChain, true);
  scratch.set(bytes.subarray(at, at + 32), 4);
  scratchView.setUint32(36, payloadCrc, true);
  return {
    type,
    flags: view.getUint8(at + 1),
    entryKind: view.getUint16(at + 2, true),
    payloadLength: view.getUint32(at + 4, true),
    index: readU64(view, at + 8, true),
    term: readU64(view, at + 16, true),
    batch: readU64(view, at + 24, true),
    prevChain,
    payloadCrc,
    chain: crc32(scratch),
  };
}

/**
 * The payload of the proven header at `at`, unmasked; undefined if it does not fit the file or its
 * checksum does not hold. A copy, unless `isKept` is false: then possibly a view of the input.
 */
export function readPayload(
  bytes: Uint8Array,
  at: number,
  header: RecordHeader,
  isKept: boolean,
): Uint8Array | undefined {
  const from = at + RECORD_HEADER_BYTES;
  const to = from + header.payloadLength;
  if (to > bytes.length) return undefined;
  const isMasked = (header.flags & FLAG_MASKED) !== 0;
  const view = bytes.subarray(from, to);
  const payload = isKept || isMasked ? new Uint8Array(view) : view;
  if (isMasked) mask(payload, 0, payload.length);
  return crc32(payload) === header.payloadCrc ? payload : undefined;
}
