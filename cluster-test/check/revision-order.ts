/**
 * Judges what clients of a store saw, against the one order that the store itself names: revisions.
 * Shares no code with the store; it knows only the rules (S1, S26, S30, S31; Herlihy, Wing 1990):
 *
 * - the watch of everything has each revision from 2 on once, in order, with the state before;
 * - an acknowledged write is the event at its revision; a refused one is nowhere; none is twice;
 * - a read returns the state at the revision it names;
 * - in real time: what began after another had ended has no lower revision, a write a higher one.
 *
 * Every value is written once in a history, so a value names its write. Revisions order everything,
 * so the judgement takes sorting and no search.
 */

/** A time span of a client's call; `endMs` is Infinity while the outcome is unknown. */
interface Call {
  readonly startMs: number;
  readonly endMs: number;
}

/** A write as its client saw it. */
export interface WriteCall extends Call {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  /** Unique over all puts; empty for a delete. */
  readonly value: string;
  /** The modRevision it was conditional on; undefined for an unconditional put. */
  readonly expected: number | undefined;
  readonly outcome:
    | { readonly kind: 'done'; readonly revision: number }
    /** Conditional and not done: at `revision` the key had `found` (0 for no key). */
    | { readonly kind: 'conflict'; readonly revision: number; readonly found: number }
    | { readonly kind: 'refused' }
    | { readonly kind: 'unknown' };
}

/** A linearizable read of one key. */
export interface ReadCall extends Call {
  readonly key: string;
  readonly revision: number;
  readonly found: KeyState | undefined;
}

/** A key's state. */
export interface KeyState {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** What the watch of everything delivered, in the order of delivery. */
export interface WatchedEvent {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** After a put. */
  readonly state: KeyState | undefined;
  readonly previous: KeyState | undefined;
}

/** All that was seen in a run. */
export interface History {
  readonly writes: readonly WriteCall[];
  readonly reads: readonly ReadCall[];
  readonly events: readonly WatchedEvent[];
  /** What each member returns at the end. */
  readonly finalStates: readonly ReadonlyMap<string, KeyState>[];
}

/** Every breach of the rules, in words; empty for a legal history. */
export function judgeRevisionOrder(history: History): readonly string[] {
  const problems: string[] = [];
  const timeline = replay(history.events, problems);
  judgeWrites(history, timeline, problems);
  judgeReads(history.reads, timeline, problems);
  judgeRealTime(history, timeline, problems);
  history.finalStates.forEach((found, member) => {
    const wanted = new Map<string, KeyState>();
    for (const [key, steps] of timeline.steps) {
      const state = steps.at(-1)?.state;
      if (state !== undefined) wanted.set(key, state);
    }
    for (const key of new Set([...wanted.keys(), ...found.keys()])) {
      const [is, ought] = [show(found.get(key)), show(wanted.get(key))];
      if (is !== ought) problems.push(`final state ${member}: ${key} is ${is}, watched: ${ought}`);
    }
  });
  return problems;
}

interface Step {
  readonly revision: number;
  readonly state: KeyState | undefined;
}

interface Timeline {
  /** The states of each key, rising by revision. */
  readonly steps: ReadonlyMap<string, readonly Step[]>;
  /** The event of each value. */
  readonly byValue: ReadonlyMap<string, WatchedEvent>;
  readonly events: ReadonlyMap<string, WatchedEvent>;
}

function replay(events: readonly WatchedEvent[], problems: string[]): Timeline {
  const steps = new Map<string, Step[]>();
  const byValue = new Map<string, WatchedEvent>();
  const byPlace = new Map<string, WatchedEvent>();
  let last = 1;
  for (const event of events) {
    const { kind, key, revision, state, previous } = event;
    // A transaction may change several keys at one revision.
    if (revision !== last + 1 && (revision !== last || last === 1)) {
      problems.push(`watch: revision ${revision} follows ${last}`);
    }
    last = revision;
    const place = `${revision} ${key}`;
    if (byPlace.has(place)) problems.push(`watch: ${place} comes twice`);
    byPlace.set(place, event);
    const before = steps.get(key)?.at(-1)?.state;
    if (show(previous) !== show(before)) {
      problems.push(`watch: ${place} replaces ${show(previous)}, not ${show(before)}`);
    }
    if (kind === 'delete' && before === undefined) problems.push(`watch: ${place} deletes nothing`);
    if (kind === 'put') {
      const wanted = `${before?.createRevision ?? revision} ${(before?.version ?? 0) + 1}`;
      const is = `${state?.createRevision} ${state?.version}`;
      if (state?.modRevision !== revision || is !== wanted) {
        problems.push(`watch: ${place} puts ${show(state)}, wanted created and version ${wanted}`);
      }
      const value = state?.value ?? '';
      if (byValue.has(value)) problems.push(`watch: the write of ${value} took effect twice`);
      byValue.set(value, event);
    }
    const list = steps.get(key) ?? [];
    list.push({ revision, state: kind === 'put' ? state : undefined });
    steps.set(key, list);
  }
  return { steps, byValue, events: byPlace };
}

function judgeWrites({ writes }: History, timeline: Timeline, problems: string[]): void {
  for (const write of writes) {
    const { kind, key, value, expected, outcome } = write;
    const name = kind === 'put' ? `put ${value}` : `delete ${key} of ${expected}`;
    const applied = kind === 'put' ? timeline.byValue.get(value) : undefined;
    if (applied !== undefined) {
      if (applied.key !== key) problems.push(`${name}: took effect at key ${applied.key}`);
      if (expected !== undefined && (applied.previous?.modRevision ?? 0) !== expected) {
        problems.push(`${name}: took effect without its condition`);
      }
    }
    if (outcome.kind === 'done') {
      const event = timeline.events.get(`${outcome.revision} ${key}`);
      const isThere = event?.kind === kind && (event.state?.value ?? '') === value;
      if (!isThere) problems.push(`${name}: acknowledged at ${outcome.revision} and not there`);
      if (kind === 'delete' && event?.previous?.modRevision !== expected) {
        problems.push(`${name}: took effect without its condition`);
      }
    } else if (outcome.kind !== 'unknown' && applied !== undefined) {
      problems.push(`${name}: ${outcome.kind} and took effect at ${applied.revision}`);
    }
    if (outcome.kind === 'conflict') {
      const found = stateAt(timeline, key, outcome.revision)?.modRevision ?? 0;
      if (found !== outcome.found || found === expected) {
        problems.push(
          `${name}: conflict with ${outcome.found}, at ${outcome.revision} is ${found}`,
        );
      }
    }
  }
}

function judgeReads(reads: readonly ReadCall[], timeline: Timeline, problems: string[]): void {
  for (const { key, revision, found } of reads) {
    const wanted = stateAt(timeline, key, revision);
    if (show(found) !== show(wanted)) {
      problems.push(`read ${key} at ${revision}: ${show(found)}, watched: ${show(wanted)}`);
    }
  }
}

interface Interval extends Call {
  readonly revision: number;
  readonly isWrite: boolean;
  readonly name: string;
}

function judgeRealTime(history: History, timeline: Timeline, problems: string[]): void {
  const intervals: Interval[] = [];
  for (const { startMs, endMs, key, revision } of history.reads) {
    intervals.push({ startMs, endMs, revision, isWrite: false, name: `read ${key}` });
  }
  for (const { startMs, endMs, key, value, outcome } of history.writes) {
    const name = `write ${value === '' ? key : value}`;
    if (outcome.kind === 'done' || outcome.kind === 'conflict') {
      const { revision, kind } = outcome;
      intervals.push({ startMs, endMs, revision, isWrite: kind === 'done', name });
    } else if (outcome.kind === 'unknown') {
      // It may take effect at any time after its start, never before.
      const revision = value === '' ? undefined : timeline.byValue.get(value)?.revision;
      const open = { startMs, endMs: Infinity, isWrite: true, name };
      if (revision !== undefined) intervals.push({ ...open, revision });
    }
  }
  const byStart = [...intervals].sort((a, b) => a.startMs - b.startMs);
  const byEnd = [...intervals].sort((a, b) => a.endMs - b.endMs);
  let ended = 0;
  let newest: Interval | undefined;
  for (const call of byStart) {
    for (let other = byEnd[ended]; other !== undefined; other = byEnd[++ended]) {
      if (other.endMs >= call.startMs) break;
      if (newest === undefined || other.revision > newest.revision) newest = other;
    }
    const least = (newest?.revision ?? 0) + (call.isWrite ? 1 : 0);
    if (call.revision < least) {
      problems.push(
        `${call.name} is at ${call.revision} and began after ${newest?.name} at ` +
          `${newest?.revision} had ended`,
      );
    }
  }
}

function stateAt(timeline: Timeline, key: string, revision: number): KeyState | undefined {
  const steps = timeline.steps.get(key) ?? [];
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return steps[low - 1]?.state;
}

function show(state: KeyState | undefined): string {
  if (state === undefined) return 'nothing';
  const { value, createRevision, modRevision, version } = state;
  return `${value} (created ${createRevision}, modified ${modRevision}, version ${version})`;
}
