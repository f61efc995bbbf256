/**
 * Proposals that wait for a turn (Raft §10.2.2). All that wait share one call of the core, one
 * append and one promise, so a proposal under load costs no promise chain of its own.
 */
import { assert, assertNever } from '../../base/assert';
import type { Proposal, ProposeResult } from '../core';
import { raftError, type RaftError } from '../errors';
import { RAFT_LIMITS } from '../limits';

/** What one call of the core takes at most: below what one frame may carry when forwarded. */
const GROUP_BYTES_MAX = RAFT_LIMITS.walBatchBytesMax;
const GROUP_PROPOSALS_MAX = RAFT_LIMITS.entriesPerMessageMax;

interface Group {
  readonly proposals: Proposal[];
  bytes: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

/** Collects proposals between turns. */
export class PendingProposals {
  readonly #bytesMax: number;
  #groups: Group[] = [];
  #bytes = 0;

  /** Refuses what would make more than `bytesMax` wait. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** Takes one proposal; the promise ends as described at `RaftNode.propose`. */
  add(data: Uint8Array): Promise<void> {
    assert(data.length <= RAFT_LIMITS.entryBytesMax, 'a command is within limits', {
      bytes: data.length,
    });
    if (this.#bytes > 0 && this.#bytes + data.length > this.#bytesMax) {
      return Promise.reject(dropped('too much waits for the log'));
    }
    let group = this.#groups.at(-1);
    const isFull =
      group === undefined ||
      group.bytes + data.length > GROUP_BYTES_MAX ||
      group.proposals.length >= GROUP_PROPOSALS_MAX;
    if (group === undefined || isFull) {
      group = newGroup();
      this.#groups.push(group);
    }
    group.proposals.push({ kind: 'normal', data });
    group.bytes += data.length;
    this.#bytes += data.length;
    return group.promise;
  }

  /** Hands everything over. */
  flush(propose: (proposals: readonly Proposal[]) => ProposeResult): void {
    const groups = this.#take();
    for (const group of groups) {
      const result = propose(group.proposals);
      switch (result.kind) {
        case 'appended':
        case 'forwarded':
          group.resolve();
          break;
        case 'dropped':
          group.reject(errorOf(result.reason));
          break;
        default:
          assertNever(result);
      }
    }
  }

  /** Ends everything that waits. */
  rejectAll(error: RaftError): void {
    for (const group of this.#take()) group.reject(error);
  }

  #take(): Group[] {
    const groups = this.#groups;
    this.#groups = [];
    this.#bytes = 0;
    return groups;
  }
}

function newGroup(): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: RaftError) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { proposals: [], bytes: 0, promise, resolve, reject };
}

type DropReason = Extract<ProposeResult, { readonly kind: 'dropped' }>['reason'];

function errorOf(reason: DropReason): RaftError {
  switch (reason) {
    case 'noLeader':
      return raftError('RAFT_NO_LEADER', 'Cannot propose as no leader is known');
    case 'forwardingOff':
      return raftError('RAFT_NOT_LEADER', 'Cannot propose as another member leads');
    case 'uncommittedBytes':
      return dropped('too much of the log is not committed');
    case 'transferring':
      return dropped('leadership is handed over');
  }
}

function dropped(why: string): RaftError {
  return raftError('RAFT_PROPOSAL_DROPPED', `Cannot propose as ${why}`);
}
