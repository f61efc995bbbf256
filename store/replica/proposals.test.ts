/**
 * The small parts of a replica against a proposer that does as told: when a proposal is offered
 * again and when its outcome is unknown (S26), which readers a round of confirmation serves (R80,
 * R83), when leases run (S41, S43), what a compactor proposes.
 */
import t from 'tap';
import { utf8 } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import { nullLogger } from '../../base/logger';
import { Simulator } from '../../cluster-test/sim';
import { simpleConfState, type Entry, type Index, type MemberId, type Term } from '../../raft';
import {
  decodeCommand,
  encodeCommand,
  type Command,
  type CommandBody,
  type CommandResult,
} from '../command';
import { MemoryEngine } from '../engine';
import { storeError } from '../errors';
import type { Revision } from '../kv';
import { StateStore } from '../state';
import { Applier } from './applier';
import { AutoCompactor } from './auto-compactor';
import {
  decodeFencedProposal,
  encodeFencedCommand,
  encodeFencedProposal,
  fenceAnew,
} from './fenced-proposal';
import { ProposerHealth } from './leader-health';
import { LeaseKeeper } from './lease-keeper';
import { LinearizableRead } from './linearizable-read';
import { PendingProposals } from './pending-proposals';
import type { Leadership, Proposer } from './proposer';

const PUT: CommandBody = {
  kind: 'put',
  key: utf8('k'),
  value: utf8('v'),
  leaseId: '0000000000000000',
  withPrevious: false,
};
const DONE: CommandResult = { kind: 'put', revision: 2 as Revision, previous: undefined };

/** A proposer whose answers a test gives. */
class ScriptedProposer implements Proposer {
  current: Leadership = { term: 3, isLeader: false, leaderId: 'leader' };
  readonly proposed: { term: number; command: Command }[] = [];
  readonly asked: { resolve: (index: number) => void; reject: (error: unknown) => void }[] = [];
  refusal: Error | undefined;
  readonly #tells = new Set<(leadership: Leadership) => void>();

  propose(data: Uint8Array): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const { term, start } = decodeFencedProposal(data);
    this.proposed.push({ term, command: decodeCommand(data, start) });
    return Promise.resolve();
  }

  readIndex(signal?: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      this.asked.push({ resolve, reject });
    });
  }

  leadership(): Leadership {
    return this.current;
  }

  onLeadershipChange(tell: (leadership: Leadership) => void): () => void {
    this.#tells.add(tell);
    return () => this.#tells.delete(tell);
  }

  change(current: Leadership): void {
    this.current = current;
    for (const tell of this.#tells) tell(current);
  }
}

function proposals(seed: string) {
  const simulator = new Simulator(seed);
  const { clock } = simulator.process('member');
  const proposer = new ScriptedProposer();
  const memberId = '0000000000000001';
  const pending = new PendingProposals({
    proposer,
    clock,
    memberId,
    incarnation: 1,
    deadlineMs: 6_000,
  });
  return { simulator, proposer, pending };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((error: unknown) => error);
  return error instanceof KeelsonError ? `${error.code} ${error.outcome}` : 'no failure';
}

t.test('the fence of a proposal survives the log', (t) => {
  for (const term of [0, 1, 127, 128, 2 ** 40]) {
    const data = encodeFencedProposal(term, utf8('command'));
    const { start } = decodeFencedProposal(data);
    t.equal(decodeFencedProposal(data).term, term);
    t.same(data.subarray(start), utf8('command'));
    t.same(fenceAnew(data, 9), Uint8Array.of(9, ...utf8('command')));
    const requestId = { memberId: '0000000000000001', incarnation: 1, counter: term };
    const bytes = encodeCommand({ ...PUT, requestId });
    t.equal(
      Buffer.compare(encodeFencedCommand(term, requestId, PUT), encodeFencedProposal(term, bytes)),
      0,
    );
  }
  t.throws(() => decodeFencedProposal(Uint8Array.of(0x80)), RangeError);
  t.end();
});

t.test('a command of another term than its entry has no effect, on any member (S26)', async (t) => {
  const heard: string[] = [];
  const requestId = { memberId: '0000000000000001', incarnation: 1, counter: 7 };
  const data = (term: number): Uint8Array =>
    encodeFencedProposal(term, encodeCommand({ ...PUT, requestId }));
  const state: StateStore = await StateStore.open({
    engine: new MemoryEngine(),
    clusterId: '00000000000000c1',
    onApplied: (outcome) => applier.visible(outcome),
  });
  const applier = new Applier(state, (error) => t.fail(String(error)));
  applier.attach({
    onOutcome: ({ revision }) => heard.push(`outcome ${revision}`),
    onCommand: (_command, { kind }) => heard.push(`command ${kind}`),
    onFencedOut: (command, term) => heard.push(`out ${command.requestId.counter} of ${term}`),
    onTerm: (term) => heard.push(`term ${term}`),
    onApplied: (index) => heard.push(`applied ${index}`),
  });
  const confState = simpleConfState([requestId.memberId as MemberId]);
  const entry = (index: number, term: number, bytes: Uint8Array): Entry => ({
    index: index as Index,
    term: term as Term,
    kind: 'normal',
    data: bytes,
  });
  await applier.apply([entry(1, 4, new Uint8Array(0)), entry(2, 4, data(3))], confState);
  t.same(heard.splice(0), ['outcome 1', 'out 7 of 3', 'term 4', 'applied 2']);
  await applier.apply([entry(3, 4, data(4)), entry(4, 5, data(4))], confState);
  t.same(heard.splice(0), ['outcome 2', 'command put', 'out 7 of 4', 'term 5', 'applied 4']);
  const unknown = entry(5, 5, encodeFencedProposal(5, Uint8Array.of(0xff)));
  t.equal(await codeOf(applier.apply([unknown], confState)), 'STORE_CORRUPT none');
  t.equal(applier.applied().index, 4, 'what is not understood is not passed over');
});

t.test('a proposal is offered again only when it certainly is not applied', async (t) => {
  const { simulator, proposer, pending } = proposals('again');
  const written = pending.submit(PUT);
  t.equal(proposer.proposed.length, 1);
  t.equal(proposer.proposed[0]?.term, 3);
  proposer.change({ term: 4, isLeader: false, leaderId: 'other' });
  await simulator.runFor(500);
  t.equal(proposer.proposed.length, 1, 'a new leader alone proves nothing: it may be in the log');
  pending.termApplied(4);
  t.equal(proposer.proposed.length, 2, 'an applied entry of its term does');
  t.equal(proposer.proposed[1]?.term, 4);
  const counter = proposer.proposed[1]?.command.requestId.counter ?? 0;
  pending.fencedOut(counter, 3);
  t.equal(proposer.proposed.length, 2, 'the late copy of the first attempt changes nothing');
  pending.fencedOut(counter, 4);
  t.equal(proposer.proposed.length, 3, 'that of the present attempt does');
  pending.applied(counter, DONE);
  t.equal(await written, DONE);
  pending.applied(counter, DONE);
  t.equal(pending.size, 0);
});

t.test('at its deadline a proposal is unknown, unless it certainly is in no log', async (t) => {
  const { simulator, proposer, pending } = proposals('deadline');
  const unknown = codeOf(pending.submit(PUT));
  proposer.change({ term: 4, isLeader: false, leaderId: undefined });
  const none = codeOf(pending.submit(PUT));
  t.equal(await simulator.runUntilSettled(unknown), 'STORE_TIMEOUT unknown');
  t.equal(await simulator.runUntilSettled(none), 'RAFT_NO_LEADER none');
  t.equal(proposer.proposed.length, 1);
  proposer.change({ term: 5, isLeader: false, leaderId: 'x' });
  proposer.refusal = storeError('RAFT_PROPOSAL_DROPPED', 'too much waits');
  const late = pending.submit(PUT);
  await simulator.runFor(300);
  proposer.refusal = undefined;
  await simulator.runFor(100);
  t.equal(proposer.proposed.length, 2, 'a refused one is tried again while there is time');
  pending.applied(proposer.proposed[1]?.command.requestId.counter ?? 0, DONE);
  t.equal(await late, DONE);
  const [handedOver, bound] = [
    codeOf(pending.submit(PUT)),
    codeOf(pending.submit(PUT, { onlyInTerm: 4 })),
  ];
  t.equal(await bound, 'RAFT_NOT_LEADER none', 'what belongs to a term ends with it (S40)');
  pending.stop();
  t.equal(await handedOver, 'STORE_TIMEOUT unknown');
  t.equal(await codeOf(pending.submit(PUT)), 'STORE_STOPPED none');
});

t.test('a round of confirmation serves those who came before it began', async (t) => {
  const simulator = new Simulator('rounds');
  const { clock } = simulator.process('member');
  const proposer = new ScriptedProposer();
  let applied = 10;
  const reads = new LinearizableRead({
    proposer,
    clock,
    appliedIndex: () => applied,
    deadlineMs: 3_000,
    roundTimeoutMs: 500,
  });
  const done: string[] = [];
  const read = (name: string): void => void reads.confirm().then(() => done.push(name));
  read('a');
  read('b');
  await simulator.runFor(1);
  t.equal(proposer.asked.length, 1, 'one question for a turn');
  read('c');
  await simulator.runFor(1);
  t.equal(proposer.asked.length, 1, 'one at a time');
  proposer.asked[0]?.resolve(12);
  await simulator.runFor(1);
  t.same(done, [], 'confirmed, not applied');
  t.equal(proposer.asked.length, 2, 'who came later gets another round');
  applied = 12;
  reads.applied(12);
  await simulator.runFor(1);
  t.same(done, ['a', 'b']);
  proposer.asked[1]?.reject(storeError('RAFT_LEADER_CHANGED', 'the leader changed'));
  await simulator.runFor(50);
  t.equal(proposer.asked.length, 3, 'asked again under the new leader (R83)');
  await simulator.runFor(600);
  t.equal(proposer.asked.length, 4, 'asked again when the answer is lost');
  proposer.asked[3]?.resolve(12);
  await simulator.runFor(1);
  t.same(done, ['a', 'b', 'c']);
  const failed = codeOf(reads.confirm());
  await simulator.runFor(4_000);
  t.equal(await failed, 'RAFT_LEADER_CHANGED unknown', 'until the deadline');
  const stopped = codeOf(reads.confirm());
  reads.stop();
  t.equal(await stopped, 'STORE_STOPPED none');
});

t.test('lease clocks run on a leader that applied an entry of its term (S40 to S43)', async (t) => {
  const simulator = new Simulator('leases');
  const { clock } = simulator.process('member');
  const proposer = new ScriptedProposer();
  const submitted: { body: CommandBody; term: number; reject: (error: Error) => void }[] = [];
  const lease = { leaseId: '00000000000000a1', ttlSeconds: 2, remainingSeconds: 2 };
  const keeper = new LeaseKeeper({
    clock,
    logger: nullLogger,
    proposer,
    electionTimeoutMs: 200,
    deadlineMs: 5_000,
    leases: () => [lease],
    revision: () => 7 as Revision,
    confirm: () => Promise.resolve(),
    submit: (body, term) =>
      new Promise((_resolve, reject) => submitted.push({ body, term, reject })),
    fail: (error) => t.fail(String(error)),
  });
  proposer.change({ term: 4, isLeader: true, leaderId: 'me' });
  t.equal(keeper.isRunning, false, 'elected, and nothing applied yet (S41)');
  t.equal(await codeOf(keeper.renew(lease.leaseId)), 'RAFT_NOT_LEADER none');
  keeper.termApplied(4);
  t.equal(keeper.isRunning, true);
  t.same(await keeper.renew(lease.leaseId), { revision: 7, ttlSeconds: 2 });
  t.same(await keeper.renew('00000000000000a2'), { revision: 7, ttlSeconds: 0 }, 'S44');
  await simulator.runFor(2_500);
  t.same(
    submitted.map(({ body, term }) => [body.kind, term]),
    [['leaseExpire', 4]],
  );
  const renewal = codeOf(keeper.renew(lease.leaseId));
  submitted[0]?.reject(storeError('STORE_TIMEOUT', 'who knows'));
  await simulator.runFor(2_000);
  t.equal(submitted.length, 2, 'proposed again');
  proposer.change({ term: 5, isLeader: false, leaderId: 'other' });
  t.equal(keeper.isRunning, false);
  await simulator.runFor(100);
  t.equal(await renewal, 'RAFT_NOT_LEADER none', 'not renewed while its end is in doubt (S43)');
  await simulator.runFor(5_000);
  t.equal(submitted.length, 2, 'no clock runs on a follower (S46)');
  keeper.stop();
});

t.test('the compactor keeps its time, and the leader alone proposes', async (t) => {
  const simulator = new Simulator('compactor');
  const { clock } = simulator.process('member');
  let [revision, compacted, isLeader] = [1 as Revision, 0 as Revision, false];
  const proposed: number[] = [];
  const compactor = new AutoCompactor({
    clock,
    keptMs: 10_000,
    logger: nullLogger,
    isLeader: () => isLeader,
    revision: () => revision,
    compactRevision: () => compacted,
    compact: (target) => {
      proposed.push(target);
      compacted = target;
      return Promise.resolve();
    },
    fail: (error) => t.fail(String(error)),
  });
  for (let second = 1; second <= 20; second++) {
    await simulator.runFor(1_000);
    revision = (second * 10) as Revision;
  }
  t.same(proposed, [], 'a follower only takes notes');
  isLeader = true;
  await simulator.runFor(1_100);
  t.equal(proposed.length, 1);
  t.ok(proposed[0]! >= 90 && proposed[0]! <= 110, `what was current 10 s ago: ${proposed[0]}`);
  revision = 200 as Revision;
  await simulator.runFor(30_000);
  t.equal(proposed.at(-1), 200, 'without new writes it stops at the last revision');
  const count = proposed.length;
  await simulator.runFor(30_000);
  t.equal(proposed.length, count);
  compactor.stop();
});

t.test(
  'clients hear of a leader at once, of its loss after three election timeouts (S53)',
  async (t) => {
    const simulator = new Simulator('health');
    const { clock } = simulator.process('member');
    const proposer = new ScriptedProposer();
    const health = new ProposerHealth(proposer, clock, 200);
    const heard: boolean[] = [];
    health.onChange((hasLeader) => heard.push(hasLeader));
    proposer.change({ term: 4, isLeader: false, leaderId: undefined });
    await simulator.runFor(500);
    proposer.change({ term: 5, isLeader: false, leaderId: 'other' });
    await simulator.runFor(1_000);
    t.same(heard, [], 'an election is no news');
    proposer.change({ term: 6, isLeader: false, leaderId: undefined });
    await simulator.runFor(601);
    t.same(heard, [false]);
    proposer.change({ term: 7, isLeader: true, leaderId: 'me' });
    t.same(heard, [false, true]);
    health.stop();
  },
);
