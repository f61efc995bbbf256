/** Linearizable reads: one test per rule R80 to R83 and R86, on clusters in memory. */
import t from 'tap';
import { CoreNetwork, memberIds, ofKind } from '../testing';
import type { HeartbeatResponse, Message, ReadIndexResponse } from './message';
import type { Index, MemberId, Term } from './types';

const [ONE, TWO, THREE] = memberIds(3) as [MemberId, MemberId, MemberId];

/** A cluster whose member 1 leads and has committed 'a' at index 2. */
function elected(count: number): CoreNetwork {
  const network = new CoreNetwork({ ids: memberIds(count) });
  network.campaign(ONE);
  network.propose(ONE, 'a');
  return network;
}

function roundsOf(network: CoreNetwork): readonly number[] {
  const batches = network.sent.flatMap((message) =>
    message.kind === 'heartbeat' && message.to === TWO ? [message.readBatch] : [],
  );
  return [...new Set(batches)].filter((batch) => batch > 0);
}

t.test('a leader and its followers read at the commitIndex, once a quorum agrees', (t) => {
  const network = elected(3);
  network.read(ONE);
  network.read(TWO);
  t.match(network.reads.get(ONE), [{ kind: 'confirmed', index: 2 }]);
  t.match(network.reads.get(TWO), [{ kind: 'confirmed', index: 2 }]);
  network.isolate(ONE);
  network.read(ONE);
  t.equal(network.reads.get(ONE)?.length, 1, 'nobody agrees');
  t.end();
});

t.test('one round serves all reads of a turn', (t) => {
  const network = elected(3);
  for (let i = 0; i < 50; i++) network.read(ONE, { run: false });
  for (let i = 0; i < 50; i++) network.read(TWO, { run: false });
  network.run();
  t.equal(network.reads.get(ONE)?.length, 50);
  t.equal(network.reads.get(TWO)?.length, 50);
  t.strictSame(roundsOf(network), [1, 2], 'own reads, then those that came by message');
  t.end();
});

t.test('R80 reads wait until the leader has committed an entry of its term', (t) => {
  const network = elected(3);
  network.crash(ONE);
  const held = network.hold(ofKind('appendEntriesResponse'));
  network.tickUntil(() => network.leaderId !== undefined);
  const leader = network.leaderId!;
  const other = leader === TWO ? THREE : TWO;
  network.read(leader);
  network.read(other);
  t.strictSame([network.reads.get(leader), network.reads.get(other)], [[], []]);
  network.heal();
  for (const message of held) network.stepInto(message);
  network.run();
  t.match(network.reads.get(leader), [{ kind: 'confirmed', index: 3 }]);
  t.match(network.reads.get(other), [{ kind: 'confirmed', index: 3 }]);
  t.end();
});

t.test('R81 a duplicated read is not confirmed by old acknowledgements', (t) => {
  const network = elected(3);
  const acknowledgements = network.hold(
    ofKind('heartbeatResponse', { to: ONE }),
  ) as HeartbeatResponse[];
  const questions = network.hold(ofKind('readIndex'));
  network.read(TWO);
  const [question] = questions as [Message];
  network.stepInto(question);
  network.run();
  const ofFirst = acknowledgements.filter(({ readBatch }) => readBatch === 1);
  t.equal(ofFirst.length, 2, 'both followers have answered; the answers are on their way');
  network.heal();

  // Behind the leader's back another one is elected and acknowledges a write.
  network.isolate(ONE);
  const isReplaced = (): boolean => [TWO, THREE].some((id) => network.status(id).role === 'leader');
  for (let ticks = 0; !isReplaced() && ticks < 500; ticks++) {
    network.member(TWO).node.tick();
    network.member(THREE).node.tick();
    network.run();
  }
  const second = [TWO, THREE].find((id) => network.status(id).role === 'leader')!;
  network.propose(second, 'newer');
  t.equal(network.status(ONE).role, 'leader', 'the old one does not know');

  // The same bytes again, and a read of its own: both are newer than 'newer'.
  network.stepInto(question);
  network.read(ONE);
  for (const message of ofFirst) network.stepInto(message);
  network.run();
  const answers = network.sent.filter((message) => message.kind === 'readIndexResponse');
  t.equal(answers.length, 1, 'the first question is answered, its duplicate is not');
  t.strictSame(network.reads.get(ONE), [], 'the newer read is not confirmed');
  network.heal();
  network.tickAll(20);
  t.match(network.reads.get(ONE), [{ kind: 'leaderChanged' }]);
  t.end();
});

t.test('R81 an acknowledgement of n confirms all batches up to n', (t) => {
  const network = elected(3);
  const held = network.hold(ofKind('heartbeatResponse')) as HeartbeatResponse[];
  network.read(ONE);
  network.propose(ONE, 'b');
  network.read(ONE);
  t.strictSame(network.reads.get(ONE), []);
  network.stepInto(held.find(({ readBatch }) => readBatch === 2)!);
  network.run();
  t.match(network.reads.get(ONE), [
    { kind: 'confirmed', index: 2 },
    { kind: 'confirmed', index: 3 },
  ]);
  t.end();
});

t.test('R81 a lost round is repeated by the next heartbeat', (t) => {
  const network = elected(3);
  network.drop(ofKind('heartbeat'));
  network.read(ONE);
  network.heal();
  t.strictSame(network.reads.get(ONE), []);
  network.tickAll(5);
  t.match(network.reads.get(ONE), [{ kind: 'confirmed', index: 2 }]);
  t.end();
});

t.test('R82 an answer to an earlier life of the asker is dropped', (t) => {
  const network = elected(3);
  const held = network.hold(ofKind('readIndexResponse')) as ReadIndexResponse[];
  network.read(TWO);
  t.match(held, [{ key: { memberId: TWO, incarnation: 1, counter: 1 } }]);
  network.crash(TWO);
  network.restart(TWO);
  network.tickAll(5);
  const asked = network.read(TWO);
  t.match(asked, { kind: 'asked', key: { memberId: TWO, incarnation: 2, counter: 1 } });
  network.stepInto(held[0]!);
  network.run();
  t.strictSame(network.reads.get(TWO), []);
  network.stepInto(held[1]!);
  network.run();
  t.match(network.reads.get(TWO), [{ kind: 'confirmed', key: { incarnation: 2 } }]);
  t.end();
});

t.test('R82 a retry has a new counter, and its answer also ends the read before it', (t) => {
  const network = elected(3);
  network.drop(ofKind('readIndexResponse'));
  network.read(TWO);
  network.heal();
  network.read(TWO);
  t.match(network.reads.get(TWO), [
    { kind: 'confirmed', key: { counter: 1 } },
    { kind: 'confirmed', key: { counter: 2 } },
  ]);
  t.end();
});

t.test('R83 a change of the leader wins over a result of the same turn, in both orders', (t) => {
  for (const isChangeFirst of [true, false]) {
    const network = elected(3);
    const held = network.hold(ofKind('readIndexResponse'));
    network.read(TWO);
    const change: Message = {
      kind: 'heartbeat',
      from: THREE,
      to: TWO,
      term: 9 as Term,
      commitIndex: 0 as Index,
      readBatch: 0,
    };
    const turn = isChangeFirst ? [change, held[0]!] : [held[0]!, change];
    for (const message of turn) network.stepInto(message);
    network.isolate(TWO);
    network.run();
    const name = isChangeFirst ? 'change, then result' : 'result, then change';
    t.match(network.reads.get(TWO), [{ kind: 'leaderChanged', key: { counter: 1 } }], name);
    t.equal(network.reads.get(TWO)?.length, 1, name);
  }
  t.end();
});

t.test('R83 reads end when the leader is lost from sight; without one they are refused', (t) => {
  const network = elected(3);
  network.isolate(TWO);
  network.read(TWO);
  network.tick(TWO, 100);
  t.match(network.reads.get(TWO), [{ kind: 'leaderChanged' }]);
  t.match(network.read(TWO), { kind: 'dropped', reason: 'noLeader' });
  network.isolate(ONE);
  network.read(ONE);
  network.tick(ONE, 100);
  t.match(network.reads.get(ONE), [{ kind: 'leaderChanged' }], 'a leader that steps down');
  t.end();
});

t.test('R86 a sole voter confirms at once, but only what is durable', (t) => {
  const network = new CoreNetwork({ ids: [ONE] });
  network.tickAll();
  t.equal(network.leaderId, ONE, 'nobody else could lead: it does not wait');
  network.propose(ONE, 'a');
  network.stickDisk(ONE);
  network.propose(ONE, 'b');
  network.read(ONE);
  t.match(network.reads.get(ONE), [{ kind: 'confirmed', index: 2 }]);
  network.crash(ONE, { appliedLost: 9 });
  network.freeDisk(ONE);
  network.restart(ONE);
  network.tickAll();
  t.strictSame(network.data(ONE), ['a'], 'what was read is there');
  t.end();
});

t.test('reads need a quorum of voters; a learner asks but does not confirm', (t) => {
  const ids = memberIds(4);
  const learner = ids[3] as MemberId;
  const confState = {
    voters: [ONE, TWO, THREE],
    votersOutgoing: [],
    learners: [learner],
    learnersNext: [],
    autoLeave: false,
  };
  const network = new CoreNetwork({ ids, confState });
  network.campaign(ONE);
  network.read(learner);
  t.match(network.reads.get(learner), [{ kind: 'confirmed', index: 1 }]);
  network.isolate(TWO);
  network.isolate(THREE);
  network.read(learner);
  t.equal(network.reads.get(learner)?.length, 1);
  t.end();
});
