/** `Proposer` over Raft: the same calls, with the store's failures in place of Raft's. */
import { isRaftError, type RaftError, type RaftNode } from '../../raft';
import { storeError, type StoreError } from '../errors';
import type { Leadership, Proposer } from './proposer';

/** Offers commands to a Raft group. */
export class RaftProposer implements Proposer {
  readonly #node: RaftNode;
  /** Raft gives one promise to all proposals of a turn; so does this. */
  #last: { readonly of: Promise<void>; readonly handedOver: Promise<void> } | undefined;

  constructor(node: RaftNode) {
    this.#node = node;
  }

  propose(command: Uint8Array): Promise<void> {
    const promise = this.#node.propose(command);
    if (this.#last?.of !== promise)
      this.#last = { of: promise, handedOver: promise.catch(rethrow) };
    return this.#last.handedOver;
  }

  readIndex(signal?: AbortSignal): Promise<number> {
    return this.#node.readIndex(signal).catch(rethrow);
  }

  leadership(): Leadership {
    return this.#node.leadership();
  }

  onLeadershipChange(tell: (leadership: Leadership) => void): () => void {
    return this.#node.onLeadershipChange(tell);
  }
}

function rethrow(error: unknown): never {
  throw isRaftError(error) ? toStoreError(error) : error;
}

function toStoreError(error: RaftError): StoreError {
  const { code, message } = error;
  switch (code) {
    case 'RAFT_NO_LEADER':
    case 'RAFT_NOT_LEADER':
    case 'RAFT_PROPOSAL_DROPPED':
    case 'RAFT_LEADER_CHANGED':
      return storeError(code, message, { cause: error });
    default:
      return storeError('STORE_STOPPED', message, { cause: error });
  }
}
