/** Leadership transfer (Raft §3.10): R12, the exception of R6, and who may be asked (R10). */
import t, { type Test } from 'tap';
import { CoreNetwork, memberId, memberIds, ofKind } from '../testing';
import { simpleConfState, type MemberId, type Term } from './types';

const [S1, S2, S3] = memberIds(3) as [MemberId, MemberId, MemberId];
const TIMEOUT = 20;

/** Three members, S1 leads; a heartbeat has gone round. */
function threeMembers(settings: { readonly isForwardingOn?: boolean } = {}): CoreNetwork {
  const timing = { electionTimeoutTicks: TIMEOUT, heartbeatTicks: 3 };
  const network = new CoreNetwork({ ids: memberIds(3), settings: { ...timing, ...settings } });
  network.campaign(S1);
  network.tickAll(4);
  return network;
}

function transfer(network: CoreNetwork, from: MemberId, to?: MemberId): unknown {
  return network.member(from).node.transferLeadership(to);
}

function expectLeader(t: Test, network: CoreNetwork, id: MemberId, term: number): void {
  t.match(network.status(id), { role: 'leader', term, leaderId: id });
  for (const other of memberIds(3)) t.equal(network.status(other).leaderId, id);
}

t.test('the target is brought up to date, and only then told (R12)', (t) => {
  const network = threeMembers();
  network.drop(ofKind('appendEntries', { to: S3 }));
  network.propose(S1, 'a');
  network.heal();
  t.strictSame(transfer(network, S1, S3), { kind: 'begun', targetId: S3, term: 1 });
  network.run();
  t.notOk(network.sent.some(ofKind('timeoutNow')), 'S3 misses an entry');
  t.match(network.member(S1).node.propose([{ kind: 'normal', data: Buffer.from('b') }]), {
    kind: 'dropped',
    reason: 'transferring',
  });
  network.tickAll(4);
  t.ok(network.sent.some(ofKind('timeoutNow', { to: S3 })));
  expectLeader(t, network, S3, 2);
  t.notOk(
    network.sent.some(ofKind(['preVote'], { from: S3 })),
    'nobody is asked whether an election is due',
  );
  t.equal(network.propose(S3, 'c').kind, 'appended');
  network.tickAll(4);
  for (const id of memberIds(3)) t.strictSame(network.data(id), ['a', 'c']);
  t.end();
});

t.test('votes of a transfer are given although a leader is heard, others are not (R6)', (t) => {
  for (const isTransfer of [false, true]) {
    const network = threeMembers();
    const { lastIndex, term } = network.status(S3);
    network.stepInto({
      kind: 'requestVote',
      from: S3,
      to: S2,
      term: (term + 1) as Term,
      lastIndex,
      lastTerm: term,
      isTransfer,
    });
    t.equal(network.status(S2).term, isTransfer ? term + 1 : term);
    network.drive(network.member(S2));
    const granted = network.sent.some(
      (message) =>
        message.kind === 'requestVoteResponse' && message.from === S2 && message.to === S3,
    );
    t.equal(granted, isTransfer);
  }
  t.end();
});

t.test('a transfer to a partitioned target ends, and proposals resume (R12)', (t) => {
  const network = threeMembers();
  network.isolate(S3);
  transfer(network, S1, S3);
  network.tickAll(TIMEOUT - 1);
  t.equal(network.propose(S1, 'too early').kind, 'dropped');
  // One that is forwarded has nobody to tell, so it waits.
  t.equal(network.propose(S2, 'forwarded').kind, 'forwarded');
  t.equal(network.member(S1).node.transferTargetId, S3);
  network.tickAll(1);
  t.equal(network.member(S1).node.transferTargetId, undefined);
  t.match(network.status(S1), { role: 'leader', term: 1 });
  t.equal(network.propose(S1, 'after').kind, 'appended');
  network.heal();
  network.tickAll(2 * TIMEOUT);
  expectLeader(t, network, S1, 1);
  for (const id of memberIds(3)) t.strictSame(network.data(id), ['forwarded', 'after']);
  t.end();
});

t.test('a lost timeoutNow is sent again, a late one of an earlier term does nothing', (t) => {
  const network = threeMembers();
  const held = network.hold(ofKind('timeoutNow'));
  transfer(network, S1, S2);
  network.tickAll(7);
  t.ok(held.length >= 2, `told ${held.length} times`);
  network.heal();
  network.stepInto(held[0]!);
  network.run();
  expectLeader(t, network, S2, 2);
  network.stepInto(held[1]!);
  network.run();
  expectLeader(t, network, S2, 2);
  t.end();
});

t.test('who may be a target: a voter, another one, one at a time (R12)', (t) => {
  const network = threeMembers();
  const refused = (reason: string): object => ({ kind: 'refused', reason });
  t.strictSame(transfer(network, S2, S3), refused('notLeader'));
  t.strictSame(transfer(network, S1, S1), refused('alreadyLeader'));
  t.strictSame(transfer(network, S1, memberId(9)), refused('notVoter'));
  network.isolate(S3);
  const begun = { kind: 'begun', targetId: S3, term: 1 };
  t.strictSame(transfer(network, S1, S3), begun);
  t.strictSame(transfer(network, S1, S2), refused('busy'), 'two candidates would split the votes');
  t.strictSame(transfer(network, S1, S3), begun, 'the same wish joins');
  t.strictSame(transfer(network, S1), begun);
  network.tickAll(TIMEOUT);
  t.strictSame(transfer(network, S1, S2), { ...begun, targetId: S2 });
  network.run();
  t.match(network.status(S2), { role: 'leader', term: 2 });
  const learners = { ...simpleConfState([S1]), learners: [S2] };
  const alone = new CoreNetwork({ ids: [S1, S2], confState: learners });
  alone.campaign(S1);
  t.strictSame(transfer(alone, S1, S2), refused('notVoter'), 'a learner');
  t.strictSame(transfer(alone, S1), refused('noTarget'));
  t.end();
});

t.test('without a wish the most up-to-date active voter takes over', (t) => {
  const network = threeMembers();
  network.drop(ofKind('appendEntries', { to: S2 }));
  network.propose(S1, 'a');
  t.match(transfer(network, S1), { targetId: S3 }, 'the longer log');
  const other = threeMembers();
  other.isolate(S2);
  other.tickAll(2 * TIMEOUT + 1);
  t.match(transfer(other, S1), { targetId: S3 }, 'the one that answers');
  t.end();
});

t.test('a target that may not campaign says so, and the leader goes on at once (R10)', (t) => {
  const network = threeMembers();
  // S2 knows of a change that it has not applied.
  network.stickApply(S2);
  network.member(S1).node.propose([{ kind: 'confChange', data: new Uint8Array(0) }]);
  network.run();
  network.tickAll(4);
  transfer(network, S1, S2);
  network.run();
  t.ok(
    network.sent.some((message) => message.kind === 'timeoutNowResponse' && !message.isCampaigning),
  );
  t.equal(network.member(S1).node.transferTargetId, undefined);
  t.equal(network.propose(S1, 'on').kind, 'appended');
  t.end();
});
