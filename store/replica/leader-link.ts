/**
 * Asks the leader for what only it can answer: the renewal of a lease, whose clock runs there
 * alone. It goes over the wire that clients use, marked so that it is not passed on again.
 */
import { delay, type Clock } from '../../base/clock';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import { isStoreError, storeError } from '../errors';
import { createKvClient, type KvClient } from '../wire';
import type { Renewed } from './lease-keeper';
import type { Proposer } from './proposer';

/** What a link is made of. */
export interface LeaderLinkOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly proposer: Proposer;
  readonly deadlineMs: number;
  /** Where a member listens; undefined for one that is not known. */
  readonly addressOf: (memberId: string) => string | undefined;
  /** This member leads by now: it answers itself. */
  readonly renewHere: (leaseId: string) => Promise<Renewed>;
}

const ATTEMPT_TIMEOUT_MS = 1_000;
const RETRY_DELAY_MS = 50;

/** A connection to whoever leads. */
export class LeaderLink {
  readonly #options: LeaderLinkOptions;
  #client: { readonly address: string; readonly kv: KvClient } | undefined;
  #isStopped = false;

  constructor(options: LeaderLinkOptions) {
    this.#options = options;
  }

  /** Renews a lease, through changes of leader. */
  async renew(leaseId: string): Promise<Renewed> {
    const { clock, deadlineMs } = this.#options;
    const giveUpMs = clock.monotonicMs() + deadlineMs;
    for (;;) {
      try {
        return await this.#attempt(leaseId);
      } catch (error) {
        const isOver = clock.monotonicMs() >= giveUpMs || this.#isStopped;
        if (isOver || !isStoreError(error) || !error.retriable) throw error;
      }
      await delay(clock, RETRY_DELAY_MS);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#client?.kv.close();
  }

  #attempt(leaseId: string): Promise<Renewed> {
    const { proposer, addressOf, renewHere } = this.#options;
    const { leaderId, isLeader } = proposer.leadership();
    if (isLeader) return renewHere(leaseId);
    const address = leaderId === undefined ? undefined : addressOf(leaderId);
    if (address === undefined || this.#isStopped) {
      const message = `Cannot renew lease ${leaseId} as no leader is known`;
      return Promise.reject(storeError('RAFT_NO_LEADER', message));
    }
    return this.#clientFor(address).renewHere(leaseId);
  }

  #clientFor(address: string): KvClient {
    if (this.#client?.address === address) return this.#client.kv;
    this.#client?.kv.close();
    const { network, clock, random } = this.#options;
    const kv = createKvClient({
      network,
      clock,
      random,
      endpoints: [address],
      requestTimeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    this.#client = { address, kv };
    return kv;
  }
}
