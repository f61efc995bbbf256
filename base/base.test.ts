/** The small shared parts: integers, ids, bytes, checksums, wire fields, chance, queues, order. */
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import Protobuf from 'protobufjs';
import t from 'tap';
import { assert, InvariantError } from './assert';
import { BoundedQueue } from './bounded-queue';
import { compareBytes, keyAfter, prefixRangeEnd, utf8 } from './bytes';
import { pureCrc32 } from './crc32';
import { Heap } from './heap';
import { hexIdFromBytes, hexIdToBytes, isHexId, NO_ID, randomHexId } from './hex-id';
import { ProtoWriter } from './proto-writer';
import { ProtoReader } from './protobuf';
import { SeededRandom } from './random';
import { readU64, writeU64 } from './safe-integer';
import { Serial } from './serial';
import { VarintReader, varintLength, writeVarint } from './varint';

const counter = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 32, 2 ** 53 - 1));

t.test('R90: counters survive u64 and varint exactly; 2^53 is refused', (t) => {
  fc.assert(
    fc.property(counter, fc.boolean(), (value, littleEndian) => {
      const view = new DataView(new ArrayBuffer(8));
      writeU64(view, 0, value, littleEndian);
      t.equal(readU64(view, 0, littleEndian), value);
      const bytes = new Uint8Array(12);
      const end = writeVarint(bytes, 1, value);
      t.equal(end - 1, varintLength(value));
      t.equal(new VarintReader(bytes, 1).next(), value);
    }),
  );
  const view = new DataView(new ArrayBuffer(8));
  t.throws(() => writeU64(view, 0, 2 ** 53), InvariantError);
  view.setUint32(0, 0x20_0000);
  t.throws(() => readU64(view, 0), RangeError);
  t.throws(() => new VarintReader(Uint8Array.from([0x80])).next(), RangeError);
  t.throws(() => new VarintReader(new Uint8Array(9).fill(0xff)).next(), RangeError);
  t.end();
});

t.test('R90: ids of 64 bits never pass through a double', (t) => {
  for (const id of ['7fffffffffffffff', '0020000000000001', 'ffffffffffffffff', NO_ID]) {
    t.equal(hexIdFromBytes(hexIdToBytes(id)), id);
    const bytes = new ProtoWriter().id(1, id).take();
    const reader = new ProtoReader(bytes);
    if (id === NO_ID) t.equal(bytes.length, 0, 'zero is left out, as proto3 does');
    else t.ok(reader.next() && reader.id() === id, id);
  }
  t.notOk(isHexId('ABCDEF0123456789'));
  t.throws(() => hexIdToBytes('12'), RangeError);
  t.match(randomHexId(new SeededRandom('x'), 63), /^[0-7][0-9a-f]{15}$/);
  t.end();
});

t.test('wire fields are those of protobufjs', (t) => {
  const { root } = Protobuf.parse(`syntax = "proto3"; message M {
    uint64 counter = 1; bool flag = 2; fixed64 id = 3; bytes bytes = 4; string text = 5; M m = 16;
  }`);
  const reference = root.lookupType('M');
  const bytes = new ProtoWriter()
    .counter(1, 2 ** 53 - 1)
    .flag(2, true)
    .id(3, '7fffffffffffffff')
    .bytes(4, utf8('b'))
    .text(5, 'ü')
    .message(16, (m) => m.counter(1, 300))
    .take();
  const decoded = reference.toObject(reference.decode(bytes), { longs: String, bytes: Array });
  t.strictSame(decoded, {
    counter: '9007199254740991',
    flag: true,
    id: '9223372036854775807',
    bytes: [98],
    text: 'ü',
    m: { counter: '300' },
  });
  t.same(Uint8Array.from(reference.encode(reference.decode(bytes)).finish()), bytes);
  const tooLarge = reference.encode(reference.fromObject({ counter: '9007199254740992' })).finish();
  const reader = new ProtoReader(tooLarge);
  t.ok(reader.next());
  t.throws(() => reader.counter(), RangeError, 'a counter of 2^53 is refused');
  t.throws(() => new ProtoWriter().counter(1, -1), RangeError);
  t.end();
});

t.test('R93: random bytes never make a reader do anything but throw a RangeError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const reader = new ProtoReader(bytes);
      try {
        while (reader.next()) {
          if (reader.wireType === 2) reader.bytes();
          else if (reader.wireType === 0) reader.counter();
          else reader.skip();
        }
      } catch (error) {
        if (!(error instanceof RangeError) && !/wire type|index out/.test(String(error)))
          throw error;
      }
    }),
  );
  t.end();
});

t.test('the pure checksum is the one of zlib, also in pieces', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      t.equal(pureCrc32(a), zlibCrc32(a));
      t.equal(pureCrc32(b, pureCrc32(a)), zlibCrc32(b, zlibCrc32(a)));
    }),
  );
  t.end();
});

t.test('the end of a prefix is above all its keys and no others', (t) => {
  t.same(prefixRangeEnd(utf8('a')), utf8('b'));
  t.same(prefixRangeEnd(Uint8Array.from([1, 0xff])), Uint8Array.from([2]));
  t.equal(prefixRangeEnd(Uint8Array.from([0xff, 0xff])), undefined);
  t.equal(prefixRangeEnd(new Uint8Array()), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array(), (prefix, key) => {
      const end = prefixRangeEnd(prefix);
      const isInside =
        compareBytes(key, prefix) >= 0 && (end === undefined || compareBytes(key, end) < 0);
      const isPrefixed = compareBytes(key.slice(0, prefix.length), prefix) === 0;
      t.equal(isInside, isPrefixed);
      t.ok(compareBytes(key, keyAfter(key)) < 0);
    }),
  );
  t.end();
});

t.test('a seed replays; a fork is independent of draws from its parent', (t) => {
  const draw = (random: SeededRandom) => Array.from({ length: 20 }, () => random.below(1000));
  t.same(draw(new SeededRandom('7')), draw(new SeededRandom('7')));
  t.notSame(draw(new SeededRandom('7')), draw(new SeededRandom('8')));
  const drawn = new SeededRandom('7');
  draw(drawn);
  t.same(drawn.fork('disk').bytes(8), new SeededRandom('7').fork('disk').bytes(8));
  const buckets = new Array<number>(10).fill(0);
  const random = new SeededRandom('spread');
  for (let i = 0; i < 10_000; i++) buckets[random.below(10)]! += 1;
  t.ok(
    buckets.every((count) => count > 850 && count < 1150),
    buckets.join(' '),
  );
  t.throws(() => random.below(0), InvariantError);
  t.throws(() => random.pick([]), InvariantError);
  t.end();
});

t.test('a heap gives its items in order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const item of items) heap.push(item);
      const sorted = items.map(() => heap.pop());
      t.same(
        sorted,
        [...items].sort((a, b) => a - b),
      );
      t.equal(heap.pop(), undefined);
    }),
  );
  t.end();
});

t.test('a bounded queue refuses what does not fit, and ends both ways', async (t) => {
  let returned = 0;
  const queue = new BoundedQueue<number>({
    capacity: 10,
    weigh: (n) => n,
    onReturn: () => (returned += 1),
  });
  t.ok(queue.push(50), 'an item is always accepted by an empty queue');
  t.notOk(queue.push(1));
  t.equal(queue.shift(), 50);
  t.ok(queue.push(4) && queue.push(6));
  t.notOk(queue.push(1), 'one beyond the capacity');
  queue.end();
  t.notOk(queue.push(0), 'an ended queue takes nothing');
  const seen: number[] = [];
  for await (const item of queue) seen.push(item);
  t.same(seen, [4, 6]);
  t.equal(returned, 1);

  const failing = new BoundedQueue<number>({ capacity: 1 });
  const iterator = failing[Symbol.asyncIterator]();
  const waiting = iterator.next();
  failing.end(new Error('broken'));
  await t.rejects(waiting, { message: 'broken' });

  const left = new BoundedQueue<number>({ capacity: 1 })[Symbol.asyncIterator]();
  const pending = left.next();
  await left.return?.();
  t.same(await pending, { value: undefined, done: true }, 'return ends a next that waits');
});

t.test('serial jobs run one at a time and stop at the first failure', async (t) => {
  const serial = new Serial();
  const order: string[] = [];
  const job = (name: string) => async () => {
    order.push(`${name}+`);
    await Promise.resolve();
    order.push(`${name}-`);
  };
  await Promise.all([serial.run(job('a')), serial.run(job('b'))]);
  t.same(order, ['a+', 'a-', 'b+', 'b-']);
  const failure = new Error('disk');
  await t.rejects(
    serial.run(() => Promise.reject(failure)),
    failure,
  );
  await t.rejects(serial.run(job('c')), failure, 'what follows a failure fails with it');
  t.equal(order.length, 4);
});

t.test('a failed assertion names its values', (t) => {
  t.throws(() => assert(false, 'match < next', { match: 3, next: 3 }), {
    message: 'match < next: match=3 next=3',
  });
  t.end();
});
