/**
 * A store without a log, in one process: the embedded mode, and what tests of other layers stand
 * on. The same code as a replica's, with `LocalProposer` in place of Raft.
 */
import type { Clock } from '../../base/clock';
import { nullLogger, type Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import type { KvEngine } from '../engine';
import { StateStore } from '../state';
import type { ServedStore } from '../wire';
import { Applier } from './applier';
import { assembleStore } from './assemble-store';
import { LocalProposer } from './local-proposer';

/** What a local store is made of; the engine stays its owner's. */
export interface LocalStoreOptions {
  readonly engine: KvEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  readonly clusterId?: string;
  readonly memberId?: string;
  /** How much history is kept; 0 (the default) keeps all. */
  readonly historyKeptMs?: number;
  /** Told of what must end the process (R95); throws it by default. */
  readonly fail?: (error: unknown) => void;
}

/** A running local store. */
export interface LocalStore {
  readonly kv: ServedStore;
  readonly state: StateStore;
  /** Ends all waits and watches, and flushes. */
  close(): Promise<void>;
}

/** There are no elections; leases still have a shortest time. */
const ELECTION_TIMEOUT_MS = 500;
const LOCAL_ID = '0000000000000001';

/** Opens a store on `engine`. */
export async function openLocalStore(options: LocalStoreOptions): Promise<LocalStore> {
  const { engine, clock, random, logger = nullLogger } = options;
  const { clusterId = LOCAL_ID, memberId = LOCAL_ID, historyKeptMs = 0 } = options;
  const fail = options.fail ?? rethrow;
  const state = await StateStore.open({
    engine,
    clusterId,
    onApplied: (outcome) => applier.visible(outcome),
  });
  const applier = new Applier(state, fail);
  const proposer = new LocalProposer(memberId, fail);
  const assembled = assembleStore({
    state,
    applier,
    proposer,
    clock,
    random,
    logger,
    memberId,
    incarnation: 1,
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
    historyKeptMs,
    commitApplyGap: () => 0,
    renewAtLeader: (leaseId) => assembled.store.renewHere(leaseId),
    status: async () => ({
      name: 'local',
      memberId,
      clusterId,
      role: 'leader',
      leaderId: memberId,
      term: proposer.leadership().term,
      commitIndex: state.applied().index,
      appliedIndex: state.applied().index,
      revision: state.revision(),
      databaseBytes: await state.sizeBytes(),
      address: '',
    }),
    transfer: () =>
      Promise.resolve({
        reason: 'noTarget',
        leaderId: memberId,
        term: proposer.leadership().term,
      }),
    fail,
  });
  proposer.attach(applier);
  assembled.begin(proposer.leadership().term);
  return {
    kv: assembled.store,
    state,
    close: async () => {
      applier.stop();
      assembled.stop();
      await state.close();
    },
  };
}

function rethrow(error: unknown): never {
  throw error;
}
