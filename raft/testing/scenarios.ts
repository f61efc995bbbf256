/** Builders for scripted tests: members by number, logs by their terms, messages by their kind. */
import type { Entry, Index, MemberId, Message, MessageKind, Term } from '../core';
import type { InitialMember, MessageFilter } from './core-network';

/** A member id from a small number: readable, and in the order of the numbers. */
export function memberId(number: number): MemberId {
  return number.toString(16).padStart(16, '0') as MemberId;
}

/** Ids 1 to `count`. */
export function memberIds(count: number): readonly MemberId[] {
  return Array.from({ length: count }, (_, place) => memberId(place + 1));
}

/** An entry whose data says its place. */
export function entry(index: number, term: number, data = `${index}.${term}`): Entry {
  return { index: index as Index, term: term as Term, kind: 'normal', data: Buffer.from(data) };
}

/** Entries from index 1 on with the given terms. */
export function entriesByTerm(terms: readonly number[]): readonly Entry[] {
  return terms.map((term, place) => entry(place + 1, term));
}

/** A member that has a log with the given terms, and has seen `term`. */
export function memberWithLog(
  terms: readonly number[],
  options: { readonly term?: number; readonly commitIndex?: number; readonly vote?: MemberId } = {},
): InitialMember {
  return {
    entries: entriesByTerm(terms),
    hardState: {
      term: (options.term ?? terms.at(-1) ?? 0) as Term,
      vote: options.vote,
      commitIndex: (options.commitIndex ?? 0) as Index,
    },
  };
}

/** Messages of a kind, from and to whom it says. */
export function ofKind(
  kind: MessageKind | readonly MessageKind[],
  ends: { readonly from?: MemberId; readonly to?: MemberId } = {},
): MessageFilter {
  const kinds: readonly MessageKind[] = typeof kind === 'string' ? [kind] : kind;
  return (message: Message) =>
    kinds.includes(message.kind) &&
    (ends.from === undefined || message.from === ends.from) &&
    (ends.to === undefined || message.to === ends.to);
}
