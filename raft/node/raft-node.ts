/**
 * One member of a Raft group: the loop that feeds a `RawNode` and carries out its Readys.
 *
 *   propose, readIndex, frames, ticks, durable writes, applied entries
 *        └─> a turn: core -> Ready -> transport (at once)
 *                                  -> append pipeline -> log -> messages that had to wait
 *                                  -> apply pipeline  -> state machine
 *
 * A turn runs in a microtask after whatever caused it, so an idle member answers at once and one
 * under load does many things in one turn. Proposals that arrive while the disk works wait for it:
 * they share the next append and the next sync (Raft §10.2.2), and wait a tick at most.
 *
 * Anything that throws or rejects here ends the node, and its owner must end the process (R61,
 * R95): silent continuation is divergence.
 */
import type { Clock } from '../../base/clock';
import { noFaults, type FaultPoint } from '../../base/fault-point';
import type { Logger } from '../../base/logger';
import { mark } from '../../base/mark';
import type { Random } from '../../base/random';
import {
  RawNode,
  simpleConfState,
  type Index,
  type MemberId,
  type Message,
  type RaftSettings,
  type RaftStatus,
  type Ready,
} from '../core';
import { raftError, type RaftError } from '../errors';
import type { PeerStatus, Transport } from '../transport';
import type { Wal } from '../wal';
import { AppendPipeline } from './append-pipeline';
import { ApplyPipeline } from './apply-pipeline';
import { LeadershipWatch, type Leadership } from './leadership';
import { PendingProposals } from './proposals';
import { PendingReads } from './reads';
import { DEFAULT_LOG_RETENTION, releasableIndex, type LogRetention } from './retention';
import { checkStart } from './start-rule';
import type { StateMachine } from './state-machine';
import { Ticker } from './ticker';
import { PendingTransfers, type TransferOutcome } from './transfers';

/** What a member is made of. */
export interface RaftNodeOptions {
  readonly memberId: MemberId;
  /** The voters of a new cluster: used while the state machine knows no configuration. */
  readonly initialVoters: readonly MemberId[];
  readonly settings: RaftSettings;
  /** Opened for this member; the node closes it. */
  readonly wal: Wal;
  /** The node starts and closes it. */
  readonly transport: Transport;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default {@link DEFAULT_LOG_RETENTION}. */
  readonly retention?: LogRetention;
  /** Called with `raftBeforeTurn`; must not wait. */
  readonly faultPoint?: FaultPoint;
}

/** What a member tells about itself. */
export interface RaftNodeStatus extends RaftStatus {
  readonly firstIndex: Index;
  readonly peers: readonly PeerStatus[];
}

const SETTLED = Promise.resolve();

/** The driver. */
export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #core: RawNode;
  readonly #append: AppendPipeline;
  readonly #apply: ApplyPipeline;
  readonly #proposals: PendingProposals;
  readonly #reads: PendingReads;
  readonly #transfers: PendingTransfers;
  readonly #leadership: LeadershipWatch;
  readonly #runTurn: () => void;
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #outbox: Message[] = [];
  #isTurnDue = false;
  #state: 'created' | 'running' | 'closed' = 'created';
  #ticker: Ticker | undefined;
  #closing: Promise<void> | undefined;

  /** Throws if the state machine and the log do not belong together (R44). */
  constructor(options: RaftNodeOptions) {
    const { memberId, wal, stateMachine, settings, random } = options;
    const applied = stateMachine.applied();
    checkStart(applied, wal.log);
    const confState =
      applied.confState.voters.length > 0
        ? applied.confState
        : simpleConfState(options.initialVoters);
    wal.log.setConfState(confState);
    this.#options = options;
    this.#core = new RawNode({
      config: { ...settings, id: memberId, incarnation: wal.identity.incarnation },
      log: wal.log,
      random,
      appliedIndex: applied.index,
    });
    this.#append = new AppendPipeline({
      memberId,
      core: this.#core,
      wal,
      release: (messages) => {
        this.#queue(messages);
        this.#scheduleTurn();
      },
    });
    this.#apply = new ApplyPipeline({
      stateMachine,
      confState,
      onApplied: (index) => this.#onApplied(index),
      onFailure: (error) => this.#fail(error),
    });
    this.#proposals = new PendingProposals(settings.maxUncommittedBytes);
    this.#reads = new PendingReads(settings.electionTimeoutTicks);
    // The transfer has one election timeout, an election that follows a failed one up to two.
    this.#transfers = new PendingTransfers(memberId, 3 * settings.electionTimeoutTicks);
    this.#leadership = new LeadershipWatch(wal.log.initialState().hardState?.term ?? 0);
    this.#runTurn = () => this.#turn();
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = (error) => {
        this.#state = 'closed';
        reject(error instanceof Error ? error : new Error(String(error)));
      };
    });
    // Whoever runs the node gets the failure; before and after there is nobody to tell.
    this.#failed.catch(() => undefined);
    void wal.whenFailed.then((cause) => {
      const message = 'Cannot go on as a write of the log failed: its pages are not trusted';
      this.#fail(raftError('RAFT_LOG_WRITE_FAILED', message, { cause }));
    });
  }

  /**
   * Runs until `signal` aborts (then resolves, closed) or something fails: then it rejects, and the
   * owner must end the process (R61, R95).
   */
  async run(signal: AbortSignal): Promise<void> {
    const { transport, clock, settings, logger } = this.#options;
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      if (this.#state !== 'created' || signal.aborted) return;
      this.#state = 'running';
      await transport.start({
        receive: (messages) => this.#receive(messages),
        reportUnreachable: (id) => this.#core.reportUnreachable(id),
      });
      const electionMs = settings.electionTimeoutTicks * settings.tickMs;
      this.#ticker = new Ticker({
        clock,
        tickMs: settings.tickMs,
        // Half a minimum election timeout: late timers are made up, stalls are not (R92).
        catchUpTicksMax: Math.max(1, Math.floor(settings.electionTimeoutTicks / 2)),
        stallMs: electionMs / 2,
        onTick: (ticks) => this.#tick(ticks),
        onStall: (ms) => {
          mark('raftLoopStalled');
          logger.warn('the event loop was stalled', { ms: Math.round(ms) });
        },
      });
      this.#scheduleTurn();
      await Promise.race([aborted, this.#failed]);
    } finally {
      await this.close();
    }
  }

  /**
   * Offers data to the log, here or at the leader. Resolves when handed over, which says nothing
   * about its commit; rejects with `RAFT_NO_LEADER`, `RAFT_NOT_LEADER`, `RAFT_PROPOSAL_DROPPED` or
   * `RAFT_STOPPED` if it certainly was not. The data belongs to the log from now on.
   */
  propose(data: Uint8Array): Promise<void> {
    if (this.#state !== 'running') return Promise.reject(stopped());
    const handedOver = this.#proposals.add(data);
    if (!this.#options.wal.isSyncing) this.#scheduleTurn();
    return handedOver;
  }

  /**
   * An index that covers every write acknowledged before the call (Raft §6.4); the caller waits
   * until it is applied. Rejects with `RAFT_LEADER_CHANGED` or `RAFT_NO_LEADER`: ask again; with
   * the signal's reason if it aborts.
   */
  readIndex(signal?: AbortSignal): Promise<Index> {
    if (this.#state !== 'running') return Promise.reject(stopped());
    const index = this.#reads.add(signal);
    this.#scheduleTurn();
    return index;
  }

  /**
   * Hands leadership to `targetId`, by default to the most up-to-date active voter (R12). Proposals
   * are dropped meanwhile; ends with another leader, or after an election timeout as before.
   */
  transferLeadership(targetId?: MemberId): Promise<TransferOutcome> {
    if (this.#state !== 'running') return Promise.resolve({ kind: 'aborted', reason: 'stopped' });
    try {
      // What was proposed before still goes ahead of the transfer.
      if (!this.#proposals.isEmpty) this.#flushProposals();
      const outcome = this.#transfers.add(this.#core.transferLeadership(targetId));
      this.#scheduleTurn();
      return outcome;
    } catch (error) {
      this.#fail(error);
      return Promise.resolve({ kind: 'aborted', reason: 'stopped' });
    }
  }

  /** Who leads, as far as this member knows. */
  leadership(): Leadership {
    return this.#leadership.current;
  }

  /** Tells each change of term, role or leader; returns the way to stop. */
  onLeadershipChange(tell: (leadership: Leadership) => void): () => void {
    return this.#leadership.watch(tell);
  }

  status(): RaftNodeStatus {
    const { wal, transport } = this.#options;
    return { ...this.#core.status(), firstIndex: wal.log.firstIndex(), peers: transport.peers() };
  }

  /** Ends the loop, the transport and the log. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { transport, wal } = this.#options;
    this.#state = 'closed';
    this.#ticker?.stop();
    this.#proposals.rejectAll(stopped());
    this.#reads.rejectAll(stopped());
    this.#transfers.stop();
    await transport.close();
    await this.#apply.stop();
    await wal.close();
  }

  #scheduleTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    void SETTLED.then(this.#runTurn);
  }

  #turn(): void {
    this.#isTurnDue = false;
    if (this.#state !== 'running') return;
    try {
      void (this.#options.faultPoint ?? noFaults)('raftBeforeTurn');
      if (!this.#proposals.isEmpty && !this.#options.wal.isSyncing) this.#flushProposals();
      this.#reads.ask(() => this.#core.readIndex());
      while (this.#core.hasReady) this.#carryOut(this.#core.ready());
      this.#flushOutbox();
      if (!this.#transfers.isEmpty) this.#checkTransfers();
    } catch (error) {
      this.#fail(error);
    }
  }

  #carryOut(ready: Ready): void {
    if (ready.hardState !== undefined || ready.softState !== undefined) {
      this.#leadership.update(ready.hardState?.term, ready.softState);
    }
    for (const state of ready.readStates) this.#reads.settle(state);
    this.#queue(ready.messages);
    this.#append.push(ready);
    this.#apply.push(ready.committedEntries);
  }

  #checkTransfers(): void {
    this.#transfers.check(this.#leadership.current, this.#core.transferTargetId);
  }

  #queue(messages: readonly Message[]): void {
    for (const message of messages) this.#outbox.push(message);
  }

  #flushOutbox(): void {
    if (this.#outbox.length === 0) return;
    const messages = this.#outbox;
    this.#outbox = [];
    this.#options.transport.send(messages);
  }

  #flushProposals(): void {
    this.#proposals.flush((proposals) => this.#core.propose(proposals));
  }

  #receive(messages: readonly Message[]): void {
    if (this.#state !== 'running') return;
    try {
      for (const message of messages) this.#core.step(message);
      this.#scheduleTurn();
    } catch (error) {
      this.#fail(error);
    }
  }

  #tick(ticks: number): void {
    try {
      for (let i = 0; i < ticks; i++) this.#core.tick();
      // A stuck disk must not keep proposals from the other members (R28).
      if (!this.#proposals.isEmpty) this.#flushProposals();
      this.#reads.tick(ticks, () => this.#core.readIndex());
      this.#transfers.tick(ticks);
      if (this.#core.hasReady || !this.#transfers.isEmpty) this.#scheduleTurn();
    } catch (error) {
      this.#fail(error);
    }
  }

  #onApplied(index: Index): void {
    const { stateMachine, wal, retention } = this.#options;
    this.#core.storageApplied(index);
    this.#scheduleTurn();
    const { log } = wal;
    const released = releasableIndex(
      {
        firstIndex: log.firstIndex(),
        lastIndex: log.lastIndex(),
        dataBytes: log.dataBytes,
        durableAppliedIndex: stateMachine.durableAppliedIndex(),
      },
      retention ?? DEFAULT_LOG_RETENTION,
    );
    if (released === undefined) return;
    wal.releaseUpTo(released).catch((error: unknown) => this.#fail(error));
  }
}

function stopped(): RaftError {
  return raftError('RAFT_STOPPED', 'Cannot ask Raft as this member is not running');
}
