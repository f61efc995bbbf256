/**
 * What no schedule may break, seen from outside of the members (Raft figure 3.2): election safety,
 * log matching, leader completeness, state-machine safety, linearizable reads; and that nothing
 * leaves a member before it is durable (R1, R2). Knows the cores only by what they send and apply.
 */
import { InvariantError } from '../../base/assert';
import type { Entry, Index, MemberId, Message, ReadState, Term } from '../core';
import type { CoreMember, CoreObserver } from './core-member';

/** How often the interesting things happened: a run that reaches none of them shows nothing. */
export interface CheckCounts {
  leaders: number;
  applied: number;
  readsConfirmed: number;
  readsEnded: number;
}

/** Watches all members of one cluster. */
export class CoreChecker implements CoreObserver {
  readonly counts: CheckCounts = { leaders: 0, applied: 0, readsConfirmed: 0, readsEnded: 0 };
  readonly #leaders = new Map<Term, MemberId>();
  /** Index - 1 to what was applied there first. */
  readonly #committed: Entry[] = [];
  /** By read: the highest index that anybody had applied when it was asked. */
  readonly #reads = new Map<string, Index>();

  /** Everything that was ever applied by somebody. */
  get committed(): readonly Entry[] {
    return this.#committed;
  }

  /** To be called after each event of a member. */
  check(member: CoreMember): void {
    if (!member.isUp) return;
    const status = member.node.status();
    if (status.role !== 'leader') return;
    const known = this.#leaders.get(status.term);
    if (known === member.id) return;
    must(known === undefined, 'election safety: a term has one leader', {
      term: status.term,
      known,
      second: member.id,
    });
    this.#leaders.set(status.term, member.id);
    this.counts.leaders += 1;
    for (const entry of this.#committed) {
      must(
        entry.term > status.term || member.node.termAt(entry.index) === entry.term,
        'leader completeness: a leader has all that is committed',
        { leader: member.id, term: status.term, index: entry.index },
      );
    }
  }

  /** Log matching: the same index and term mean the same log up to there. */
  checkLogs(members: readonly CoreMember[]): void {
    const up = members.filter((member) => member.isUp);
    for (const member of up) member.node.verify();
    for (const a of up) {
      for (const b of up) if (a.id < b.id) checkMatching(a, b);
    }
  }

  /** A read was asked: what is applied anywhere by now must be seen by it. */
  onAsked(
    member: CoreMember,
    key: { readonly incarnation: number; readonly counter: number },
  ): void {
    this.#reads.set(readName(member, key), this.#committed.length as Index);
  }

  onApplied(member: CoreMember, entry: Entry): void {
    this.counts.applied += 1;
    const known = this.#committed[entry.index - 1];
    if (known === undefined) {
      must(entry.index === this.#committed.length + 1, 'the log is committed without gaps', {
        index: entry.index,
      });
      this.#committed.push(entry);
      return;
    }
    must(
      known.term === entry.term && Buffer.compare(known.data, entry.data) === 0,
      'state-machine safety: an index has one entry',
      { member: member.id, index: entry.index, term: entry.term, knownTerm: known.term },
    );
  }

  onRead(member: CoreMember, read: ReadState): void {
    const name = readName(member, read.key);
    const seen = this.#reads.get(name);
    must(seen !== undefined, 'a read that was asked ends, once', { name });
    this.#reads.delete(name);
    if (read.kind === 'leaderChanged') {
      this.counts.readsEnded += 1;
      return;
    }
    this.counts.readsConfirmed += 1;
    must(read.index >= seen, 'a read sees all that was acknowledged before it (R80, R81)', {
      name,
      index: read.index,
      acknowledged: seen,
    });
  }

  onSend(member: CoreMember, message: Message): void {
    const stored = member.durableHardState;
    const storedTerm = stored?.term ?? 0;
    const values = { from: message.from, kind: message.kind, term: message.term, storedTerm };
    // One Ready may hold answers of several terms, if they passed within one turn.
    const isTermStored = storedTerm >= message.term;
    switch (message.kind) {
      case 'requestVote':
      case 'appendEntries':
      case 'heartbeat':
        must(isTermStored, 'who acts in a term has stored it (R1)', values);
        break;
      case 'requestVoteResponse':
        must(isTermStored, 'a vote leaves when its term is durable (R1)', values);
        if (message.isGranted && storedTerm === message.term) {
          must(stored?.vote === message.to, 'a vote leaves when it is durable (R1)', values);
        }
        break;
      case 'appendEntriesResponse':
        must(isTermStored, 'an answer leaves when its term is durable (R1)', values);
        if (message.result.kind === 'accepted' && storedTerm === message.term) {
          const { matchIndex } = message.result;
          must(member.log.lastIndex() >= matchIndex, 'what is acknowledged is durable (R1)', {
            ...values,
            matchIndex,
          });
        }
        break;
      default:
        break;
    }
  }
}

function readName(
  member: CoreMember,
  key: { readonly incarnation: number; readonly counter: number },
): string {
  return `${member.id}/${key.incarnation}/${key.counter}`;
}

function checkMatching(a: CoreMember, b: CoreMember): void {
  let index = Math.min(a.node.status().lastIndex, b.node.status().lastIndex) as Index;
  while (index > 0 && a.node.termAt(index) !== b.node.termAt(index)) index = (index - 1) as Index;
  for (let below = index; below > 0; below = (below - 1) as Index) {
    must(a.node.termAt(below) === b.node.termAt(below), 'log matching', {
      a: a.id,
      b: b.id,
      index: below,
      agreeAt: index,
    });
  }
}

function must(holds: boolean, what: string, values: Record<string, unknown>): asserts holds {
  if (!holds) throw new InvariantError(what, values);
}
