/**
 * The all-knowing log of events: what the first member to apply a revision made of it. Every other
 * member must make the same of it, for ever; every watch must deliver exactly this, in order and
 * once; every read of a past state must find it (S31, S32, S50).
 */
import { digestOf, type Complaints } from './complaints';
import type { KeyState, WatchedEvent } from './revision-order';

/** Which keys a watch wants. */
export type KeyFilter = (key: string) => boolean;

/** All events by revision. */
export class TrueHistory {
  readonly #complaints: Complaints;
  readonly #byRevision = new Map<number, readonly WatchedEvent[]>();
  readonly #digests = new Map<number, number>();
  readonly #keys = new Map<string, { revision: number; state: KeyState | undefined }[]>();
  /** Digest of all revisions; part of the digest of a run. */
  digest = 0;
  revision = 1;

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  /** All events in order. */
  events(): WatchedEvent[] {
    return [...this.#byRevision.values()].flat();
  }

  /** A member made `events` of `revision`. */
  learn(member: string, revision: number, events: readonly WatchedEvent[]): void {
    const digest = digestOf(events);
    const known = this.#digests.get(revision);
    if (known !== undefined) {
      if (known === digest) return;
      this.#complaints.add('a revision is the same everywhere, for ever', { member, revision });
      return;
    }
    if (revision !== this.revision + 1) {
      this.#complaints.add('a revision rises by one', { member, revision, last: this.revision });
    }
    this.revision = revision;
    this.digest = digestOf(digest, this.digest);
    this.#digests.set(revision, digest);
    this.#byRevision.set(revision, events);
    for (const { key, state } of events) {
      const steps = this.#keys.get(key) ?? [];
      steps.push({ revision, state });
      this.#keys.set(key, steps);
    }
  }

  /** What a key was at a revision. */
  stateAt(key: string, revision: number): KeyState | undefined {
    return this.#keys.get(key)?.findLast((step) => step.revision <= revision)?.state;
  }

  /** All keys that exist at a revision. */
  keysAt(revision: number): Map<string, KeyState> {
    const found = new Map<string, KeyState>();
    for (const key of this.#keys.keys()) {
      const state = this.stateAt(key, revision);
      if (state !== undefined) found.set(key, state);
    }
    return found;
  }

  /** A client was told that this was the state at `revision`. */
  checkState(what: string, revision: number, key: string, found: KeyState | undefined): void {
    const wanted = this.stateAt(key, revision);
    const isSame = wanted?.value === found?.value && wanted?.modRevision === found?.modRevision;
    if (isSame && wanted?.version === found?.version && revision <= this.revision) return;
    this.#complaints.add(`${what} finds a state that was`, { key, revision, found, wanted });
  }

  /** The checker of one watch that begins at `start`. */
  watch(name: string, wants: KeyFilter, start: number): WatchCheck {
    return new WatchCheck(this, this.#complaints, { name, wants, start });
  }

  at(revision: number): readonly WatchedEvent[] {
    return this.#byRevision.get(revision) ?? [];
  }
}

/** What one watch has delivered, against what is true. */
export class WatchCheck {
  readonly #truth: TrueHistory;
  readonly #complaints: Complaints;
  readonly #name: string;
  readonly #wants: KeyFilter;
  /** The first revision not delivered yet. */
  next: number;

  constructor(
    truth: TrueHistory,
    complaints: Complaints,
    options: { readonly name: string; readonly wants: KeyFilter; readonly start: number },
  ) {
    this.#truth = truth;
    this.#complaints = complaints;
    this.#name = options.name;
    this.#wants = options.wants;
    this.next = options.start;
  }

  /** A batch of events came: everything wanted up to `revision` must be in it, and nothing else. */
  events(revision: number, events: readonly WatchedEvent[]): void {
    const wanted: WatchedEvent[] = [];
    for (let r = this.next; r <= revision; r++) {
      wanted.push(...this.#truth.at(r).filter(({ key }) => this.#wants(key)));
    }
    if (digestOf(wanted) !== digestOf(events) || revision < this.next) {
      this.#complain(revision, wanted, events);
    }
    this.next = revision + 1;
  }

  /** A progress batch came: nothing wanted may be missing up to `revision`. */
  progress(revision: number): void {
    for (let r = this.next; r <= revision; r++) {
      const missed = this.#truth.at(r).filter(({ key }) => this.#wants(key));
      if (missed.length > 0) this.#complain(revision, missed, []);
    }
    if (revision > this.#truth.revision) this.#complain(revision, [], []);
    this.next = Math.max(this.next, revision + 1);
  }

  #complain(
    revision: number,
    wanted: readonly WatchedEvent[],
    events: readonly WatchedEvent[],
  ): void {
    const short = (list: readonly WatchedEvent[]): string =>
      list.map((e) => `${e.revision} ${e.kind} ${e.key}`).join(', ');
    this.#complaints.add('a watch is complete, in order, each event once', {
      ...{ watch: this.#name, next: this.next, revision },
      ...{ wanted: short(wanted), got: short(events) },
    });
  }
}
