/**
 * Who may talk to this member (T1, T2; R66). Each check has a close code of its own, so that the
 * other end can say what is wrong; the certificate is looked at here and nowhere else.
 */
import type { MemberId } from '../core';
import type { WalIdentity } from '../wal';
import { PROTOCOL_VERSIONS, type Hello } from './codec';

/** Why links between members end: WebSocket codes of the range for applications. */
export const CLOSE_CODES = {
  /** This end stops. */
  stopping: 4000,
  /** A frame cannot be decoded, or says what its sender may not say (R93, T6). */
  frameInvalid: 4001,
  /** No common protocol version. */
  version: 4002,
  /** Another cluster. */
  cluster: 4003,
  /** The sender is no member that this end knows. */
  unknownMember: 4004,
  /** The sender meant to reach another member than this one. */
  otherMember: 4005,
  /** The member has another log than at first contact: it was wiped (R66). */
  otherLog: 4006,
  /** The member counts fewer starts than before: it runs on an old copy of its log (R66). */
  oldIncarnation: 4007,
  /** The certificate does not name the member. */
  certificate: 4008,
  /** The store's records have another version. */
  storeSchema: 4009,
  /** A newer link of the same member took its place. */
  replaced: 4010,
  /** No hello came in time. */
  helloTimeout: 4011,
} as const;

/** Why a hello is refused. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** What is remembered of a member since first contact. */
export interface KnownPeer {
  readonly id: MemberId;
  readonly name: string;
  logId: string | undefined;
  incarnation: number;
}

/** This member's side of a hello. */
export interface OwnSide {
  readonly identity: WalIdentity;
  readonly storeSchema: number;
  readonly isMutuallyAuthenticated: boolean;
}

/** The hello for the member `peerId`. */
export function helloTo(peerId: string, own: OwnSide): Hello {
  return {
    versionMin: PROTOCOL_VERSIONS.min,
    versionMax: PROTOCOL_VERSIONS.max,
    clusterId: own.identity.clusterId,
    memberId: own.identity.memberId,
    expectedPeerId: peerId,
    logId: own.identity.logId,
    incarnation: own.identity.incarnation,
    storeSchema: own.storeSchema,
  };
}

/**
 * Checks a hello; `peer` is the member that it must come from, undefined if it is none of ours.
 * An accepted one is remembered: log id and incarnation must never go back.
 */
export function checkHello(
  hello: Hello,
  peer: KnownPeer | undefined,
  own: OwnSide,
  peerNames: readonly string[],
): Refusal | undefined {
  const refuse = (code: number, condition: string, received: string): Refusal => ({
    code,
    message: `Cannot talk as ${condition}: received ${received}`,
  });
  if (hello.versionMin > PROTOCOL_VERSIONS.max || hello.versionMax < PROTOCOL_VERSIONS.min) {
    const range = `${String(hello.versionMin)}..${String(hello.versionMax)}`;
    return refuse(CLOSE_CODES.version, 'no protocol version is common', range);
  }
  if (hello.clusterId !== own.identity.clusterId) {
    return refuse(CLOSE_CODES.cluster, 'the cluster differs', hello.clusterId);
  }
  if (peer?.id !== hello.memberId) {
    return refuse(CLOSE_CODES.unknownMember, 'the member is not the expected one', hello.memberId);
  }
  if (hello.expectedPeerId !== own.identity.memberId) {
    const condition = `this is member ${own.identity.memberId}`;
    return refuse(CLOSE_CODES.otherMember, condition, hello.expectedPeerId);
  }
  if (own.isMutuallyAuthenticated && !peerNames.includes(peer.name)) {
    const names = peerNames.join(',') || 'none';
    return refuse(CLOSE_CODES.certificate, `the certificate does not name ${peer.name}`, names);
  }
  if (hello.storeSchema !== own.storeSchema) {
    const received = String(hello.storeSchema);
    return refuse(CLOSE_CODES.storeSchema, 'the version of the store differs', received);
  }
  if (peer.logId !== undefined && peer.logId !== hello.logId) {
    const condition = `the log of the member was ${peer.logId}: was it wiped?`;
    return refuse(CLOSE_CODES.otherLog, condition, hello.logId);
  }
  if (hello.incarnation < peer.incarnation) {
    const condition = `the member had already started ${String(peer.incarnation)} times`;
    return refuse(CLOSE_CODES.oldIncarnation, condition, String(hello.incarnation));
  }
  peer.logId = hello.logId;
  peer.incarnation = hello.incarnation;
  return undefined;
}
