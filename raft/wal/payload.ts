/**
 * The fixed payloads of log records: hard state, seal and snapshot mark (spec: raft 4.3). Entries
 * carry their data as it is.
 *
 * | record       | payload                                                                     |
 * |--------------|-----------------------------------------------------------------------------|
 * | hardState    | u64 term, 8 bytes vote (zero: none), u64 commitIndex                        |
 * | seal         | u64 batch, recordCount, firstIndex, lastIndex, lastTerm, then as hardState  |
 * | snapshotMark | u32 autoLeave, then four lists (voters, outgoing, learners, learnersNext),  |
 * |              | each u32 count and 8 bytes a member; no voters: a mark of position only     |
 */
import { hexIdFromBytes, NO_ID, writeHexId } from '../../base/hex-id';
import { readU64, writeU64 } from '../../base/safe-integer';
import type { ConfState, HardState, Index, MemberId, Term } from '../core';
import { viewOf } from './record';

/** Bytes of a hard state's payload. */
export const HARD_STATE_BYTES = 24;
/** Bytes of a seal's payload. */
export const SEAL_BYTES = 64;

/** What ends a batch: how much it holds, and the hard state with it. */
export interface Seal {
  readonly batch: number;
  readonly recordCount: number;
  /** The log's bounds after the batch; lastIndex = firstIndex - 1 for an empty log. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly hardState: HardState;
}

/** Encodes a hard state. */
export function encodeHardState(state: HardState): Uint8Array {
  const bytes = new Uint8Array(HARD_STATE_BYTES);
  writeHardState(bytes, 0, state);
  return bytes;
}

function writeHardState(bytes: Uint8Array, at: number, state: HardState): void {
  const view = viewOf(bytes);
  writeU64(view, at, state.term, true);
  if (state.vote !== undefined) writeHexId(bytes, at + 8, state.vote);
  writeU64(view, at + 16, state.commitIndex, true);
}

/** Decodes a hard state; throws a `RangeError` for other bytes. */
export function decodeHardState(bytes: Uint8Array, at = 0): HardState {
  const view = viewOf(bytes);
  const vote = hexIdFromBytes(bytes, at + 8);
  return {
    term: readU64(view, at, true) as Term,
    vote: vote === NO_ID ? undefined : (vote as MemberId),
    commitIndex: readU64(view, at + 16, true) as Index,
  };
}

/** Encodes a seal. */
export function encodeSeal(seal: Seal): Uint8Array {
  const bytes = new Uint8Array(SEAL_BYTES);
  const view = viewOf(bytes);
  writeU64(view, 0, seal.batch, true);
  writeU64(view, 8, seal.recordCount, true);
  writeU64(view, 16, seal.firstIndex, true);
  writeU64(view, 24, seal.lastIndex, true);
  writeU64(view, 32, seal.lastTerm, true);
  writeHardState(bytes, 40, seal.hardState);
  return bytes;
}

/** Decodes a seal; throws a `RangeError` for other bytes. */
export function decodeSeal(bytes: Uint8Array): Seal {
  if (bytes.length !== SEAL_BYTES) {
    throw new RangeError(`Cannot decode a seal: received ${String(bytes.length)} bytes`);
  }
  const view = viewOf(bytes);
  return {
    batch: readU64(view, 0, true),
    recordCount: readU64(view, 8, true),
    firstIndex: readU64(view, 16, true),
    lastIndex: readU64(view, 24, true),
    lastTerm: readU64(view, 32, true),
    hardState: decodeHardState(bytes, 40),
  };
}

/** Encodes the configuration of a snapshot mark. */
export function encodeConfState(state: ConfState): Uint8Array {
  const lists = [state.voters, state.votersOutgoing, state.learners, state.learnersNext];
  const size = 4 + lists.reduce((sum, list) => sum + 4 + list.length * 8, 0);
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  view.setUint32(0, state.autoLeave ? 1 : 0, true);
  let at = 4;
  for (const list of lists) {
    view.setUint32(at, list.length, true);
    at += 4;
    for (const id of list) {
      writeHexId(bytes, at, id);
      at += 8;
    }
  }
  return bytes;
}

/** Decodes the configuration of a snapshot mark; throws a `RangeError` for other bytes. */
export function decodeConfState(bytes: Uint8Array): ConfState {
  const view = viewOf(bytes);
  let at = 4;
  const list = (): MemberId[] => {
    const count = view.getUint32(at, true);
    at += 4;
    if (at + count * 8 > bytes.length) throw new RangeError('Cannot decode a list of members');
    const ids: MemberId[] = [];
    for (let i = 0; i < count; i++, at += 8) ids.push(hexIdFromBytes(bytes, at) as MemberId);
    return ids;
  };
  const [voters, votersOutgoing, learners, learnersNext] = [list(), list(), list(), list()];
  const autoLeave = view.getUint32(0, true) === 1;
  return { voters, votersOutgoing, learners, learnersNext, autoLeave };
}
