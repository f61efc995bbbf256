/** The log and its commitment: one test per rule R20 to R34, on clusters in memory. */
import t from 'tap';
import { CoreNetwork, entriesByTerm, entry, memberIds, memberWithLog, ofKind } from '../testing';
import type { AppendEntries, Message } from './message';
import type { Index, MemberId, Term } from './types';

const [ONE, TWO, THREE] = memberIds(3) as [MemberId, MemberId, MemberId];

type Settings = ConstructorParameters<typeof CoreNetwork>[0]['settings'];

/** A cluster whose member 1 leads. */
function elected(count: number, settings: Settings = {}): CoreNetwork {
  const network = new CoreNetwork({ ids: memberIds(count), settings });
  network.campaign(ONE);
  if (network.leaderId !== ONE) throw new Error('Cannot elect the first member');
  return network;
}

function appendsTo(network: CoreNetwork, to: MemberId): AppendEntries[] {
  return network.sent.filter(
    (message): message is AppendEntries => message.kind === 'appendEntries' && message.to === to,
  );
}

function progressOf(network: CoreNetwork, leader: MemberId, id: MemberId) {
  return network.status(leader).progress.find((progress) => progress.id === id)!;
}

/** An append of a leader that is not in the network. */
function append(
  prev: readonly [number, number],
  options: { readonly term: number; readonly add?: readonly number[]; readonly commit?: number },
): AppendEntries {
  const [prevIndex, prevTerm] = prev as unknown as [Index, Term];
  return {
    kind: 'appendEntries',
    from: ONE,
    to: TWO,
    term: options.term as Term,
    prevIndex,
    prevTerm,
    entries: (options.add ?? []).map((term, place) => entry(prevIndex + 1 + place, term)),
    commitIndex: (options.commit ?? 0) as Index,
  };
}

t.test('R20 only entries of the own term are committed by counting (Raft §3.6.2)', (t) => {
  const log = memberWithLog([1, 2], { term: 3 });
  const initial = new Map([ONE, TWO, THREE].map((id) => [id, log]));
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  const held = network.hold(
    (message) => message.kind === 'appendEntries' && message.entries.length > 0,
  );
  network.campaign(ONE);
  const [first] = held as AppendEntries[];
  network.stepInto({ ...first!, entries: [] });
  network.run();
  t.equal(progressOf(network, ONE, first!.to).match, 2, 'a majority has entry 2');
  t.equal(network.status(ONE).commitIndex, 0);
  network.heal();
  network.stepInto(first!);
  network.run();
  t.equal(network.status(ONE).commitIndex, 3, 'entry 3 of the own term commits those before it');
  t.end();
});

t.test('R21 a new leader appends an empty entry, and reads see what was acknowledged', (t) => {
  const network = elected(3);
  network.propose(ONE, 'acknowledged');
  network.crash(ONE);
  const held = network.hold(ofKind('appendEntriesResponse'));
  network.tickUntil(() => network.leaderId !== undefined);
  const leader = network.leaderId!;
  t.equal(network.status(leader).lastIndex, 3);
  network.read(leader);
  t.strictSame(network.reads.get(leader), [], 'its commitIndex may be old');
  network.heal();
  for (const message of held) network.stepInto(message);
  network.run();
  t.match(network.reads.get(leader), [{ kind: 'confirmed', index: 3 }]);
  t.end();
});

t.test('R22 late duplicates of appends erase nothing (Raft §3.5)', (t) => {
  const network = elected(3);
  for (let i = 0; i < 20; i++) network.propose(ONE, `value ${i}`);
  network.tickAll(200);
  const before = network.terms(TWO);
  for (const message of appendsTo(network, TWO).reverse()) {
    network.stepInto(message);
    network.stepInto({ ...message, entries: message.entries.slice(0, 1) });
  }
  network.run();
  t.strictSame(network.terms(TWO), before);
  t.equal(network.data(TWO).length, 20);
  network.checker.checkLogs([...network.members.values()]);
  t.end();
});

t.test('R23 commitIndex never passes what the message covers', (t) => {
  const initial = new Map([[TWO, memberWithLog([1, 1, 2, 2])]]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  network.stepInto(append([2, 1], { term: 3, commit: 4 }));
  t.equal(network.status(TWO).commitIndex, 2, "entries 3 and 4 may differ from the leader's");
  t.equal(network.status(TWO).lastIndex, 4, 'and nothing is cut without a conflict');

  const leading = elected(3);
  leading.isolate(THREE);
  leading.propose(ONE, 'committed by two');
  leading.heal();
  leading.drop(ofKind('appendEntries', { to: THREE }));
  leading.tickAll(20);
  const told = leading.sent.filter(ofKind('heartbeat', { to: THREE })) as { commitIndex: Index }[];
  t.equal(told.at(-1)?.commitIndex, 1, 'a heartbeat tells min(match, commit)');
  t.end();
});

t.test('R24 an append that contradicts what is committed stops the process', (t) => {
  const initial = new Map([[TWO, memberWithLog([1, 1, 1], { commitIndex: 2 })]]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  t.throws(() => network.stepInto(append([1, 1], { term: 3, add: [3] })), /\(R24\)/);
  t.end();
});

t.test('R26 answers of an earlier term count for nothing', (t) => {
  const network = elected(3);
  const held = network.hold(ofKind('appendEntriesResponse', { from: TWO, to: ONE }));
  network.cut(ONE, THREE);
  network.propose(ONE, 'only two has it');
  t.ok(held.length > 0);
  network.heal();
  network.isolate(ONE);
  network.tickUntil(
    () => network.status(TWO).role === 'leader' || network.status(THREE).role === 'leader',
  );
  network.heal();
  network.tickAll(100);
  network.crash(network.leaderId!);
  network.restart([TWO, THREE].find((id) => !network.member(id).isUp) ?? ONE);
  network.drop(ofKind('appendEntries', { to: TWO }));
  network.tickUntil(() => {
    network.campaign(ONE);
    return network.leaderId === ONE;
  });
  const before = progressOf(network, ONE, TWO);
  for (const message of held) network.stepInto(message);
  t.strictSame(progressOf(network, ONE, TWO), before);
  const [old] = held as [Message & { kind: 'appendEntriesResponse' }];
  const { term } = network.status(ONE);
  network.stepInto({ ...old, term, result: { kind: 'accepted', matchIndex: 99 as Index } });
  t.ok(
    progressOf(network, ONE, TWO).match <= network.status(ONE).lastIndex,
    'nor beyond what was sent',
  );
  t.end();
});

t.test("R28 others commit while the leader's disk is stuck; its own apply waits", (t) => {
  const network = elected(3);
  network.stickDisk(ONE);
  network.propose(ONE, 'a');
  network.tickAll(10);
  t.strictSame([network.status(ONE).commitIndex, network.status(ONE).stableIndex], [2, 1]);
  t.strictSame(network.data(TWO), ['a']);
  t.strictSame(network.data(ONE), [], 'not before it is in the own log');
  t.equal(progressOf(network, ONE, ONE).match, 1, 'it never says that it has it');
  network.freeDisk(ONE);
  network.run();
  t.strictSame(network.data(ONE), ['a']);
  t.end();
});

t.test('R29 a full window lets commitIndex pass, and a lossy link recovers', (t) => {
  const network = elected(3, { maxInflightMessages: 1 });
  const held = network.hold(ofKind('appendEntriesResponse', { from: THREE }));
  network.propose(ONE, 'a');
  network.propose(ONE, 'b');
  t.ok(held.length > 0);
  t.equal(progressOf(network, ONE, THREE).match, 1);
  const last = appendsTo(network, THREE).at(-1)!;
  t.strictSame([last.entries.length, last.commitIndex], [0, 2], 'an append without entries');
  t.equal(network.status(THREE).commitIndex, 2);
  network.heal();
  for (const message of held) network.stepInto(message);
  network.run();
  t.strictSame(network.data(THREE), ['a', 'b']);

  let count = 0;
  network.drop(
    (message) => message.kind === 'appendEntries' && message.to === THREE && count++ % 2 === 0,
  );
  for (let i = 0; i < 20; i++) network.propose(ONE, `value ${i}`);
  network.tickUntil(() => network.data(THREE).length === 22, 40 * 5);
  t.pass('every second append is lost');
  t.end();
});

t.test('R30 without a quorum the leader takes no more than its cap of bytes', (t) => {
  const network = elected(3, { maxUncommittedBytes: 10 });
  network.isolate(ONE);
  const propose = (bytes: number) => network.propose(ONE, 'x'.repeat(bytes)).kind;
  t.equal(propose(4), 'appended');
  t.equal(propose(6), 'appended', 'at the limit');
  t.match(network.propose(ONE, 'x'), { kind: 'dropped', reason: 'uncommittedBytes' });
  t.equal(propose(0), 'appended', 'an empty entry always');
  network.stepInto({
    kind: 'propose',
    from: TWO,
    to: ONE,
    term: 0 as Term,
    proposals: [{ kind: 'normal', data: Buffer.from('x') }],
  });
  t.equal(network.status(ONE).lastIndex, 4, 'a forwarded one is refused as well');
  network.heal();
  network.tickAll(5);
  t.equal(network.status(ONE).commitIndex, 4);
  t.equal(propose(99), 'appended', 'one larger than the cap, when nothing waits');
  t.end();
});

t.test('R31 appends are contiguous at every byte limit', (t) => {
  const sizes = [0, 3, 1, 0, 7, 2, 2, 0, 0, 5];
  for (let limit = 1; limit <= 22; limit++) {
    const network = elected(3, { maxMessageBytes: limit, maxInflightMessages: 3 });
    network.isolate(THREE);
    for (const size of sizes) network.propose(ONE, 'x'.repeat(size));
    network.heal();
    network.tickAll(10);
    t.equal(network.status(THREE).lastIndex, 1 + sizes.length, `${limit} bytes`);
    for (const { prevIndex, entries } of appendsTo(network, THREE)) {
      const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
      if (entries.some((own, place) => own.index !== prevIndex + 1 + place)) t.fail('a gap');
      if (bytes > limit && entries.length > 1) t.fail(`${bytes} bytes`);
    }
  }
  const network = new CoreNetwork({ ids: memberIds(3) });
  const gap = append([0, 0], { term: 1, add: [1, 1] });
  t.throws(() => network.stepInto({ ...gap, entries: [...gap.entries].reverse() }), /\(R31\)/);
  t.end();
});

t.test('R31 proposals of one turn travel in one append, in their order (Raft §10.2.2)', (t) => {
  const network = elected(3);
  const before = appendsTo(network, TWO).length;
  const { node } = network.member(ONE);
  for (let i = 0; i < 5; i++) node.propose([{ kind: 'normal', data: Buffer.from(`value ${i}`) }]);
  network.run();
  const appends = appendsTo(network, TWO).slice(before);
  t.strictSame(
    appends.filter(({ entries }) => entries.length > 0).map(({ entries }) => entries.length),
    [5],
  );
  t.strictSame(
    network.data(TWO),
    [0, 1, 2, 3, 4].map((i) => `value ${i}`),
  );
  t.end();
});

t.test('appends are pipelined, and leave while the own disk still writes (Raft §10.2)', (t) => {
  const network = elected(3, { maxInflightMessages: 4 });
  network.stickDisk(ONE);
  network.hold(ofKind('appendEntriesResponse'));
  for (let i = 0; i < 6; i++) network.propose(ONE, `value ${i}`);
  const lengths = appendsTo(network, TWO)
    .map(({ entries }) => entries.length)
    .slice(-4);
  t.strictSame(lengths, [1, 1, 1, 1], 'as many as the window takes, without an answer');
  t.end();
});

t.test('R32 R33 each index is applied once and in order, whatever a crash takes away', (t) => {
  const network = elected(3);
  network.propose(ONE, 'a');
  network.propose(ONE, 'b');
  const member = network.member(TWO);
  t.ok((member.durableHardState?.commitIndex ?? 0) < 3, 'the commitIndex was not synced');
  t.strictSame(network.data(TWO), ['a', 'b']);
  network.crash(TWO);
  network.restart(TWO);
  t.equal(network.status(TWO).commitIndex, 3, 'what was applied is committed');
  network.tickAll(20);
  t.strictSame(network.data(TWO), ['a', 'b'], 'not a second time');
  network.crash(TWO, { appliedLost: 2 });
  t.strictSame(network.data(TWO), []);
  network.restart(TWO);
  network.tickAll(20);
  t.strictSame(network.data(TWO), ['a', 'b'], 'what the store lost comes again');
  t.end();
});

t.test('R34 after a burst of losses replication resumes within one heartbeat', (t) => {
  for (const isReported of [true, false]) {
    const network = elected(3);
    network.drop(ofKind('appendEntries', { to: THREE }));
    for (let i = 0; i < 10; i++) network.propose(ONE, `value ${i}`);
    network.heal();
    t.equal(network.data(THREE).length, 0);
    if (isReported) {
      network.member(ONE).node.reportUnreachable(THREE);
      t.match(progressOf(network, ONE, THREE), { state: 'probe', match: 1, next: 2 });
    }
    network.tickAll(5);
    t.equal(network.data(THREE).length, 10, isReported ? 'reported' : 'in silence');
  }
  t.end();
});

t.test('a follower that needs released entries is shown, and fed nothing wrong', (t) => {
  const network = elected(3);
  network.isolate(THREE);
  for (let i = 0; i < 5; i++) network.propose(ONE, `value ${i}`);
  network.member(ONE).log.release(4 as Index);
  network.heal();
  network.tickAll(20);
  t.match(progressOf(network, ONE, THREE), {
    needsSnapshot: true,
    state: 'snapshotting',
    match: 1,
  });
  t.strictSame(network.status(THREE).lastIndex, 1);
  t.equal(network.leaderId, ONE, 'heartbeats still keep it following');
  t.end();
});

t.test('a follower forwards proposals; without forwarding it refuses them', (t) => {
  const network = elected(3);
  t.match(network.propose(TWO, 'forwarded'), { kind: 'forwarded', leaderId: ONE, term: 1 });
  t.strictSame(network.data(THREE), ['forwarded']);
  const strict = elected(3, { isForwardingOn: false });
  t.match(strict.propose(TWO, 'refused'), { kind: 'dropped', reason: 'forwardingOff' });
  t.match(strict.propose(ONE, 'taken'), { kind: 'appended', firstIndex: 2, lastIndex: 2, term: 1 });
  strict.stepInto({
    kind: 'propose',
    from: THREE,
    to: TWO,
    term: 0 as Term,
    proposals: entriesByTerm([1]),
  });
  strict.run();
  t.strictSame(strict.data(TWO), ['taken'], 'a member that does not lead passes nothing on');
  t.end();
});
