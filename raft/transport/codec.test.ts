/** The codec against protobufjs on raft.proto, and against damage (R90, R93). */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import t from 'tap';
import { crc32 } from '../../base/crc32';
import { SeededRandom, type Random } from '../../base/random';
import { MESSAGE_KINDS, type Entry, type Index, type MemberId } from '../core';
import type { Message, MessageKind, Term } from '../core';
import { RAFT_LIMITS } from '../limits';
import { decodeBatch, decodeHello, encodeBatch, encodeHello, type Hello } from './codec';

const A = 'ffffffffffffffff' as MemberId;
const B = '8000000000000001' as MemberId;
const MAX = Number.MAX_SAFE_INTEGER;

function number(random: Random): number {
  return random.pick([0, 1, 127, 128, 300, 2 ** 32, 2 ** 32 + 1, MAX, random.below(1000)]);
}

function id(random: Random): MemberId {
  return random.pick([
    A,
    B,
    '0000000000000001',
    '7fffffffffffffff',
    '0020000000000001',
  ]) as MemberId;
}

function makeMessage(kind: MessageKind, random: Random): Message {
  const header = { from: A, to: B, term: number(random) as Term };
  const index = (): Index => number(random) as Index;
  const term = (): Term => number(random) as Term;
  const flag = (): boolean => random.below(2) === 1;
  const key = { memberId: id(random), incarnation: number(random), counter: number(random) };
  const data = (): Uint8Array => random.bytes(random.pick([0, 1, 100, 127, 128, 500]));
  const entryKind = (): 'normal' | 'confChange' => random.pick(['normal', 'confChange']);
  switch (kind) {
    case 'preVote':
      return { kind, ...header, lastIndex: index(), lastTerm: term() };
    case 'requestVote':
      return { kind, ...header, lastIndex: index(), lastTerm: term(), isTransfer: flag() };
    case 'preVoteResponse':
    case 'requestVoteResponse':
      return { kind, ...header, isGranted: flag() };
    case 'appendEntries': {
      const prevIndex = random.pick([0, 5, 2 ** 40]) as Index;
      const entries = Array.from({ length: random.below(5) }, (_, i): Entry => ({
        index: (prevIndex + 1 + i) as Index,
        term: term(),
        kind: entryKind(),
        data: data(),
      }));
      return { kind, ...header, prevIndex, prevTerm: term(), entries, commitIndex: index() };
    }
    case 'appendEntriesResponse': {
      const result = random.pick([
        { kind: 'accepted', matchIndex: index() } as const,
        { kind: 'stale' } as const,
        { kind: 'rejected', prevIndex: index(), hintIndex: index(), hintTerm: term() } as const,
      ]);
      return { kind, ...header, result };
    }
    case 'heartbeat':
      return { kind, ...header, commitIndex: index(), readBatch: number(random) };
    case 'heartbeatResponse':
      return { kind, ...header, readBatch: number(random) };
    case 'installSnapshot': {
      const list = (): MemberId[] => Array.from({ length: random.below(3) }, () => id(random));
      const confState = {
        voters: list(),
        votersOutgoing: list(),
        learners: list(),
        learnersNext: list(),
        autoLeave: flag(),
      };
      return { kind, ...header, meta: { index: index(), term: term(), confState } };
    }
    case 'installSnapshotResponse':
      return { kind, ...header, index: index(), isInstalled: flag() };
    case 'timeoutNow':
      return { kind, ...header };
    case 'timeoutNowResponse':
      return { kind, ...header, isCampaigning: flag() };
    case 'readIndex':
      return { kind, ...header, key };
    case 'readIndexResponse':
      return { kind, ...header, key, index: index() };
    case 'propose': {
      const one = { kind: entryKind(), data: data() };
      const more = Array.from({ length: random.below(3) }, () => ({
        kind: entryKind(),
        data: data(),
      }));
      return { kind, ...header, proposals: [one, ...more] };
    }
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) =>
      each instanceof Uint8Array ? `bytes ${Buffer.from(each).toString('hex')}` : each,
    ),
  );
}

t.test('every kind of message comes back as it was sent (R90)', (t) => {
  const random = new SeededRandom('codec');
  for (const kind of MESSAGE_KINDS) {
    for (let i = 0; i < 30; i++) {
      const messages = Array.from({ length: 1 + random.below(3) }, () => makeMessage(kind, random));
      const frame = encodeBatch(messages);
      const batch = decodeBatch(frame);
      frame.fill(0xee);
      if (JSON.stringify(plain(batch.messages)) !== JSON.stringify(plain(messages))) {
        t.same(plain(batch.messages), plain(messages), kind);
      }
    }
  }
  t.equal(MESSAGE_KINDS.length, 15);
  t.end();
});

t.test('frames are what raft.proto says, byte for byte through protobufjs', (t) => {
  const root = protobuf.loadSync(join(__dirname, 'raft.proto'));
  const Batch = root.lookupType('keelson.raft.Batch');
  const HelloType = root.lookupType('keelson.raft.Hello');
  const random = new SeededRandom('proto');
  for (const kind of MESSAGE_KINDS) {
    for (let i = 0; i < 20; i++) {
      const frame = encodeBatch([makeMessage(kind, random), makeMessage(kind, random)]);
      const again = Batch.encode(Batch.decode(frame)).finish();
      if (Buffer.compare(again, frame) !== 0) t.fail(`${kind} differs`);
    }
  }
  const hello: Hello = {
    versionMin: 1,
    versionMax: 3,
    clusterId: A,
    memberId: B,
    expectedPeerId: A,
    logId: '0000000000000007',
    incarnation: MAX,
    storeSchema: 2,
  };
  const frame = encodeHello(hello);
  t.same(decodeHello(frame), hello);
  t.equal(Buffer.compare(HelloType.encode(HelloType.decode(frame)).finish(), frame), 0);
  const decoded = HelloType.toObject(HelloType.decode(frame), { longs: String });
  t.equal(decoded['memberId'], BigInt(`0x${B}`).toString(), 'the id is the number it looks like');
  t.end();
});

t.test('damaged and hostile frames are refused with a RangeError and nothing else (R93)', (t) => {
  const random = new SeededRandom('fuzz');
  const reseal = (frame: Uint8Array): void => {
    new DataView(frame.buffer, frame.byteOffset).setUint32(1, crc32(frame.subarray(5)), true);
  };
  let [refused, taken] = [0, 0];
  const attempt = (frame: Uint8Array): void => {
    try {
      decodeBatch(frame);
      taken += 1;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refused += 1;
    }
    try {
      decodeHello(frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  for (let i = 0; i < 6_000; i++) {
    const frame = encodeBatch([makeMessage(random.pick(MESSAGE_KINDS), random)]);
    const damaged = random.below(4) === 0 ? frame.slice(0, random.below(frame.length)) : frame;
    for (let n = random.below(4); n > 0 && damaged.length > 0; n--) {
      damaged[random.below(damaged.length)] = random.below(256);
    }
    // With a right checksum the decoder itself is tried.
    if (damaged.length >= 5 && random.below(8) > 0) reseal(damaged);
    attempt(damaged);
  }
  for (let i = 0; i < 2_000; i++) {
    const noise = random.bytes(5 + random.below(60));
    noise[0] = 13;
    reseal(noise);
    attempt(noise);
  }
  t.ok(refused > 2_000 && taken > 500, `${refused} refused, ${taken} taken`);
  const flipped = encodeBatch([makeMessage('heartbeat', random)]);
  flipped[flipped.length - 1]! ^= 1;
  t.throws(() => decodeBatch(flipped), { message: /checksum/ });
  t.throws(() => decodeBatch(new Uint8Array(RAFT_LIMITS.frameBytesMax + 1)), RangeError);
  t.end();
});
