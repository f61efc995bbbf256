/** Tables for the parts of the core that are plain functions or small classes. */
import t from 'tap';
import { hasCode } from '../../base/error';
import { isRaftError, RAFT_ERRORS, raftError, type RaftErrorCode } from '../errors';
import { RAFT_LIMITS } from '../limits';
import { memberId, memberIds, testRandom } from '../testing';
import { checkConfig, RAFT_DEFAULTS, RAFT_FAST, RAFT_UP, type RaftConfig } from './config';
import { Inflights } from './inflights';
import { carriesTerm, MESSAGE_KINDS } from './message';
import {
  accept,
  becomeProbe,
  becomeSnapshotting,
  mayTakeEntries,
  newProgress,
  noteSent,
  noteUnreachable,
  reject,
  type Progress,
} from './progress';
import { isQuorum, majorityOf, quorumReached, voteResult } from './quorum';
import { Tracker } from './tracker';
import { simpleConfState, type Index, type MemberId } from './types';

const LIMITS = { countMax: 2, bytesMax: 100 };

function index(value: number): Index {
  return value as Index;
}

t.test('quorumReached is the largest number that a majority has (Raft §3.5)', (t) => {
  const rows: readonly (readonly [readonly number[], number])[] = [
    [[5], 5],
    [[5, 3], 3],
    [[5, 3, 9], 5],
    [[0, 0, 9], 0],
    [[7, 7, 1, 1], 1],
    [[7, 7, 7, 1], 7],
    [[1, 2, 3, 4, 5], 3],
    [[10, 9, 8, 7, 6, 5, 4], 7],
  ];
  for (const [values, expected] of rows) {
    const ids = memberIds(values.length);
    const reached = new Map(ids.map((id, place) => [id, values[place]]));
    const voters = { incoming: ids, outgoing: [] };
    t.equal(
      quorumReached(voters, (id) => reached.get(id)),
      expected,
      `of ${values.join(' ')}`,
    );
  }
  t.end();
});

t.test('quorumReached agrees with counting, also in joint configurations (R53)', (t) => {
  const random = testRandom('quorum');
  for (let round = 0; round < 2_000; round++) {
    const pool = memberIds(7);
    const pick = (least: number): MemberId[] => {
      const count = least + random.below(6 - least);
      return pool.filter((_, place) => (place + round) % 7 < count);
    };
    const voters = { incoming: pick(1), outgoing: pick(0) };
    const reached = new Map(pool.map((id) => [id, random.below(5)]));
    const hasMajority = (half: readonly MemberId[], value: number): boolean =>
      half.length === 0 || half.filter((id) => reached.get(id)! >= value).length * 2 > half.length;
    let expected = 0;
    for (let value = 1; value < 5; value++) {
      if (hasMajority(voters.incoming, value) && hasMajority(voters.outgoing, value)) {
        expected = value;
      }
    }
    if (quorumReached(voters, (id) => reached.get(id)) !== expected) {
      t.fail('differs from counting', { voters, reached: [...reached], expected });
    }
  }
  t.end();
});

t.test('voteResult waits while a majority can still say yes', (t) => {
  const rows = [
    ['y', 'won'],
    ['n', 'lost'],
    ['.', 'pending'],
    ['y.', 'pending'],
    ['yn', 'lost'],
    ['yy', 'won'],
    ['yy.', 'won'],
    ['yn.', 'pending'],
    ['nn.', 'lost'],
    ['yynn', 'lost'],
    ['yyy..', 'won'],
    ['yynn.', 'pending'],
    ['nnn..', 'lost'],
  ] as const;
  for (const [letters, expected] of rows) {
    const ids = memberIds(letters.length);
    t.equal(voteResult({ incoming: ids, outgoing: [] }, votesOf(letters)), expected, letters);
  }
  t.end();
});

t.test('a joint vote needs both halves (R53)', (t) => {
  const [a, b, c, d] = memberIds(4) as [MemberId, MemberId, MemberId, MemberId];
  const voters = { incoming: [a, b, c], outgoing: [c, d] };
  t.equal(voteResult(voters, votesOf('yy..')), 'pending', 'the new half alone');
  t.equal(voteResult(voters, votesOf('..yy')), 'pending', 'the old half alone');
  t.equal(voteResult(voters, votesOf('y.yy')), 'won');
  t.equal(voteResult(voters, votesOf('yyyn')), 'lost', 'the old half cannot win any more');
  t.equal(
    isQuorum(voters, (id) => id !== d),
    false,
  );
  t.throws(() => majorityOf(0), /a majority is of somebody/);
  t.end();
});

t.test('inflights are a window by count and by bytes (R29)', (t) => {
  const window = new Inflights({ countMax: 3, bytesMax: 10 });
  window.add(index(1), 4);
  window.add(index(3), 4);
  t.notOk(window.isFull);
  window.add(index(4), 1);
  t.ok(window.isFull, 'by count, at the limit');
  t.throws(() => window.add(index(5), 0), /full window/);
  window.freeTo(index(2));
  t.strictSame([window.count, window.bytes], [2, 5], 'only what ends at or below is freed');
  window.add(index(9), 50);
  t.ok(window.isFull, 'by bytes, by one thing larger than the window');
  window.freeTo(index(9));
  t.strictSame([window.count, window.bytes, window.isFull], [0, 0, false]);
  window.add(index(10), 9);
  t.notOk(window.isFull, 'one byte below the limit');
  t.throws(() => window.add(index(10), 0), /in order/);
  window.clear();
  t.equal(window.count, 0);
  t.end();
});

t.test('inflights agree with a list', (t) => {
  const random = testRandom('inflights');
  const window = new Inflights({ countMax: 200, bytesMax: 1e6 });
  let list: { index: Index; bytes: number }[] = [];
  let last = 0;
  for (let round = 0; round < 5_000; round++) {
    if (random.unit() < 0.6 && !window.isFull) {
      last += 1 + random.below(3);
      const thing = { index: index(last), bytes: random.below(100) };
      window.add(thing.index, thing.bytes);
      list.push(thing);
    } else {
      const to = index(last - random.below(300));
      window.freeTo(to);
      list = list.filter((thing) => thing.index > to);
    }
    const bytes = list.reduce((sum, thing) => sum + thing.bytes, 0);
    if (window.count !== list.length || window.bytes !== bytes) t.fail(`differs at ${round}`);
  }
  t.end();
});

t.test('progress: a probe sends once and waits', (t) => {
  const progress = newProgress(index(11));
  t.ok(mayTakeEntries(progress));
  sent(progress, 2);
  t.notOk(mayTakeEntries(progress), 'paused');
  t.equal(progress.next, 11, 'a probe does not run ahead');
  t.ok(accept(progress, index(12), LIMITS));
  t.equal(progress.flow.kind, 'replicate');
  t.strictSame([progress.match, progress.next], [12, 13]);
  t.end();
});

t.test('progress: replicate runs ahead as far as the window lets it', (t) => {
  const progress = replicating(5);
  sent(progress, 3, 10);
  t.equal(progress.next, 9);
  sent(progress, 1, 10);
  t.notOk(mayTakeEntries(progress), 'full by count');
  t.notOk(accept(progress, index(5), LIMITS), 'an old answer says nothing new');
  t.notOk(mayTakeEntries(progress));
  t.ok(accept(progress, index(8), LIMITS));
  t.ok(mayTakeEntries(progress));
  sent(progress, 1, 100);
  t.notOk(mayTakeEntries(progress), 'full by bytes');
  t.end();
});

t.test('progress: an answer counts no further than what was sent in this term (R26)', (t) => {
  const progress = newProgress(index(4));
  sent(progress, 2);
  accept(progress, index(50), LIMITS);
  t.strictSame([progress.match, progress.next], [5, 6]);
  t.end();
});

t.test('progress: a rejection moves a probe back, never below match (R25)', (t) => {
  const rows = [
    { name: 'the append under way', prev: 10, hint: 6, next: 7, isTaken: true },
    { name: 'no common entry', prev: 10, hint: 0, next: 1, isTaken: true },
    { name: 'a hint not below', prev: 10, hint: 15, next: 10, isTaken: true },
    { name: 'an append that was settled', prev: 7, hint: 3, next: 11, isTaken: false },
  ];
  for (const row of rows) {
    const progress = newProgress(index(11));
    sent(progress, 1);
    t.equal(reject(progress, index(row.prev), index(row.hint)), row.isTaken, row.name);
    t.equal(progress.next, row.next, row.name);
    t.equal(mayTakeEntries(progress), row.isTaken, row.name);
  }
  const ahead = replicating(5);
  sent(ahead, 3);
  t.notOk(reject(ahead, index(5), index(2)), 'match is settled');
  t.ok(reject(ahead, index(8), index(2)));
  t.strictSame([ahead.flow.kind, ahead.next, ahead.match], ['probe', 6, 5]);
  t.end();
});

t.test('progress: what may be lost is searched again (R34)', (t) => {
  const progress = replicating(5);
  sent(progress, 4);
  noteUnreachable(progress);
  t.strictSame([progress.flow.kind, progress.next], ['probe', 6]);
  noteUnreachable(progress);
  t.equal(progress.next, 6, 'a probe stays where it is');
  t.end();
});

t.test('progress: snapshotting sends nothing until the snapshot is there (R45)', (t) => {
  const progress = replicating(5);
  becomeSnapshotting(progress, index(20));
  t.notOk(mayTakeEntries(progress));
  t.notOk(reject(progress, index(5), index(1)));
  becomeProbe(progress);
  t.strictSame([progress.flow.kind, progress.next], ['probe', 21]);
  t.end();
});

t.test('the tracker counts the first vote of a member, and voters only', (t) => {
  const [a, b, c, d] = memberIds(4) as [MemberId, MemberId, MemberId, MemberId];
  const tracker = new Tracker({ ...simpleConfState([a, b, c]), learners: [d] }, LIMITS);
  t.strictSame(tracker.memberIds, [a, b, c, d]);
  t.strictSame(
    [tracker.isVoter(d), tracker.isLearner(d), tracker.isLearner(a)],
    [false, true, false],
  );
  t.equal(tracker.recordVote(a, true), 'pending');
  t.equal(tracker.recordVote(d, true), 'pending', 'a learner has no vote');
  t.equal(tracker.recordVote(b, false), 'pending');
  t.equal(tracker.recordVote(b, true), 'pending', 'it said no before');
  t.equal(tracker.recordVote(c, true), 'won');
  t.throws(() => new Tracker(simpleConfState(memberIds(RAFT_LIMITS.votersMax + 1)), LIMITS));
  t.doesNotThrow(() => new Tracker(simpleConfState(memberIds(RAFT_LIMITS.votersMax)), LIMITS));
  t.end();
});

t.test('a configuration that cannot work is refused by name', (t) => {
  const good: RaftConfig = { ...RAFT_DEFAULTS, id: memberId(1), incarnation: 1 };
  for (const profile of [RAFT_DEFAULTS, RAFT_UP, RAFT_FAST]) checkConfig({ ...good, ...profile });
  const rows: readonly Partial<RaftConfig>[] = [
    { heartbeatTicks: 0 },
    { tickMs: 1.5 },
    { incarnation: -1 },
    { electionTimeoutTicks: RAFT_DEFAULTS.heartbeatTicks },
    { maxMessageBytes: 0 },
    { maxInflightMessages: Number.NaN },
  ];
  for (const row of rows) {
    const name = Object.keys(row)[0]!;
    t.throws(() => checkConfig({ ...good, ...row }), { code: 'RAFT_CONFIG_INVALID' }, name);
    t.throws(() => checkConfig({ ...good, ...row }), new RegExp(name), name);
  }
  t.end();
});

t.test('the table of errors gives what each code means', (t) => {
  for (const code of Object.keys(RAFT_ERRORS) as RaftErrorCode[]) {
    const error = raftError(code, 'Cannot test as asked: received nothing');
    t.ok(isRaftError(error) && hasCode(error, code), code);
    t.match(error, RAFT_ERRORS[code], code);
  }
  t.notOk(isRaftError(new Error('other')));
  t.end();
});

t.test('only requests to whoever leads carry no term', (t) => {
  t.strictSame(
    MESSAGE_KINDS.filter((kind) => !carriesTerm(kind)),
    ['readIndex', 'propose'],
  );
  t.end();
});

/** Members 1, 2 ... by letter: y and n are votes, others have not answered. */
function votesOf(letters: string): ReadonlyMap<MemberId, boolean> {
  const votes = new Map<MemberId, boolean>();
  letters.split('').forEach((letter, place) => {
    if (letter !== '.') votes.set(memberId(place + 1), letter === 'y');
  });
  return votes;
}

/** Notes an append of `count` entries from next on. */
function sent(progress: Progress, count: number, bytes = 1): void {
  const prevIndex = index(progress.next - 1);
  noteSent(progress, { prevIndex, count, bytes, commitIndex: index(0) });
}

/** A member that agrees up to `match`, with an empty window of {@link LIMITS}. */
function replicating(match: number): Progress {
  const progress = newProgress(index(match));
  sent(progress, 1);
  accept(progress, index(match), LIMITS);
  return progress;
}
