/** Elections and terms: one test per rule R1 to R13 of the specification, on clusters in memory. */
import t from 'tap';
import { CoreNetwork, entry, memberId, memberIds, memberWithLog } from '../testing';
import { RAFT_UP } from './config';
import type { Message, PreVoteResponse, RequestVoteResponse } from './message';
import { simpleConfState, type Index, type MemberId, type Term } from './types';

const [ONE, TWO, THREE] = memberIds(3) as [MemberId, MemberId, MemberId];
const NO_CHECKS = { isPreVoteOn: false, isCheckQuorumOn: false };

/** A cluster whose member 1 leads. */
function elected(
  count: number,
  settings: ConstructorParameters<typeof CoreNetwork>[0]['settings'] = {},
): CoreNetwork {
  const network = new CoreNetwork({ ids: memberIds(count), settings });
  network.campaign(ONE);
  if (network.leaderId !== ONE) throw new Error('Cannot elect the first member');
  return network;
}

function sentOf<K extends Message['kind']>(
  network: CoreNetwork,
  kind: K,
): Extract<Message, { kind: K }>[] {
  return network.sent.filter((message) => message.kind === kind) as never;
}

function requestVote(from: MemberId, to: MemberId, term: number, last: readonly [number, number]) {
  const [lastIndex, lastTerm] = last as unknown as [Index, Term];
  const kind = 'requestVote' as const;
  return { kind, from, to, term: term as Term, lastIndex, lastTerm, isTransfer: false };
}

function lastVote(network: CoreNetwork, from: MemberId): RequestVoteResponse | undefined {
  return sentOf(network, 'requestVoteResponse').findLast((message) => message.from === from);
}

t.test('R1 a vote is durable before it leaves, and survives a power cut (Raft §3.8)', (t) => {
  const network = new CoreNetwork({ ids: memberIds(3), settings: NO_CHECKS });
  network.stickDisk(TWO);
  network.cut(ONE, THREE);
  network.cut(TWO, ONE);
  network.campaign(ONE);
  t.equal(lastVote(network, TWO), undefined, 'nothing leaves while the disk works');
  network.freeDisk(TWO);
  network.run();
  t.equal(lastVote(network, TWO)?.isGranted, true);
  network.crash(TWO);
  network.restart(TWO);
  t.equal(network.status(TWO).vote, ONE);
  network.heal();
  network.isolate(ONE);
  network.campaign(THREE);
  t.match(lastVote(network, TWO), { term: 1, isGranted: false, to: THREE });
  t.end();
});

t.test('R1 a crash before the write forgets the vote that nobody heard of', (t) => {
  const network = new CoreNetwork({ ids: memberIds(3), settings: NO_CHECKS });
  network.stickDisk(TWO);
  network.cut(ONE, THREE);
  network.campaign(ONE);
  network.crash(TWO);
  network.freeDisk(TWO);
  network.restart(TWO);
  t.equal(network.status(TWO).term, 0);
  network.isolate(ONE);
  network.campaign(THREE);
  t.equal(network.leaderId, THREE);
  t.end();
});

t.test('R2 the own vote counts only when it is durable', (t) => {
  const network = new CoreNetwork({ ids: memberIds(3), settings: NO_CHECKS });
  network.stickDisk(ONE);
  network.campaign(ONE);
  t.equal(network.status(ONE).role, 'candidate');
  t.strictSame(sentOf(network, 'requestVote'), [], 'and nobody is asked before that');
  network.freeDisk(ONE);
  network.run();
  t.equal(network.leaderId, ONE);
  t.end();
});

t.test('R2 a single node acknowledges only after its sync, at any instant', (t) => {
  for (let steps = 0; steps < 12; steps++) {
    const network = elected(1);
    const member = network.member(ONE);
    member.node.propose([{ kind: 'normal', data: Buffer.from('kept?') }]);
    for (let i = 0; i < steps; i++)
      [() => member.take(), () => member.storeOne(), () => member.applyOne()][i % 3]!();
    const isAcknowledged = network.data(ONE).includes('kept?');
    network.crash(ONE, { appliedLost: 9 });
    network.restart(ONE);
    network.tickUntil(() => network.leaderId === ONE);
    if (isAcknowledged) t.ok(network.data(ONE).includes('kept?'), `crash after ${steps} steps`);
    if (steps === 1) t.notOk(isAcknowledged, 'taken, but not stored');
    if (steps === 11) t.ok(isAcknowledged, 'acknowledged in the end');
  }
  t.end();
});

t.test('R3 a vote goes only to a log that has at least ours, terms first (Raft §3.6.1)', (t) => {
  const rows = [
    { last: [3, 2], isGranted: true },
    { last: [9, 1], isGranted: false },
    { last: [2, 2], isGranted: false },
    { last: [1, 3], isGranted: true },
  ] as const;
  for (const { last, isGranted } of rows) {
    const initial = new Map([[TWO, memberWithLog([1, 2, 2])]]);
    const network = new CoreNetwork({ ids: memberIds(3), initial });
    network.stepInto(requestVote(ONE, TWO, 5, last));
    network.run();
    t.equal(lastVote(network, TWO)?.isGranted, isGranted, `index ${last[0]} of term ${last[1]}`);
  }
  t.end();
});

t.test('R4 a pre-vote changes nothing, and is answered whatever its term (Raft §9.6)', (t) => {
  const rows = [
    { term: 9, last: 3, isGranted: true, answerTerm: 9 },
    { term: 9, last: 1, isGranted: false, answerTerm: 4 },
    { term: 2, last: 9, isGranted: false, answerTerm: 4 },
  ];
  for (const row of rows) {
    const initial = new Map([[TWO, memberWithLog([1, 2, 2], { term: 4, vote: TWO })]]);
    const network = new CoreNetwork({ ids: memberIds(3), initial });
    network.stepInto({ ...requestVote(ONE, TWO, row.term, [row.last, 2]), kind: 'preVote' });
    network.run();
    const answer: PreVoteResponse | undefined = sentOf(network, 'preVoteResponse')[0];
    t.match(answer, { isGranted: row.isGranted, term: row.answerTerm });
    t.match(network.status(TWO), { term: 4, vote: TWO, role: 'follower' });
  }
  t.end();
});

t.test('R4 members of mixed terms elect a leader', (t) => {
  const initial = new Map([[THREE, memberWithLog([], { term: 7 })]]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  network.crash(TWO);
  network.tickUntil(() => network.leaderId !== undefined, 1_000);
  t.ok(network.status(ONE).term >= 7);
  t.end();
});

t.test('R5 a pre-candidate forgets its leader and the votes of earlier rounds', (t) => {
  const network = elected(5);
  network.isolate(TWO);
  network.tickUntil(() => network.status(TWO).role === 'preCandidate');
  t.equal(network.status(TWO).leaderId, undefined);
  const grant = (from: MemberId): void => {
    const kind = 'preVoteResponse' as const;
    network.stepInto({ kind, from, to: TWO, term: 2 as Term, isGranted: true });
  };
  grant(THREE);
  grant(THREE);
  t.equal(network.status(TWO).role, 'preCandidate', 'one member is one vote, however often');
  const rounds = (): number =>
    sentOf(network, 'preVote').filter(({ from }) => from === TWO).length / 4;
  network.tickUntil(() => rounds() === 2);
  grant(memberId(4));
  t.equal(network.status(TWO).role, 'preCandidate', 'the vote of the round before is gone');
  grant(THREE);
  t.equal(network.status(TWO).role, 'candidate');
  t.end();
});

t.test('R6 an isolated member comes back without disturbing anybody (Raft §4.2.3)', (t) => {
  for (const isPreVoteOn of [true, false]) {
    const network = elected(3, { ...RAFT_UP, isPreVoteOn });
    network.isolate(THREE);
    network.tickAll(12_000);
    const before = network.status(ONE);
    t.equal(before.role, 'leader');
    network.heal();
    const leaders = new Set<string>();
    for (let i = 0; i < 400; i++) {
      network.tickAll();
      if (network.leaderId !== undefined)
        leaders.add(`${network.leaderId} ${network.status(network.leaderId).term}`);
    }
    if (isPreVoteOn) {
      t.match(network.status(ONE), { role: 'leader', term: before.term }, 'with pre-vote');
      t.equal(network.status(THREE).leaderId, ONE);
    } else t.ok(leaders.size <= 2, 'without it at most one change');
  }
  t.end();
});

t.test('R6 who hears a leader ignores votes, unless the leader wants the election', (t) => {
  const network = elected(3);
  const request = requestVote(THREE, TWO, 9, [99, 9]);
  network.stepInto(request);
  network.stepInto({ ...request, kind: 'preVote' });
  network.run();
  t.equal(network.status(TWO).term, 1);
  t.notOk(sentOf(network, 'preVoteResponse').some(({ to, term }) => to === THREE && term === 9));
  network.isolate(TWO);
  network.stepInto({ ...request, isTransfer: true });
  network.run();
  t.match(network.status(TWO), { term: 9, vote: THREE });
  t.end();
});

t.test('R7 a member stuck at a higher term rejoins within three elections', (t) => {
  const initial = new Map([
    [ONE, memberWithLog([1, 1])],
    [TWO, memberWithLog([1, 1])],
    [THREE, memberWithLog([1], { term: 10 })],
  ]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  network.isolate(THREE);
  network.campaign(ONE);
  t.match(network.status(ONE), { role: 'leader', term: 2 });
  network.heal();
  const isRejoined = (): boolean =>
    network.leaderId !== undefined && network.status(THREE).leaderId === network.leaderId;
  const timeoutMax = 2 * 50;
  t.ok(network.tickUntil(isRejoined) <= 3 * timeoutMax);
  t.ok(network.status(THREE).term > 10);
  t.end();
});

t.test('R8 one-way partitions that last for ever leave a stable leader', (t) => {
  for (const who of [ONE, TWO]) {
    for (const isMute of [true, false]) {
      const network = elected(3);
      for (const other of memberIds(3)) {
        if (other === who) continue;
        if (isMute) network.cut(who, other);
        else network.cut(other, who);
      }
      network.tickAll(10 * 50);
      const leaderId = network.leaderId;
      const name = `${who === ONE ? 'the leader' : 'a follower'} cannot ${isMute ? 'send' : 'hear'}`;
      if (leaderId === undefined) {
        t.fail(name);
        continue;
      }
      const { term } = network.status(leaderId);
      network.propose(leaderId, 'alive');
      t.ok(network.data(leaderId).includes('alive'), `${name}: it commits`);
      for (let i = 0; i < 40; i++) {
        network.tickAll(50);
        t.match(network.status(leaderId), { role: 'leader', term }, name);
      }
    }
  }
  t.end();
});

t.test('R9 a learner votes: it may have been promoted without knowing', (t) => {
  const confState = { ...simpleConfState([ONE, TWO]), learners: [THREE] };
  const initial = new Map([[THREE, { confState }]]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  network.campaign(ONE);
  network.crash(ONE);
  network.tickUntil(() => network.leaderId === TWO);
  t.equal(lastVote(network, THREE)?.isGranted, true);
  t.end();
});

t.test('R10 learners, strangers and members with unapplied changes do not campaign', (t) => {
  const confState = { ...simpleConfState([ONE]), learners: [TWO] };
  const network = new CoreNetwork({ ids: memberIds(3), confState });
  network.crash(ONE);
  network.tick(TWO, 500);
  network.tick(THREE, 500);
  t.strictSame(network.sent, []);

  const changed = elected(3);
  changed.stickApply(TWO);
  changed.member(ONE).node.propose([{ kind: 'confChange', data: Buffer.from('change') }]);
  changed.run();
  changed.tickAll(5);
  t.equal(changed.status(TWO).commitIndex, 2);
  changed.crash(ONE);
  changed.crash(THREE);
  const before = changed.sent.length;
  changed.tick(TWO, 500);
  t.equal(changed.sent.length, before, 'committed, not applied');
  t.equal(changed.member(TWO).pendingApplies, 1, 'the change is among what apply gets');
  changed.freeApply(TWO);
  changed.tick(TWO, 500);
  t.ok(changed.sent.length > before, 'applied');
  t.end();
});

t.test('R11 every election draws its timeout anew, from [timeout, 2 x timeout)', (t) => {
  const network = new CoreNetwork({ ids: memberIds(3), settings: { isPreVoteOn: false } });
  const member = network.member(ONE);
  const waits = new Set<number>();
  for (let round = 0; round < 60; round++) {
    const { term } = member.node.status();
    let ticks = 0;
    for (; member.node.status().term === term; ticks++) member.node.tick();
    waits.add(ticks);
    t.ok(ticks >= 50 && ticks < 100, `${ticks} ticks`);
  }
  t.ok(waits.size > 20, `${waits.size} different waits`);
  t.end();
});

t.test('a new cluster does not wait: its first member campaigns at once (profile up)', (t) => {
  const network = new CoreNetwork({ ids: memberIds(3), settings: RAFT_UP });
  network.crash(THREE);
  network.tickAll();
  t.equal(network.leaderId, ONE);

  const slow = new CoreNetwork({ ids: memberIds(3), settings: RAFT_UP });
  slow.crash(TWO);
  slow.crash(THREE);
  slow.tickAll(10);
  slow.restart(TWO);
  t.ok(slow.tickUntil(() => slow.leaderId === ONE) <= RAFT_UP.heartbeatTicks, 'peers came later');
  const { term } = slow.status(ONE);
  slow.crash(ONE);
  slow.restart(ONE);
  slow.tick(ONE, 5);
  t.equal(slow.status(ONE).term, term, 'it had a leader: from now on it waits');
  t.end();
});

t.test('R13 a second leader in a term stops the process', (t) => {
  const message = { from: TWO, to: ONE, term: 1 as Term, commitIndex: 0 as Index };
  const kinds = [
    { ...message, kind: 'heartbeat', readBatch: 0 },
    {
      ...message,
      kind: 'appendEntries',
      prevIndex: 0 as Index,
      prevTerm: 0 as Term,
      entries: [entry(1, 1)],
    },
  ] as const;
  for (const second of kinds) {
    const network = elected(3);
    t.throws(() => network.stepInto(second), /a term has one leader \(R13\)/);
  }
  const follower = elected(3);
  t.throws(() => follower.stepInto({ ...kinds[0], to: THREE }), /a term has one leader \(R13\)/);
  t.end();
});

t.test('a leader without a quorum steps down; messages for others are refused', (t) => {
  const network = elected(3);
  network.isolate(ONE);
  network.tick(ONE, 2 * 50);
  t.match(network.status(ONE), { term: 1, leaderId: undefined });
  t.match(network.propose(ONE, 'lost'), { kind: 'dropped', reason: 'noLeader' });
  t.throws(
    () => network.member(ONE).node.step(requestVote(TWO, memberId(9), 3, [1, 1])),
    /for this member/,
  );
  t.end();
});
