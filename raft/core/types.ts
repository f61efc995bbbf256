/** The nouns of Raft (Ongaro's dissertation, §3) as the core, the log and the driver share them. */
import type { Brand } from '../../base/brand';

/** A leader's period of office; rises by elections only (§3.3). 0 before the first election. */
export type Term = Brand<number, 'Term'>;
/** A position in the log; the first entry has index 1. */
export type Index = Brand<number, 'Index'>;
/** A member: 16 hex digits, never used again after removal (R56). */
export type MemberId = Brand<string, 'MemberId'>;

/** A command (empty: a new leader's first entry), or a change of the membership. */
export type EntryKind = 'normal' | 'confChange';

/** One entry of the log. The data belongs to the log once proposed: nobody changes it. */
export interface Entry {
  readonly index: Index;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must be durable before any message that depends on it leaves (R1). */
export interface HardState {
  readonly term: Term;
  readonly vote: MemberId | undefined;
  readonly commitIndex: Index;
}

/** The roles of §3.3, and the one before candidacy (§9.6). */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What is not durable but worth telling. */
export interface SoftState {
  readonly role: Role;
  readonly leaderId: MemberId | undefined;
}

/** The membership as of some index. `votersOutgoing` is empty outside of joint consensus (§4.3). */
export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  readonly learnersNext: readonly MemberId[];
  readonly autoLeave: boolean;
}

/** What a snapshot stands for: everything up to and with `index` (§5.1). */
export interface SnapshotMeta {
  readonly index: Index;
  readonly term: Term;
  readonly confState: ConfState;
}

/** A configuration of voters only. */
export function simpleConfState(voters: readonly MemberId[]): ConfState {
  return { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}
