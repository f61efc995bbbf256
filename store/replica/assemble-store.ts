/** The parts of a store over some `Proposer`, joined: the same for a replica and without a log. */
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import type { StoreError } from '../errors';
import type { MemberStatus, TransferResult } from '../kv';
import type { StateStore } from '../state';
import type { Applier } from './applier';
import { AutoCompactor } from './auto-compactor';
import { LeaseKeeper, type Renewed } from './lease-keeper';
import { LinearizableRead } from './linearizable-read';
import { PendingProposals } from './pending-proposals';
import type { Proposer } from './proposer';
import { ReplicatedStore } from './replicated-store';
import { WatchFeed } from './watch-feed';

/** From a request to its end, elections apart (store 3.1). */
const REQUEST_TIMEOUT_MS = 5_000;

/** What a store is made of. */
export interface AssemblyOptions {
  readonly state: StateStore;
  readonly applier: Applier;
  readonly proposer: Proposer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly memberId: string;
  readonly incarnation: number;
  readonly electionTimeoutMs: number;
  /** 0: no compaction of its own accord. */
  readonly historyKeptMs: number;
  readonly commitApplyGap: () => number;
  readonly renewAtLeader: (leaseId: string) => Promise<Renewed>;
  readonly status: () => Promise<MemberStatus>;
  readonly transfer: (targetId: string | undefined) => Promise<TransferResult>;
  /** Told of what must end the process (R95). */
  readonly fail: (error: unknown) => void;
  /** Told of damage that a read met (S7); by default the read alone fails. */
  readonly onDamage?: (error: StoreError) => void;
}

/** A store, and the way to end it. */
export interface AssembledStore {
  readonly store: ReplicatedStore;
  /** All of `term` so far is applied: for a proposer without elections. */
  begin(term: number): void;
  /** Ends everything that waits; nothing may be applied afterwards. */
  stop(): void;
}

/** How long a request may wait, given the election timeout. */
export function requestDeadlineMs(electionTimeoutMs: number): number {
  return REQUEST_TIMEOUT_MS + 2 * electionTimeoutMs;
}

/** Joins the parts. */
export function assembleStore(options: AssemblyOptions): AssembledStore {
  const { state, applier, proposer, clock, memberId, incarnation, electionTimeoutMs } = options;
  const { logger, fail } = options;
  const deadlineMs = requestDeadlineMs(electionTimeoutMs);
  const proposals = new PendingProposals({ proposer, clock, memberId, incarnation, deadlineMs });
  const reads = new LinearizableRead({
    proposer,
    clock,
    appliedIndex: () => state.applied().index,
    deadlineMs,
    roundTimeoutMs: electionTimeoutMs,
  });
  const feed = new WatchFeed(state, fail);
  const leases = new LeaseKeeper({
    clock,
    logger,
    proposer,
    electionTimeoutMs,
    deadlineMs,
    leases: () => state.leases(),
    revision: () => state.revision(),
    confirm: () => reads.confirm(),
    submit: (body, onlyInTerm) => proposals.submit(body, { onlyInTerm }),
    fail,
  });
  const store = new ReplicatedStore({
    state,
    proposals,
    reads,
    feed,
    leases,
    random: options.random.fork('leases'),
    leaseTtlSecondsMin: Math.ceil((1.5 * electionTimeoutMs) / 1_000),
    commitApplyGap: () => options.commitApplyGap(),
    onDamage: (error) => options.onDamage?.(error),
    renewAtLeader: (leaseId) => options.renewAtLeader(leaseId),
    status: () => options.status(),
    transfer: (targetId) => options.transfer(targetId),
  });
  attach(applier, { proposals, reads, feed, leases }, memberId, incarnation);
  const compactor = compactorOf(options, store);
  applier.start();
  return {
    store,
    begin: (term) => {
      proposals.termApplied(term);
      leases.termApplied(term);
    },
    stop: () => {
      compactor?.stop();
      leases.stop();
      proposals.stop();
      reads.stop();
      feed.stop();
    },
  };
}

function attach(
  applier: Applier,
  parts: {
    readonly proposals: PendingProposals;
    readonly reads: LinearizableRead;
    readonly feed: WatchFeed;
    readonly leases: LeaseKeeper;
  },
  memberId: string,
  incarnation: number,
): void {
  const { proposals, reads, feed, leases } = parts;
  applier.attach({
    onOutcome: (outcome) => feed.publish(outcome),
    onCommand: (command, result) => {
      leases.applied(command, result);
      const { requestId } = command;
      if (requestId.memberId !== memberId || requestId.incarnation !== incarnation) return;
      proposals.applied(requestId.counter, result);
    },
    onFencedOut: ({ requestId }, term) => {
      if (requestId.memberId !== memberId || requestId.incarnation !== incarnation) return;
      proposals.fencedOut(requestId.counter, term);
    },
    onTerm: (term) => {
      proposals.termApplied(term);
      leases.termApplied(term);
    },
    onApplied: (index) => reads.applied(index),
  });
}

function compactorOf(options: AssemblyOptions, store: ReplicatedStore): AutoCompactor | undefined {
  const { historyKeptMs, clock, logger, proposer, state, fail } = options;
  if (historyKeptMs === 0) return undefined;
  return new AutoCompactor({
    clock,
    keptMs: historyKeptMs,
    logger,
    isLeader: () => proposer.leadership().isLeader,
    revision: () => state.revision(),
    compactRevision: () => state.compactRevision(),
    compact: (revision) => store.compact(revision),
    fail,
  });
}
