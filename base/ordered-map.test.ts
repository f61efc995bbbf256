/** The sorted map against a sorted array, with snapshots taken at random moments; and the hash. */
import t from 'tap';
import { addHash128, emptyHash128, hash128, hash128ToHex, subtractHash128 } from './hash128';
import { OrderedMap, type ReadonlyOrderedMap } from './ordered-map';
import { SeededRandom } from './random';

const byNumber = (a: number, b: number): number => a - b;

function sorted(model: ReadonlyMap<number, string>): [number, string][] {
  return [...model].sort(([a], [b]) => a - b);
}

t.test('random changes, ranges, counts and snapshots agree with a plain map', (t) => {
  const random = new SeededRandom('ordered-map');
  const map = new OrderedMap<number, string>(byNumber);
  const model = new Map<number, string>();
  const snapshots: [ReadonlyOrderedMap<number, string>, [number, string][]][] = [];
  for (let i = 0; i < 30_000; i++) {
    const key = random.below(6000);
    // First it grows to many chunks, then it shrinks to none.
    if (random.below(10) < (i < 15_000 ? 3 : 7)) {
      if (map.delete(key) !== model.get(key)) t.fail('delete returns the value before');
      model.delete(key);
    } else {
      const value = String(i);
      if (map.set(key, value) !== model.get(key)) t.fail('set returns the value before');
      model.set(key, value);
    }
    if (i % 3001 === 0) snapshots.push([map.snapshot(), sorted(model)]);
  }
  t.equal(map.size, model.size);
  t.same([...map.entries()], sorted(model));
  for (const [snapshot, expected] of snapshots) {
    t.equal(snapshot.size, expected.length);
    t.same([...snapshot.entries()], expected, 'a snapshot does not change');
  }
  for (let i = 0; i < 100; i++) {
    const from = random.below(6100) - 50;
    const to = random.below(6100) - 50;
    const expected = sorted(model).filter(([key]) => key >= from && key < to);
    t.same([...map.entries({ from, to })], expected);
    t.same([...map.entries({ from, to, reverse: true })], expected.reverse());
    t.equal(map.count(from, to), expected.length);
  }
  t.equal(map.firstKey(), sorted(model)[0]?.[0]);
  t.equal(map.lastKey(), sorted(model).at(-1)?.[0]);
  for (const key of [...model.keys()]) map.delete(key);
  t.equal(map.size, 0);
  t.same([...map.entries()], []);
  t.equal(map.firstKey(), undefined);
  t.end();
});

t.test('forks change apart from each other', (t) => {
  const map = new OrderedMap<number, string>(byNumber);
  for (let i = 0; i < 2000; i++) map.set(i, 'both');
  const fork = map.fork();
  map.set(1, 'map');
  fork.set(1, 'fork');
  fork.delete(2);
  const second = fork.fork();
  second.set(3, 'second');
  t.same([map.get(1), fork.get(1), second.get(1)], ['map', 'fork', 'fork']);
  t.same([map.has(2), fork.has(2), second.has(2)], [true, false, false]);
  t.same([map.get(3), fork.get(3), second.get(3)], ['both', 'both', 'second']);
  map.clear();
  t.same([map.size, fork.size], [0, 1999]);
  t.end();
});

t.test('hash128 is MurmurHash3 x86_128, and sums of it commute', (t) => {
  const lanes = emptyHash128();
  hash128(Buffer.from("I will not buy this tobacconist's, it is scratched."), lanes);
  t.equal(hash128ToHex(lanes), '9b5b7ba2ef3f7866889adeaf00f3f98e');
  const sum = emptyHash128();
  addHash128(sum, lanes);
  const other = emptyHash128();
  hash128(Buffer.from('other'), other);
  addHash128(sum, other);
  subtractHash128(sum, lanes);
  t.same(sum, other);
  for (let length = 0; length < 40; length++) {
    const bytes = Buffer.alloc(length, 1);
    const before = emptyHash128();
    hash128(bytes, before);
    for (let at = 0; at < length; at++) {
      bytes[at] = 0;
      const after = emptyHash128();
      hash128(bytes, after);
      if (hash128ToHex(after) === hash128ToHex(before)) t.fail('each byte counts');
      bytes[at] = 1;
    }
  }
  t.end();
});
