/**
 * Rebuilds the log from its batches, and checks what must hold between them (spec: raft 4.5, step
 * 5). A violation is damage that no checksum saw: the member must not start.
 */
import type { HardState, Index, Term } from '../core';
import { raftError } from '../errors';
import { isPositionMark, recordEntry, type LogEnd } from './batch';
import { decodeHardState } from './payload';
import { RECORD_TYPE } from './record';
import type { ScannedBatch, ScannedRecord } from './segment';
import type { StableLog } from './stable-log';

/** Applies batches to a log, oldest first. */
export class Replay {
  readonly #log: StableLog;
  #hardState: HardState | undefined;
  #isStarted = false;

  constructor(log: StableLog) {
    this.#log = log;
  }

  get hardState(): HardState | undefined {
    return this.#hardState;
  }

  /** Where the log ends now. */
  get end(): LogEnd {
    const lastIndex = this.#log.lastIndex();
    return { lastIndex, lastTerm: this.#log.termAt(lastIndex) ?? 0 };
  }

  /** Applies one batch of the file `name`; throws `RAFT_LOG_DAMAGED` if it does not follow. */
  apply(name: string, batch: ScannedBatch): void {
    const refuse = (what: string): never => {
      throw raftError(
        'RAFT_LOG_DAMAGED',
        `Cannot open the log as the batch at byte ${String(batch.start)} of ${name} ${what}. ` +
          'Leave this member stopped: the others serve while they are a majority. Replacing it ' +
          'needs membership changes, which this version does not have',
      );
    };
    for (const record of batch.records) {
      const problem = this.#applyRecord(record);
      if (problem !== undefined) refuse(problem);
    }
    const { seal } = batch;
    const { lastIndex, lastTerm } = this.end;
    if (seal.lastIndex !== lastIndex || seal.lastTerm !== lastTerm) {
      refuse(`ends at index ${String(lastIndex)}, its seal says ${String(seal.lastIndex)}`);
    }
    const before = this.#hardState;
    if (before !== undefined && seal.hardState.term < before.term) refuse('lowers the term');
    if (seal.hardState.term < lastTerm) refuse('has an entry above its term');
    if (seal.hardState.commitIndex > lastIndex) refuse('commits beyond its end');
    this.#hardState = seal.hardState;
  }

  /** Applies one record; says what is wrong with it. */
  #applyRecord(record: ScannedRecord): string | undefined {
    const log = this.#log;
    const index = record.index as Index;
    switch (record.type) {
      case RECORD_TYPE.entry: {
        if (index < 1) return 'has an entry without an index';
        if (index > log.lastIndex() + 1) return `leaves a gap before index ${String(index)}`;
        const before = log.termAt((index - 1) as Index);
        if (before !== undefined && record.term < before) {
          return `lowers the term of its entries at index ${String(index)}`;
        }
        log.append([recordEntry(record)]);
        return undefined;
      }
      case RECORD_TYPE.truncate:
        log.truncateFrom(index);
        return undefined;
      case RECORD_TYPE.snapshotMark:
        return this.#applyMark(record);
      case RECORD_TYPE.hardState:
        decodeHardState(record.payload);
        return undefined;
      case RECORD_TYPE.pad:
        return undefined;
      default:
        return `holds a record of type ${String(record.type)}, which this version does not know`;
    }
  }

  /** R41: a log that holds (index, term) keeps what follows it, any other one starts after it. */
  #applyMark(record: ScannedRecord): string | undefined {
    const [index, term] = [record.index as Index, record.term as Term];
    const isHeld = this.#log.termAt(index) === term;
    if (isPositionMark(record) && this.#isStarted && !isHeld) {
      return `stands after index ${String(index)}, where the log before it does not end`;
    }
    if (!isHeld) this.#log.reset(index, term);
    this.#isStarted = true;
    return undefined;
  }
}
