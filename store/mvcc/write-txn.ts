/**
 * The changes of one command: puts and deletes staged under one new revision, numbered from sub 0
 * in order. `commit` writes the revision log and gives the events; without a change it does
 * nothing, and the revision does not move (S23). A key changes at most once (S21).
 */
import { assert } from '../../base/assert';
import { bytesId, EMPTY_BYTES } from '../../base/bytes';
import { crc32 } from '../../base/crc32';
import { NO_ID } from '../../base/hex-id';
import type { Revision, WatchEvent } from '../kv';
import type { CurrentRecord } from './current-column';
import { putSuperseded } from './history';
import { leaseAttachmentKey } from './keyspace';
import { putAttachment } from './lease-record';
import { putRevision, type LoggedChange } from './revision-log';
import type { StagedState } from './staged-state';

const NO_REVISION = 0 as Revision;

/** What a commit did. */
export interface Committed {
  readonly revision: Revision;
  readonly events: readonly WatchEvent[];
}

/** One command's changes. */
export class WriteTxn {
  readonly #state: StagedState;
  /** The revision of all changes of this transaction. */
  readonly main: Revision;
  readonly #changes: LoggedChange[] = [];
  readonly #events: WatchEvent[] = [];

  constructor(state: StagedState) {
    this.#state = state;
    this.main = (state.revision + 1) as Revision;
  }

  /** The revision of an answer given now: the new one if anything has changed. */
  get revision(): Revision {
    return this.#changes.length > 0 ? this.main : this.#state.revision;
  }

  /** Writes a value; returns what was there before. */
  put(key: Uint8Array, value: Uint8Array, leaseId: string): CurrentRecord | undefined {
    const state = this.#state;
    const id = bytesId(key);
    const previous = state.current(key, id);
    const record = state.encoders.records.make({
      key,
      value,
      createRevision: previous?.keyValue.createRevision ?? this.main,
      modRevision: this.main,
      modSub: this.#changes.length,
      version: (previous?.keyValue.version ?? 0) + 1,
      leaseId,
    });
    this.#change({ type: 'put', key, id, previous, record });
    return previous;
  }

  /** Deletes a key that exists. */
  delete(previous: CurrentRecord): void {
    const { key } = previous.keyValue;
    this.#change({ type: 'delete', key, id: bytesId(key), previous, record: undefined });
  }

  /** Writes the revision's log and moves the state to it; undefined if nothing changed. */
  commit(): Committed | undefined {
    if (this.#changes.length === 0) return undefined;
    const state = this.#state;
    state.fold = putRevision(state.encoders.writer, state.sink, this.#changes, state.fold);
    assert(state.revision + 1 === this.main, 'one transaction commits at a time');
    state.revision = this.main;
    return { revision: this.main, events: this.#events };
  }

  #change(change: {
    readonly type: 'put' | 'delete';
    readonly key: Uint8Array;
    readonly id: string;
    readonly previous: CurrentRecord | undefined;
    readonly record: CurrentRecord | undefined;
  }): void {
    const { type, key, id, previous, record } = change;
    const { main } = this;
    const sub = this.#changes.length;
    const state = this.#state;
    assert(previous?.keyValue.modRevision !== main, 'a key changes once per transaction (S21)');
    if (previous !== undefined) {
      putSuperseded(state.encoders.writer, state.sink, previous, main, sub);
    }
    const leaseId = record?.keyValue.leaseId ?? NO_ID;
    this.#moveLease(key, previous?.keyValue.leaseId ?? NO_ID, leaseId);
    this.#changes.push({
      type,
      main,
      sub,
      key,
      createRevision: record?.keyValue.createRevision ?? NO_REVISION,
      version: record?.keyValue.version ?? 0,
      leaseId,
      previousMain: previous?.keyValue.modRevision ?? NO_REVISION,
      previousSub: previous?.modSub ?? 0,
      valueCrc: record === undefined ? 0 : crc32(record.keyValue.value),
    });
    this.#events.push({
      kind: type,
      keyValue: record?.keyValue ?? tombstone(previous?.keyValue.key ?? key, main),
      previous: previous?.keyValue,
    });
    state.stage({ id, main, previous, record });
  }

  /** S45: a put without a lease detaches, one with another lease moves. */
  #moveLease(key: Uint8Array, from: string, to: string): void {
    if (from === to) return;
    const { sink, encoders } = this.#state;
    if (from !== NO_ID) sink.delete(leaseAttachmentKey(from, key));
    if (to !== NO_ID) putAttachment(encoders.writer, sink, to, key);
  }
}

/** What a delete event says about the key: its name and when it ended, no more. */
export function tombstone(key: Uint8Array, modRevision: Revision): WatchEvent['keyValue'] {
  return {
    key,
    value: EMPTY_BYTES,
    createRevision: NO_REVISION,
    modRevision,
    version: 0,
    leaseId: NO_ID,
  };
}
