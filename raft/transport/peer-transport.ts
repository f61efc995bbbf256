/** `Transport` over `Network`. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import type { MemberId, Message } from '../core';
import type { WalIdentity } from '../wal/wal';
import type { PeerStatus, Transport, TransportReceiver } from './transport';

/** A member as its peers find it. */
export interface PeerOptions {
  readonly id: MemberId;
  /** `host:port` */
  readonly address: string;
  /** A DNS name that its certificate must carry; not looked at when the network is plain. */
  readonly name: string;
}

/** What a transport is made of. */
export interface PeerTransportOptions {
  readonly network: Network;
  /** Where this member listens, `host:port`. */
  readonly listenAddress: string;
  readonly identity: WalIdentity;
  /** All other members. */
  readonly peers: readonly PeerOptions[];
  /** Whether peers prove their names by certificates (T1). */
  readonly isMutuallyAuthenticated: boolean;
  /** Version of the store's records: members that differ do not talk. */
  readonly storeSchema: number;
  /** The longest wait before dialling again; at most the minimum election timeout (T8). */
  readonly reconnectMaxMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The production transport. */
export class PeerTransport implements Transport {
  constructor(_options: PeerTransportOptions) {
    unreachable('written next');
  }
  start(_receiver: TransportReceiver): Promise<void> {
    return unreachable('written next');
  }
  /** The address really bound, after `start`. */
  get address(): string {
    return unreachable('written next');
  }
  send(_messages: readonly Message[]): void {
    unreachable('written next');
  }
  peers(): readonly PeerStatus[] {
    return unreachable('written next');
  }
  close(): Promise<void> {
    return unreachable('written next');
  }
}
