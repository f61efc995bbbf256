/** The stories of specification section 7, step by step. */
import t from 'tap';
import { CoreNetwork, memberId, memberIds, memberWithLog, ofKind } from '../testing';
import type { AppendEntries, AppendEntriesResponse } from './message';
import type { Index, MemberId, Term } from './types';

const NO_CHECKS = { isPreVoteOn: false, isCheckQuorumOn: false };
const [S1, S2, S3, S4, S5] = memberIds(5) as [MemberId, MemberId, MemberId, MemberId, MemberId];

t.test('figure 7: six kinds of followers converge on the leader (R22, R24, R25)', (t) => {
  const committed = 3;
  const logs = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  const ids = memberIds(logs.length);
  const initial = new Map(
    ids.map((id, place) => [id, memberWithLog(logs[place]!, { term: 7, commitIndex: committed })]),
  );
  const network = new CoreNetwork({ ids, initial, settings: NO_CHECKS });
  network.campaign(S1);
  t.match(network.status(S1), { role: 'leader', term: 8 });
  for (const [place, id] of ids.entries()) {
    const name = `follower ${'.abcdef'[place]}`;
    t.strictSame(network.terms(id), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8], name);
    const rejections = network.sent.filter(
      (message): message is AppendEntriesResponse =>
        message.kind === 'appendEntriesResponse' &&
        message.from === id &&
        message.result.kind === 'rejected',
    );
    t.ok(rejections.length <= 1, `${name}: one rejection at most for each term that differs`);
  }
  network.tickAll(5);
  for (const id of ids) t.equal(network.status(id).commitIndex, 11);
  t.end();
});

t.test('figure 8: an entry of an earlier term on a majority is not committed (R20)', (t) => {
  for (const ending of ['overwritten', 'committed'] as const) {
    const log = memberWithLog([1], { commitIndex: 1 });
    const initial = new Map(memberIds(5).map((id) => [id, log]));
    const network = new CoreNetwork({ ids: memberIds(5), initial, settings: NO_CHECKS });

    // (a) S1 leads term 2, its index 2 reaches S2.
    for (const id of [S3, S4, S5]) network.drop(ofKind('appendEntries', { to: id }));
    network.campaign(S1);
    t.strictSame(
      [network.terms(S1), network.terms(S2)],
      [
        [1, 2],
        [1, 2],
      ],
    );
    network.crash(S1);

    // (b) S5 leads term 3 by the votes of S3 and S4, and appends its own index 2.
    network.heal();
    network.drop(ofKind('appendEntries', { from: S5 }));
    network.campaign(S5);
    t.match(network.status(S5), { role: 'leader', term: 3, vote: S5 });
    t.strictSame(
      [network.terms(S5), network.terms(S2)],
      [
        [1, 3],
        [1, 2],
      ],
    );
    network.crash(S5);

    // (c) S1 leads term 4 and brings index 2 of term 2 to S3.
    network.heal();
    const held = network.hold(ofKind('appendEntries', { from: S1 })) as AppendEntries[];
    network.restart(S1);
    network.campaign(S1);
    network.campaign(S1);
    t.match(network.status(S1), { role: 'leader', term: 4 });
    const toS3 = (): AppendEntries => held.findLast(({ to }) => to === S3)!;
    network.stepInto(toS3());
    network.run();
    const withBoth = toS3();
    t.strictSame(
      withBoth.entries.map(({ term }) => term),
      [2, 4],
    );
    network.stepInto({ ...withBoth, entries: withBoth.entries.slice(0, 1) });
    network.run();
    t.strictSame(network.terms(S3), [1, 2]);
    t.equal(network.status(S1).commitIndex, 1, 'S1, S2 and S3 have it, and it is not committed');

    if (ending === 'committed') {
      // (e) S1's own entry reaches S3 and S2: now both are committed, and S5 cannot win.
      for (const message of [toS3(), withBoth, held.find(({ to }) => to === S2)!]) {
        network.stepInto(message);
      }
      network.run();
      t.equal(network.status(S1).commitIndex, 3);
      network.crash(S1);
      network.heal();
      network.restart(S5);
      for (let i = 0; i < 5; i++) network.campaign(S5);
      t.equal(network.leaderId, undefined, 'two of five votes are too few');
      continue;
    }
    // (d) S1 stops, S5 wins again and overwrites index 2 everywhere.
    network.crash(S1);
    network.heal();
    network.restart(S5);
    for (let i = 0; i < 3 && network.leaderId === undefined; i++) network.campaign(S5);
    t.equal(network.leaderId, S5);
    network.restart(S1);
    network.tickAll(10);
    for (const id of memberIds(5)) t.strictSame(network.terms(id).slice(0, 2), [1, 3]);
  }
  t.end();
});

t.test("ABA append: the first write's acknowledgement comes last (R27)", (t) => {
  const initial = new Map([[S2, memberWithLog([1], { term: 1 })]]);
  const network = new CoreNetwork({ ids: memberIds(3), initial });
  const { node, log } = network.member(S2);
  const append = (from: MemberId, term: number, entryTerm: number): void => {
    const entries = [
      {
        index: 2 as Index,
        term: entryTerm as Term,
        kind: 'normal' as const,
        data: Buffer.from(''),
      },
    ];
    const prev = { prevIndex: 1 as Index, prevTerm: 1 as Term, commitIndex: 0 as Index };
    node.step({ kind: 'appendEntries', from, to: S2, term: term as Term, entries, ...prev });
  };
  append(S1, 2, 2);
  const first = node.ready();
  append(S3, 3, 3);
  const second = node.ready();
  append(S1, 4, 2);
  const third = node.ready();
  t.strictSame([first.appendAck?.index, first.appendAck?.term], [2, 2]);
  t.strictSame([third.appendAck?.index, third.appendAck?.term], [2, 2], 'the same entry is back');
  log.append(first.entries);
  log.append(second.entries);
  node.storageAppended(second.appendAck!);
  t.equal(node.status().stableIndex, 1, 'entry 2 of term 3 is not in the log any more');
  node.storageAppended(first.appendAck!);
  t.equal(
    node.status().stableIndex,
    1,
    'entry 2 of term 2 is, but the write of then is overwritten',
  );
  log.append(third.entries);
  node.storageAppended(third.appendAck!);
  t.equal(node.status().stableIndex, 2);
  t.end();
});

t.test('a candidate that lost its unsynced log does not count votes for it (R1)', (t) => {
  // S1 has entry 2 unsynced when it campaigns. Were its requests sent at once, it could lose term,
  // vote and entry in a crash, campaign in the same term again, and win by votes for the lost log.
  const initial = new Map(memberIds(3).map((id) => [id, memberWithLog([1], { commitIndex: 1 })]));
  const network = new CoreNetwork({ ids: memberIds(3), initial, settings: NO_CHECKS });
  network.campaign(S2);
  network.stickDisk(S1);
  network.drop(ofKind('appendEntriesResponse', { from: S3 }));
  network.propose(S2, 'unsynced on S1');
  network.campaign(S1);
  t.strictSame(
    network.sent.filter(ofKind('requestVote', { from: S1 })),
    [],
    'the requests wait for the log that they claim',
  );
  t.end();
});

t.test('seven members, two dead, one way cut: the rest goes on (R8)', (t) => {
  const ids = memberIds(7);
  const network = new CoreNetwork({ ids });
  network.crash(ids[5]!);
  network.crash(ids[6]!);
  network.cut(memberId(1), memberId(2));
  network.cut(memberId(3), memberId(1));
  network.tickUntil(() => network.leaderId !== undefined, 500);
  network.tickAll(500);
  const leaderId = network.leaderId!;
  const { term } = network.status(leaderId);
  network.tickAll(1_000);
  t.match(network.status(leaderId), { role: 'leader', term }, 'no change afterwards');
  network.propose(leaderId, 'alive');
  t.strictSame(network.data(leaderId), ['alive']);
  t.end();
});
