/** Whether a log and a state machine belong together at start (R44, R60; spec: raft 4.5 step 5). */
import type { LogReader } from '../core';
import { raftError } from '../errors';
import type { AppliedState } from './state-machine';

const REMEDY =
  'Keep a copy of the data directory and leave this member stopped: the others serve while they ' +
  'are a majority. Replacing it needs membership changes, which this version does not have';

/**
 * Throws `RAFT_LOG_DAMAGED` if the log does not continue what is applied: the store may lag behind
 * the log, never the other way round, since only what is durable in the log is applied (R28).
 */
export function checkStart(applied: AppliedState, log: LogReader): void {
  const { index, term } = applied;
  const refuse = (condition: string): never => {
    throw raftError('RAFT_LOG_DAMAGED', `Cannot start as ${condition}. ${REMEDY}`);
  };
  if (index > log.lastIndex()) {
    refuse(
      `the store has applied index ${String(index)}, and the log ends at ` +
        `${String(log.lastIndex())}: acknowledged entries are missing from the log`,
    );
  }
  if (index < log.firstIndex() - 1) {
    refuse(
      `the log begins at index ${String(log.firstIndex())}, and the store has applied only up to ` +
        `${String(index)}: entries between them are missing`,
    );
  }
  const held = log.termAt(index);
  if (held !== undefined && index > 0 && held !== term) {
    refuse(
      `the store applied index ${String(index)} of term ${String(term)}, and the log holds one of ` +
        `term ${String(held)}`,
    );
  }
}
