/** `TxnKv` over the network. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import type { MemberStatus, TxnKv } from '../kv';

/** What a client is made of. */
export interface KvClientOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** Addresses of replicas, any of them will do; `host:port`. */
  readonly endpoints: readonly string[];
  readonly logger?: Logger;
  /** How long a request may take, fail-over included. Default 10 s. */
  readonly requestTimeoutMs?: number;
}

/** What one endpoint said, or why it did not. */
export type EndpointStatus = { readonly address: string } & (
  | { readonly reachable: true; readonly status: MemberStatus }
  | { readonly reachable: false; readonly reason: string }
);

/** A client: `TxnKv`, and what only somebody with several endpoints can do. */
export interface KvClient extends TxnKv {
  /** Asks every endpoint, each on a connection of its own, in the order of the endpoints. */
  endpointStatus(timeoutMs?: number): Promise<readonly EndpointStatus[]>;
  /** Ends the connection, all requests and all watches. May be called twice. */
  close(): void;
}

/** Makes a client; it connects at its first request and stays connected. */
export function createKvClient(_options: KvClientOptions): KvClient {
  return unreachable('being written');
}
