/**
 * Applies one command to the staged state: the exhaustive switch over the union of commands. A
 * command that is refused has changed nothing (S20); nothing here depends on the member (S2).
 */
import { NO_ID } from '../../base/hex-id';
import type { CommandBody, CommandResult } from '../command';
import { storeError, type StoreError } from '../errors';
import type { OperationResult, Revision, Txn } from '../kv';
import { STORE_LIMITS } from '../limits';
import {
  checkReadRevision,
  compactedError,
  evaluateTxn,
  leaseNotFound,
  WriteTxn,
  type Evaluated,
  type RangeNeed,
  type StagedState,
} from '../mvcc';
import { needsOfTxn } from '../mvcc';
import type { RevisionEvents } from '../watch';

/** What a command reads beyond single keys. */
export interface CommandNeeds {
  readonly range: (need: RangeNeed) => void;
  readonly attached: (leaseId: string) => void;
}

/** Names what must be fetched before {@link evaluateCommand}. */
export function needsOfCommand(command: CommandBody, needs: CommandNeeds): void {
  switch (command.kind) {
    case 'txn':
      needsOfTxn(command.txn, needs.range);
      return;
    case 'deleteRange':
      needs.range({ range: command.range, revision: 0 as Revision });
      return;
    case 'leaseRevoke':
      needs.attached(command.leaseId);
      return;
    case 'leaseExpire':
      command.leaseIds.forEach(needs.attached);
      return;
    case 'put':
    case 'compact':
    case 'leaseGrant':
    case 'leaseCheckpoint':
      return;
  }
}

/** Evaluates a command of an entry of `term`; events of committed changes go to `changes`. */
export function evaluateCommand(
  state: StagedState,
  command: CommandBody,
  term: number,
  changes: RevisionEvents[],
): CommandResult {
  switch (command.kind) {
    case 'put':
    case 'deleteRange':
      return evaluateSingle(state, command, changes);
    case 'txn': {
      const evaluated = collect(evaluateTxn(state, command.txn), changes);
      if ('failure' in evaluated) return failed(state, evaluated.failure);
      return { kind: 'txn', result: evaluated.result };
    }
    case 'compact':
      return compact(state, command.revision);
    case 'leaseGrant':
      return grantLease(state, command);
    case 'leaseRevoke': {
      const { leaseId } = command;
      if (state.lease(leaseId) === undefined) return failed(state, leaseNotFound(leaseId));
      const deleted = endLease(state, leaseId, changes);
      return { kind: 'leaseRevoke', revision: state.revision, deleted };
    }
    case 'leaseExpire': {
      // S40: only the leader of this very term may end leases.
      const leaseIds = command.term === term ? command.leaseIds : [];
      const expired = leaseIds.filter((leaseId) => state.lease(leaseId) !== undefined);
      for (const leaseId of expired) endLease(state, leaseId, changes);
      return { kind: 'leaseExpire', revision: state.revision, expired };
    }
    case 'leaseCheckpoint': {
      for (const { leaseId, remainingSeconds } of command.checkpoints) {
        const lease = command.term === term ? state.lease(leaseId) : undefined;
        if (lease !== undefined) state.setLease(leaseId, { ...lease, remainingSeconds });
      }
      return { kind: 'leaseCheckpoint', revision: state.revision };
    }
  }
}

function evaluateSingle(
  state: StagedState,
  command: Extract<CommandBody, { kind: 'put' | 'deleteRange' }>,
  changes: RevisionEvents[],
): CommandResult {
  const txn: Txn = { compare: [], success: [command], failure: [] };
  const evaluated = collect(evaluateTxn(state, txn), changes);
  if ('failure' in evaluated) return failed(state, evaluated.failure);
  const { revision } = evaluated.result;
  const answer = evaluated.result.results[0] as Extract<
    OperationResult,
    { kind: 'put' | 'deleteRange' }
  >;
  return { ...answer, revision };
}

function compact(state: StagedState, revision: Revision): CommandResult {
  if (revision <= state.compactRevision) {
    return failed(state, compactedError(revision, state.compactRevision));
  }
  const bounds = { current: state.revision, compact: state.compactRevision };
  const failure = checkReadRevision(revision, bounds);
  if (failure !== undefined) return failed(state, failure);
  state.compactRevision = revision;
  return { kind: 'compact', revision: state.revision };
}

function grantLease(
  state: StagedState,
  command: Extract<CommandBody, { kind: 'leaseGrant' }>,
): CommandResult {
  const { leaseId, ttlSeconds } = command;
  const failure = checkGrant(leaseId, ttlSeconds);
  if (failure !== undefined) return failed(state, failure);
  if (state.lease(leaseId) !== undefined) {
    const message = `Cannot grant a lease as it exists: received id ${leaseId}`;
    return failed(state, storeError('STORE_LEASE_EXISTS', message));
  }
  const { revision } = state;
  const lease = { leaseId, ttlSeconds, remainingSeconds: ttlSeconds, grantedRevision: revision };
  state.setLease(leaseId, lease);
  return { kind: 'leaseGrant', revision, leaseId, ttlSeconds };
}

/** The failure of a grant that no state would accept; the front asks before it proposes. */
export function checkGrant(leaseId: string, ttlSeconds: number): StoreError | undefined {
  const isTtl = Number.isInteger(ttlSeconds) && ttlSeconds >= 1;
  if (leaseId !== NO_ID && isTtl && ttlSeconds <= STORE_LIMITS.leaseTtlSecondsMax) return undefined;
  return storeError(
    'STORE_INVALID',
    `Cannot grant a lease but for an id and 1 to ${String(STORE_LIMITS.leaseTtlSecondsMax)} ` +
      `seconds: received id ${leaseId} and ${String(ttlSeconds)} seconds`,
  );
}

/** S45: all keys go in one revision, in key order; the lease goes with them. */
function endLease(state: StagedState, leaseId: string, changes: RevisionEvents[]): number {
  const write = new WriteTxn(state);
  const records = state.attachedKeys(leaseId);
  for (const record of records) write.delete(record);
  const committed = write.commit();
  if (committed !== undefined) changes.push(committed);
  state.setLease(leaseId, undefined);
  return records.length;
}

function collect<T>(evaluated: Evaluated<T>, changes: RevisionEvents[]): Evaluated<T> {
  if ('committed' in evaluated && evaluated.committed !== undefined) {
    changes.push(evaluated.committed);
  }
  return evaluated;
}

function failed(state: StagedState, error: StoreError): CommandResult {
  return { kind: 'failed', revision: state.revision, error };
}
