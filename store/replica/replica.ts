/**
 * One replica: Raft, the state and the wire, assembled from injected parts. Production, the
 * simulator and the tests run this same assembly; only what is injected differs.
 *
 *   peers   ─┐                ┌─ PeerTransport ─ RaftNode ─ Applier ─ StateStore ─ engine
 *            ├─ one address ──┤                     │          │
 *   clients ─┘                └─ KvServer ── ReplicatedStore ──┘
 */
import type { Clock } from '../../base/clock';
import { delay } from '../../base/clock';
import type { Disk } from '../../base/disk';
import type { FaultPoint } from '../../base/fault-point';
import { nullLogger, type Logger } from '../../base/logger';
import type { Listener, Network } from '../../base/network';
import type { Random } from '../../base/random';
import {
  openWal,
  PeerTransport,
  RAFT_DEFAULTS,
  RaftNode,
  type Index,
  type MemberId,
  type RaftSettings,
  type Wal,
} from '../../raft';
import type { KvEngine } from '../engine';
import type { MemberStatus, TransferResult } from '../kv';
import { SCHEMA_VERSION } from '../mvcc';
import { StateStore } from '../state';
import { KvServer, type ServedStore } from '../wire';
import { Applier } from './applier';
import { assembleStore, requestDeadlineMs, type AssembledStore } from './assemble-store';
import { ProposerHealth } from './leader-health';
import { LeaderLink } from './leader-link';
import { RaftProposer } from './raft-proposer';

/** A voter of the cluster, this one included. */
export interface ReplicaPeer {
  readonly memberId: string;
  /** The DNS name that its certificate carries. */
  readonly name: string;
  readonly address: string;
}

/** Who this replica is and how it behaves. */
export interface ReplicaConfig {
  readonly clusterId: string;
  readonly memberId: string;
  readonly name: string;
  /** Where it listens, for peers and clients alike. */
  readonly address: string;
  /** All voters, this one included, in the same order everywhere. */
  readonly peers: readonly ReplicaPeer[];
  /** Whether peers prove their names by certificates (T1). Default false: a plain network. */
  readonly isMutuallyAuthenticated?: boolean;
  /** Default `RAFT_DEFAULTS`. */
  readonly raft?: RaftSettings;
  /** How much history the compactor keeps; 0 turns it off. Default 5 min. */
  readonly historyKeptMs?: number;
  /** Size of a log segment; default of `raft/limits`. */
  readonly walSegmentBytes?: number;
  /** False refuses an empty log directory: this member had a log once (R66). Default true. */
  readonly isLogCreationAllowed?: boolean;
}

/** Everything a replica is made of. It closes none of these but what it opens itself. */
export interface ReplicaOptions {
  readonly config: ReplicaConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** The data directory; `wal/` in it belongs to the log. */
  readonly disk: Disk;
  readonly network: Network;
  readonly engine: KvEngine;
  readonly logger?: Logger;
  /** Steps of log, driver and state that tests interrupt. */
  readonly faults?: FaultPoint;
}

const HISTORY_KEPT_MS = 5 * 60 * 1_000;
const DRAIN_TIMEOUT_MS = 1_000;
/** How long clients that do not leave of their own accord may have something on its way. */
const DRAIN_GRACE_MS = 100;
/** The gap is looked up at most so often: each look copies Raft's state. */
const GAP_INTERVAL_MS = 20;

interface Parts {
  readonly clock: Clock;
  readonly electionTimeoutMs: number;
  readonly node: RaftNode;
  readonly transport: PeerTransport;
  readonly state: StateStore;
  readonly applier: Applier;
  readonly assembled: AssembledStore;
  readonly server: KvServer;
  readonly health: ProposerHealth;
  readonly link: LeaderLink;
  readonly failed: Promise<never>;
}

/** A running replica. */
export class Replica {
  /** This replica's store, called directly. */
  readonly kv: ServedStore;
  /** The address really bound. */
  readonly address: string;
  readonly #parts: Parts;
  readonly #listener: Listener;
  readonly #ended: Promise<void>;
  readonly #stop = new AbortController();
  #closing: Promise<void> | undefined;

  /** Opens log and state, listens, joins its peers. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { config, engine, faults } = options;
    const machine: { applier?: Applier } = {};
    const state = await StateStore.open({
      engine,
      clusterId: config.clusterId,
      // Without peers there is nobody to rebuild from (S6).
      syncEveryBatch: config.peers.length === 1,
      ...(faults !== undefined && { faults }),
      onApplied: (outcome) => machine.applier?.visible(outcome),
    });
    let wal: Wal | undefined;
    try {
      wal = await openLog(options, state);
      const parts = joinParts(options, { state, wal });
      machine.applier = parts.applier;
      const listener = await options.network.listen(config.address, (link, protocol) => {
        if (protocol === 'kv') return parts.server.accept(link);
        return protocol === 'raft' ? parts.transport.accept(link) : undefined;
      });
      return new Replica(parts, listener);
    } catch (error) {
      await wal?.close();
      await state.close();
      throw error;
    }
  }

  private constructor(parts: Parts, listener: Listener) {
    this.#parts = parts;
    this.#listener = listener;
    this.kv = parts.assembled.store;
    this.address = listener.address;
    this.#ended = Promise.race([parts.node.run(this.#stop.signal), parts.failed]);
    // Whoever calls run() gets the failure.
    this.#ended.catch(() => undefined);
  }

  /** This member as `keelson status` shows it. */
  status(): Promise<MemberStatus> {
    return this.kv.status();
  }

  /** Ends with the replica: resolves after `close`, rejects on what must end the process (R95). */
  async run(): Promise<void> {
    await this.#ended;
    await this.#closing;
  }

  /**
   * Hands leadership over, stops accepting, drains, flushes, closes. May be called twice. Clients
   * of this and of the other replicas only wait: no request fails (Raft §3.10).
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { server, health, link, applier, assembled, node, state, clock } = this.#parts;
    await this.#handOver();
    const drained = new AbortController();
    const grace = delay(clock, DRAIN_GRACE_MS, drained.signal);
    await Promise.race([server.drain(grace), delay(clock, DRAIN_TIMEOUT_MS, drained.signal)]);
    drained.abort();
    health.stop();
    applier.stop();
    assembled.stop();
    link.stop();
    server.close();
    this.#stop.abort();
    await node.close();
    await this.#listener.close();
    await state.close();
  }

  /** Before anything stops: an election by timeout would keep all clients waiting longer. */
  async #handOver(): Promise<void> {
    const { node, clock, electionTimeoutMs } = this.#parts;
    const isOver = new AbortController();
    const bound = delay(clock, electionTimeoutMs, isOver.signal);
    await Promise.race([node.transferLeadership(), bound]);
    isOver.abort();
  }
}

function openLog(options: ReplicaOptions, state: StateStore): Promise<Wal> {
  const { config, clock, random, disk, logger = nullLogger, faults } = options;
  const { clusterId, memberId, walSegmentBytes, isLogCreationAllowed } = config;
  return openWal({
    disk,
    directory: 'wal',
    clusterId,
    memberId,
    clock,
    random: random.fork('wal'),
    logger,
    durableAppliedIndex: state.durableAppliedIndex() as Index,
    ...(walSegmentBytes !== undefined && { segmentBytes: walSegmentBytes }),
    // Whoever applied something had a log, and its votes must not be forgotten (R66).
    isCreationAllowed: (isLogCreationAllowed ?? true) && state.applied().index === 0,
    ...(faults !== undefined && { faultPoint: faults }),
  });
}

interface Opened {
  readonly state: StateStore;
  readonly wal: Wal;
}

function joinParts(options: ReplicaOptions, opened: Opened): Parts {
  const { config, clock, random, network, logger = nullLogger } = options;
  const { state, wal } = opened;
  const settings = config.raft ?? RAFT_DEFAULTS;
  const electionTimeoutMs = settings.electionTimeoutTicks * settings.tickMs;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const applier = new Applier(state, fail);
  const transport = makeTransport(options, wal, settings);
  const node = makeNode({ options, wal, applier, settings, transport });
  const proposer = new RaftProposer(node);
  const link = new LeaderLink({
    network,
    clock,
    random: random.fork('leaderLink'),
    proposer,
    deadlineMs: requestDeadlineMs(electionTimeoutMs),
    addressOf: (memberId) => config.peers.find((peer) => peer.memberId === memberId)?.address,
    renewHere: (leaseId) => assembled.store.renewHere(leaseId),
  });
  const assembled = assembleStore({
    state,
    applier,
    proposer,
    clock,
    random: random.fork('store'),
    logger,
    memberId: config.memberId,
    incarnation: wal.identity.incarnation,
    electionTimeoutMs,
    historyKeptMs: config.historyKeptMs ?? HISTORY_KEPT_MS,
    commitApplyGap: gapReader(node, clock),
    renewAtLeader: (leaseId) => link.renew(leaseId),
    status: () => memberStatus(config, node, state),
    transfer: (targetId) => transferLeadership(node, targetId),
    fail,
    // Clients move on to another member, if there is one.
    ...(config.peers.length > 1 && { onDamage: fail }),
  });
  const health = new ProposerHealth(proposer, clock, electionTimeoutMs);
  const { clusterId, memberId } = config;
  const server = new KvServer({ store: assembled.store, clusterId, memberId, health, logger });
  const ends = { server, health, link, failed };
  return { clock, electionTimeoutMs, node, transport, state, applier, assembled, ...ends };
}

function makeTransport(
  { config, network, clock, random, logger = nullLogger }: ReplicaOptions,
  wal: Wal,
  settings: RaftSettings,
): PeerTransport {
  return new PeerTransport({
    network,
    // The address is shared with clients, so the listener is ours.
    listenAddress: undefined,
    identity: wal.identity,
    peers: config.peers.map(({ memberId, name, address }) => ({
      id: memberId as MemberId,
      name,
      address,
    })),
    isMutuallyAuthenticated: config.isMutuallyAuthenticated ?? false,
    storeSchema: SCHEMA_VERSION,
    reconnectMaxMs: settings.electionTimeoutTicks * settings.tickMs,
    clock,
    random: random.fork('transport'),
    logger,
  });
}

function makeNode(parts: {
  readonly options: ReplicaOptions;
  readonly wal: Wal;
  readonly applier: Applier;
  readonly settings: RaftSettings;
  readonly transport: PeerTransport;
}): RaftNode {
  const { config, clock, random, logger = nullLogger, faults } = parts.options;
  const { wal, applier, settings, transport } = parts;
  return new RaftNode({
    memberId: config.memberId as MemberId,
    initialVoters: config.peers.map(({ memberId }) => memberId as MemberId),
    settings,
    wal,
    transport,
    stateMachine: applier,
    clock,
    random: random.fork('raft'),
    logger,
    ...(faults !== undefined && { faultPoint: faults }),
  });
}

/** Entries committed and not applied, looked up now and then (S53). */
function gapReader(node: RaftNode, clock: Clock): () => number {
  let atMs = Number.NEGATIVE_INFINITY;
  let gap = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - atMs >= GAP_INTERVAL_MS) {
      atMs = nowMs;
      const { commitIndex, appliedIndex } = node.status();
      gap = commitIndex - appliedIndex;
    }
    return gap;
  };
}

async function transferLeadership(
  node: RaftNode,
  targetId: string | undefined,
): Promise<TransferResult> {
  const outcome = await node.transferLeadership(targetId as MemberId | undefined);
  const { leaderId, term } = node.leadership();
  if (outcome.kind !== 'done') return { reason: outcome.reason, leaderId, term };
  return { reason: undefined, leaderId: outcome.leaderId, term: outcome.term };
}

async function memberStatus(
  { name, memberId, clusterId, address }: ReplicaConfig,
  node: RaftNode,
  state: StateStore,
): Promise<MemberStatus> {
  const databaseBytes = await state.sizeBytes();
  const { role, leaderId, term, commitIndex, appliedIndex, confState } = node.status();
  return {
    name,
    memberId,
    clusterId,
    role: confState.learners.includes(memberId as MemberId) ? 'learner' : role,
    leaderId,
    term,
    commitIndex,
    appliedIndex,
    revision: state.revision(),
    databaseBytes,
    address,
  };
}
