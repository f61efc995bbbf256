/** What `keelson transfer-leadership` asks of whom, and what it says when nothing moves (R12). */
import t from 'tap';
import type { MemberStatus, TransferReason } from '../store';
import type { EndpointStatus } from '../store/wire';
import { chooseTransfer, describeRefusal, runTransfer } from './transfer';

function memberAnswer(name: string, role: MemberStatus['role'], term = 3): EndpointStatus {
  const status = {
    ...{ name, memberId: `id of ${name}`, clusterId: 'c', role, leaderId: undefined, term },
    ...{ commitIndex: 1, appliedIndex: 1, revision: 1, databaseBytes: 1, address: `${name}:1` },
  };
  return { address: status.address, reachable: true, status };
}

t.test('a transfer is asked of the leader, or refused in a sentence (R12)', async (t) => {
  const [r1, r2] = [memberAnswer('r1', 'leader', 2), memberAnswer('r2', 'leader', 3)];
  const r3: EndpointStatus = { address: 'r3:1', reachable: false, reason: 'refused' };
  const nameAt = (address: string): string | undefined => (address === 'r3:1' ? 'r3' : undefined);
  const all = [r1, r2, r3];
  const choose = (to?: string, answers = all): unknown => chooseTransfer(answers, to, nameAt);
  const ask = { kind: 'ask', address: 'r2:1', leader: { name: 'r2' } };
  t.match(choose(), { ...ask, target: undefined }, 'the later term is the one that counts');
  t.match(choose('r1'), { ...ask, target: { memberId: 'id of r1' } });
  t.match(choose('r2'), { kind: 'leadsAlready', leader: { name: 'r2' } });
  t.throws(() => choose('r3'), /to r3 as it cannot be reached: refused/);
  t.throws(() => choose('r9'), /no member r9: the members are r1, r2, r3\./);
  const followers = [memberAnswer('r1', 'follower'), memberAnswer('r2', 'candidate')];
  t.throws(() => choose(undefined, followers), /none of 2 reachable members leads: try again/);
  t.throws(() => choose(undefined, [r3]), /none of 0 reachable .*; 1 cannot be reached/);
  const reasons: readonly TransferReason[] = [
    ...(['notLeader', 'alreadyLeader', 'notVoter', 'noTarget', 'busy', 'timeout'] as const),
    ...(['noLeader', 'stopped'] as const),
  ];
  const sentences = reasons.map((reason) => describeRefusal(reason, 'r1', 'r2'));
  t.equal(new Set(sentences).size, reasons.length);
  t.match(describeRefusal('timeout', 'r1', 'r2'), /r2 did not take over.*r1 leads on/);
  const flags = { dataDir: 'none', endpoints: ['127.0.0.1:1'], output: 'text' } as const;
  await t.rejects(runTransfer({ ...flags, insecurePlaintext: true }), /1 cannot be reached/);
});
