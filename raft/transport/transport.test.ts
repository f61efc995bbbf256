/**
 * The transport over the simulated network: who may talk (T2, R66), what a slow link drops (T5),
 * links that end (T9).
 */
import t from 'tap';
import { nullLogger } from '../../base/logger';
import { observeMarks } from '../../base/mark';
import { SimNetwork, Simulator, type SimProcess } from '../../cluster-test/sim';
import type { Index, MemberId, Message, Term } from '../core';
import { RAFT_LIMITS } from '../limits';
import type { WalIdentity } from '../wal';
import { encodeBatch, encodeHello, messageBytes } from './codec';
import { CLOSE_CODES } from './hello';
import { OutboundQueue } from './outbound-queue';
import { PeerTransport } from './peer-transport';

const A = 'ffffffffffffffff' as MemberId;
const B = '8000000000000001' as MemberId;

t.test('a full queue drops appends first, the newest first, heartbeats last (T5)', (t) => {
  const append = (n: number): Message => ({
    kind: 'appendEntries',
    from: A,
    to: B,
    term: 1 as Term,
    prevIndex: n as Index,
    prevTerm: 1 as Term,
    entries: [
      { index: (n + 1) as Index, term: 1 as Term, kind: 'normal', data: new Uint8Array(50) },
    ],
    commitIndex: 0 as Index,
  });
  const heartbeat: Message = {
    kind: 'heartbeat',
    from: A,
    to: B,
    term: 1 as Term,
    commitIndex: 0 as Index,
    readBatch: 0,
  };
  const queue = new OutboundQueue({ bytesMax: 4 * messageBytes(append(1)), messagesMax: 5 });
  const dropped = [append(1), append(2), append(3), append(4), heartbeat].map((m) => queue.push(m));
  t.same(dropped, [0, 0, 0, 0, 1], 'at the limit nothing, one beyond an append');
  t.same(
    queue.take(Infinity, 10).map((m) => (m.kind === 'appendEntries' ? m.prevIndex : m.kind)),
    [1, 2, 3, 'heartbeat'],
  );
  for (let i = 0; i < 5; i++) t.equal(queue.push(heartbeat), 0);
  t.equal(queue.push(append(9)), 1, 'the append that came last goes');
  t.equal(queue.push(heartbeat), 1);
  t.equal(queue.length, 5);
  t.end();
});

interface Node {
  readonly transport: PeerTransport;
  readonly process: SimProcess;
  readonly received: Message[];
  readonly unreachable: MemberId[];
}

class Net {
  readonly simulator: Simulator;
  readonly network: SimNetwork;

  constructor(seed: string) {
    this.simulator = new Simulator(seed);
    this.network = new SimNetwork(this.simulator);
  }

  async start(
    id: MemberId,
    peer: MemberId,
    identity: Partial<WalIdentity> = {},
    options: { storeSchema?: number; isMutuallyAuthenticated?: boolean } = {},
  ): Promise<Node> {
    const process = this.simulator.process(id);
    const received: Message[] = [];
    const unreachable: MemberId[] = [];
    const transport = new PeerTransport({
      network: this.network.of(process),
      listenAddress: `${id}:1`,
      identity: {
        clusterId: '00000000000000c1',
        memberId: id,
        logId: '0000000000000001',
        incarnation: 1,
        ...identity,
      },
      peers: [{ id: peer, address: `${peer}:1`, name: peer }],
      isMutuallyAuthenticated: false,
      storeSchema: 1,
      reconnectMaxMs: 200,
      clock: process.clock,
      random: this.simulator.random.fork(id),
      logger: nullLogger,
      ...options,
    });
    await transport.start({
      receive: (messages) => received.push(...messages),
      reportUnreachable: (each) => unreachable.push(each),
    });
    return { transport, process, received, unreachable };
  }

  isConnected(node: Node): boolean {
    return node.transport.peers()[0]!.isConnected;
  }
}

function beat(from: MemberId, to: MemberId, readBatch = 0): Message {
  return { kind: 'heartbeat', from, to, term: 1 as Term, commitIndex: 0 as Index, readBatch };
}

t.test('members connect both ways and reconnect after a restart (T3, T8, T9)', async (t) => {
  const net = new Net('connect');
  const a = await net.start(A, B);
  a.transport.send([beat(A, B)]);
  await net.simulator.runFor(1);
  t.same(a.unreachable, [], 'a lost heartbeat is no news');
  let b = await net.start(B, A);
  await net.simulator.runUntil('both send', () => net.isConnected(a) && net.isConnected(b), 2_000);
  a.transport.send([beat(A, B, 7), beat(A, B, 8)]);
  b.transport.send([beat(B, A, 9)]);
  await net.simulator.runUntil(
    'both received',
    () => b.received.length === 2 && a.received.length === 1,
  );
  b.process.kill();
  await net.simulator.runUntil('a notices', () => !net.isConnected(a), 5_000);
  t.same(a.unreachable, [B]);
  b = await net.start(B, A, { incarnation: 2 });
  await net.simulator.runUntil(
    'both send again',
    () => net.isConnected(a) && net.isConnected(b),
    1_000,
  );
  a.transport.send([beat(A, B, 10)]);
  await net.simulator.runUntil('it arrives', () => b.received.length === 1);
  await net.simulator.runUntilSettled(a.transport.close());
  await net.simulator.runUntilSettled(a.transport.close());
});

t.test('another cluster, member, log, start or schema may not talk (T1, T2, R66)', async (t) => {
  const cases: [string, Partial<WalIdentity>, object, number][] = [
    ['another cluster', { clusterId: '00000000000000c2' }, {}, CLOSE_CODES.cluster],
    ['another schema', {}, { storeSchema: 2 }, CLOSE_CODES.storeSchema],
    ['no certificate', {}, { isMutuallyAuthenticated: true }, CLOSE_CODES.certificate],
    [
      'another member at the address',
      { memberId: '0000000000000bad' },
      {},
      CLOSE_CODES.unknownMember,
    ],
  ];
  for (const [name, identity, options, code] of cases) {
    const net = new Net(name);
    const a = await net.start(A, B);
    const b = await net.start(B, A, identity, options);
    await net.simulator.runFor(3_000);
    t.notOk(net.isConnected(a) && net.isConnected(b), name);
    const reasons = [a, b].map((node) => node.transport.peers()[0]!.reason).join();
    t.match(reasons, String(code), `${name}: ${reasons}`);
    a.transport.send([beat(A, B)]);
    await net.simulator.runFor(100);
    t.same(b.received, []);
  }
  for (const identity of [{ logId: '0000000000000002' }, { incarnation: 1 }]) {
    const net = new Net('wiped');
    const a = await net.start(A, B);
    let b = await net.start(B, A, { incarnation: 2 });
    await net.simulator.runUntil('connected', () => net.isConnected(a));
    b.process.kill();
    await net.simulator.runFor(100);
    b = await net.start(B, A, { incarnation: 2, ...identity });
    await net.simulator.runFor(3_000);
    t.notOk(net.isConnected(a), 'a wiped or rolled back member stays outside');
  }
});

t.test(
  'a clogged link queues within its bound, and leaves when it is free (T5, R34)',
  async (t) => {
    const net = new Net('clog');
    const a = await net.start(A, B);
    const b = await net.start(B, A);
    await net.simulator.runUntil(
      'connected',
      () => net.isConnected(a) && net.isConnected(b),
      2_000,
    );
    const marks = new Set<string>();
    const before = observeMarks((name) => marks.add(name));
    net.network.clog(A, B);
    const data = new Uint8Array(RAFT_LIMITS.entryBytesMax);
    const append = (n: number): Message => ({
      kind: 'appendEntries',
      from: A,
      to: B,
      term: 1 as Term,
      prevIndex: n as Index,
      prevTerm: 1 as Term,
      entries: [{ index: (n + 1) as Index, term: 1 as Term, kind: 'normal', data }],
      commitIndex: 0 as Index,
    });
    for (let n = 0; n < 30; n++) a.transport.send([append(n)]);
    a.transport.send([beat(A, B, 5)]);
    await net.simulator.runFor(10);
    const [status] = a.transport.peers();
    t.ok(status!.queuedBytes <= RAFT_LIMITS.peerQueueBytesMax + 2 * data.length);
    t.ok(status!.droppedMessages > 5);
    t.ok(a.unreachable.includes(B));
    net.network.heal();
    await net.simulator.runUntil('the heartbeat arrives', () =>
      b.received.some((m) => m.kind === 'heartbeat'),
    );
    const indexes = b.received.flatMap((m) => (m.kind === 'appendEntries' ? [m.prevIndex] : []));
    t.same(
      indexes,
      Array.from({ length: indexes.length }, (_, i) => i),
      'the oldest, in order',
    );
    observeMarks(before);
    t.ok(marks.has('peerQueueDropsAppend'));
  },
);

t.test(
  'a frame that is no frame, or not for us, closes the link and nothing else (R93, T6)',
  async (t) => {
    const net = new Net('garbage');
    const a = await net.start(A, B);
    const intruder = net.simulator.process('intruder');
    const closes: number[] = [];
    const knock = (frames: Uint8Array[]): void => {
      const link = net.network.of(intruder).dial(`${A}:1`, 'raft', {
        onOpen: () => {
          for (const frame of frames) link.send(frame);
        },
        onFrame: () => undefined,
        onClose: ({ code }) => closes.push(code),
      });
    };
    const hello = {
      versionMin: 1,
      versionMax: 1,
      clusterId: '00000000000000c1',
      memberId: B,
      logId: A,
    };
    const good = encodeHello({ ...hello, expectedPeerId: A, incarnation: 1, storeSchema: 1 });
    const knocks: [string, Uint8Array[], number][] = [
      ['garbage', [new Uint8Array([1, 2, 3])], CLOSE_CODES.frameInvalid],
      ['a batch first', [encodeBatch([beat(B, A)])], CLOSE_CODES.frameInvalid],
      ['hello twice', [good, good], CLOSE_CODES.frameInvalid],
      ['nothing', [], CLOSE_CODES.helloTimeout],
      [
        'for another member',
        [encodeHello({ ...hello, expectedPeerId: B, incarnation: 1, storeSchema: 1 })],
        CLOSE_CODES.otherMember,
      ],
      [
        'another version',
        [
          encodeHello({
            ...hello,
            versionMin: 2,
            versionMax: 3,
            expectedPeerId: A,
            incarnation: 1,
            storeSchema: 1,
          }),
        ],
        CLOSE_CODES.version,
      ],
    ];
    for (const [name, frames, code] of knocks) {
      const before = closes.length;
      knock(frames);
      await net.simulator.runUntil(`${name} is refused`, () => closes.length > before, 5_000);
      t.equal(closes.at(-1), code, name);
    }
    t.same(a.received, []);
  },
);
