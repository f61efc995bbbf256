/**
 * What must hold of Raft as an all-knowing observer sees it: one leader and one vote a term, terms
 * and indexes that never fall, the same entry at an index on all members for ever, applied once and
 * in order, new leaders that have everything committed. Knows messages and statuses by their shape
 * only and shares no code with what it watches.
 */
import { digestOf, type Complaints } from './complaints';

/** A message as far as it matters here. */
export interface SeenMessage {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly term: number;
  readonly isGranted?: boolean;
}

/** A status as far as it matters here. */
export interface SeenStatus {
  readonly id: string;
  readonly term: number;
  readonly role: string;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
}

/** An applied entry as far as it matters here. */
export interface SeenEntry {
  readonly index: number;
  readonly term: number;
}

const LEADER_ONLY = new Set(['appendEntries', 'heartbeat', 'installSnapshot', 'timeoutNow']);
/** What may be counted on: its term, vote and entries are durable before it leaves (R1, R2). */
const PROMISES = new Set(['requestVote', 'requestVoteResponse', 'appendEntriesResponse']);

interface Known {
  readonly term: number;
  readonly digest: number;
}

/** Sees everything, forgets nothing. */
export class RaftObserver {
  readonly #complaints: Complaints;
  readonly #leaders = new Map<number, string>();
  readonly #votes = new Map<string, string>();
  readonly #sent = new Map<string, SeenMessage>();
  readonly #statuses = new Map<string, SeenStatus>();
  readonly #entries = new Map<number, Known>();
  readonly #applied = new Map<string, number>();
  readonly #hashes = new Map<number, string>();

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** The last index that anybody applied. */
  lastApplied = 0;

  /** A message is about to leave its sender: what it says is durable (R1, R2). */
  sent(message: SeenMessage): void {
    const { kind, from, to, term } = message;
    if (LEADER_ONLY.has(kind)) this.#leads(from, term);
    if (kind === 'requestVote') this.#voted(from, from, term);
    if (kind === 'requestVoteResponse' && message.isGranted === true) this.#voted(from, to, term);
    if (!PROMISES.has(kind)) return;
    const before = this.#sent.get(from);
    if (before !== undefined && term < before.term) {
      const { kind: beforeKind, term: beforeTerm } = before;
      this.#complaints.add('a promised term never falls', { beforeKind, beforeTerm, message });
    }
    this.#sent.set(from, message);
  }

  /** A member started: what it had only in memory is forgotten. */
  started(id: string, appliedIndex: number): void {
    this.#statuses.delete(id);
    this.#applied.set(id, appliedIndex);
    if (appliedIndex > this.lastApplied) {
      this.#complaints.add('nobody has applied what nobody applied', { id, appliedIndex });
    }
  }

  /** Looks at a running member. */
  status(now: SeenStatus): void {
    const before = this.#statuses.get(now.id);
    for (const name of ['term', 'commitIndex', 'appliedIndex'] as const) {
      if (before !== undefined && now[name] < before[name]) {
        this.#complaints.add(`${name} never falls`, { before, now });
      }
    }
    this.#statuses.set(now.id, now);
    if (now.appliedIndex > now.commitIndex) {
      this.#complaints.add('only what is committed is applied', now);
    }
    const isNewLeader =
      now.role === 'leader' && (before?.role !== 'leader' || before.term !== now.term);
    if (!isNewLeader) return;
    this.#leads(now.id, now.term);
    const missing = this.#entries.get(now.lastIndex + 1);
    if (missing !== undefined && missing.term < now.term) {
      this.#complaints.add('a leader has every committed entry', { now, missing });
    }
  }

  /** A member has applied these, and this is its state now. */
  applied(id: string, entries: readonly SeenEntry[], stateHash: string): void {
    for (const entry of entries) {
      const previous = this.#applied.get(id) ?? 0;
      if (entry.index !== previous + 1) {
        this.#complaints.add('entries are applied once and in order', { id, previous, entry });
      }
      this.#applied.set(id, entry.index);
      const digest = digestOf(entry);
      const known = this.#entries.get(entry.index);
      if (known === undefined) this.#entries.set(entry.index, { term: entry.term, digest });
      else if (known.digest !== digest) {
        this.#complaints.add('a committed entry is the same everywhere, for ever', {
          ...{ id, index: entry.index, term: entry.term, knownTerm: known.term },
        });
      }
      this.lastApplied = Math.max(this.lastApplied, entry.index);
    }
    const last = entries.at(-1)?.index ?? 0;
    const hash = this.#hashes.get(last);
    if (hash === undefined) this.#hashes.set(last, stateHash);
    else if (hash !== stateHash) {
      this.#complaints.add('equal state at an equal applied index', { id, last, hash, stateHash });
    }
  }

  #leads(id: string, term: number): void {
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, id);
    else if (known !== id) this.#complaints.add('one leader a term', { term, known, id });
  }

  #voted(id: string, candidate: string, term: number): void {
    const key = `${id} ${term}`;
    const known = this.#votes.get(key);
    if (known === undefined) this.#votes.set(key, candidate);
    else if (known !== candidate) {
      this.#complaints.add('one vote a member and term', { id, term, known, candidate });
    }
  }
}
