/** The judge must accept what is legal and name each kind of breach in a hand-made history. */
import t from 'tap';
import {
  judgeRevisionOrder,
  type History,
  type KeyState,
  type ReadCall,
  type WatchedEvent,
  type WriteCall,
} from './index';

function state(value: string, create: number, mod: number, version: number): KeyState {
  return { value, createRevision: create, modRevision: mod, version };
}

const A1 = state('one', 2, 2, 1);
const A2 = state('two', 2, 3, 2);

/** a = one (2), a = two (3), b = three (4, outcome unknown), a deleted (5). */
const EVENTS: readonly WatchedEvent[] = [
  { kind: 'put', key: 'a', revision: 2, state: A1, previous: undefined },
  { kind: 'put', key: 'a', revision: 3, state: A2, previous: A1 },
  { kind: 'put', key: 'b', revision: 4, state: state('three', 4, 4, 1), previous: undefined },
  { kind: 'delete', key: 'a', revision: 5, state: undefined, previous: A2 },
];
const FINAL = new Map([['b', state('three', 4, 4, 1)]]);

function put(key: string, value: string, from: number, to: number, revision: number): WriteCall {
  const outcome = { kind: 'done', revision } as const;
  return { kind: 'put', key, value, expected: undefined, startMs: from, endMs: to, outcome };
}

const LEGAL: History = {
  writes: [
    put('a', 'one', 0, 10, 2),
    put('a', 'two', 11, 20, 3),
    { ...put('b', 'three', 15, Infinity, 0), outcome: { kind: 'unknown' } },
    {
      ...put('a', '', 41, 50, 5),
      kind: 'delete',
      expected: 3,
    },
    {
      ...put('a', 'never', 21, 30, 0),
      expected: 2,
      outcome: { kind: 'conflict', revision: 3, found: 3 },
    },
    { ...put('a', 'refused', 0, 1, 0), outcome: { kind: 'refused' } },
  ],
  reads: [
    { key: 'a', startMs: 5, endMs: 9, revision: 1, found: undefined },
    { key: 'a', startMs: 22, endMs: 40, revision: 4, found: A2 },
  ],
  events: EVENTS,
  finalStates: [FINAL, FINAL],
};

function withEvents(events: readonly WatchedEvent[]): History {
  return { ...LEGAL, events };
}
function withWrite(write: WriteCall): History {
  return { ...LEGAL, writes: [...LEGAL.writes, write] };
}
function withRead(read: ReadCall): History {
  return { ...LEGAL, reads: [...LEGAL.reads, read] };
}

t.test('a legal history is accepted', (t) => {
  t.strictSame(judgeRevisionOrder(LEGAL), []);
  const several = [
    ...EVENTS.slice(0, 3),
    { kind: 'put', key: 'c', revision: 4, state: state('x', 4, 4, 1), previous: undefined },
  ] as const;
  const history = { ...withEvents(several), writes: LEGAL.writes.slice(0, 3), finalStates: [] };
  t.strictSame(judgeRevisionOrder(history), [], 'also with two keys in one transaction');
  t.end();
});

const b4 = EVENTS[2] as WatchedEvent;
const gone = { ...LEGAL, events: EVENTS.filter((event) => event.key !== 'b') };
const twice = { ...b4, revision: 6, state: state('three', 4, 6, 2), previous: b4.state };
const illegal: readonly (readonly [name: string, history: History, problem: RegExp])[] = [
  ['a gap in the watch', gone, /revision 5 follows 3/],
  ['the watch begins late', withEvents(EVENTS.slice(1)), /revision 3 follows 1/],
  [
    'an event comes twice',
    withEvents([...EVENTS.slice(0, 3), b4, ...EVENTS.slice(3)]),
    /4 b comes/,
  ],
  [
    'events out of order',
    withEvents([...EVENTS.slice(0, 2), ...EVENTS.slice(2).reverse()]),
    /5 fol/,
  ],
  ['a write took effect twice', withEvents([...EVENTS, twice]), /three took effect twice/],
  [
    'a wrong previous state',
    withEvents(EVENTS.map((event) => (event.revision === 5 ? { ...event, previous: A1 } : event))),
    /5 a replaces one/,
  ],
  [
    'a wrong version',
    withEvents(
      EVENTS.map((event) =>
        event.key === 'b' ? { ...b4, state: state('three', 4, 4, 2) } : event,
      ),
    ),
    /wanted created and version 4 1/,
  ],
  ['an acknowledged write is lost', withWrite(put('c', 'lost', 60, 61, 6)), /6 and not there/],
  [
    'an acknowledged write is another',
    withWrite(put('b', 'other', 0, 100, 4)),
    /acknowledged at 4 and not there/,
  ],
  [
    'a refused write took effect',
    withWrite({ ...put('b', 'three', 0, 1, 0), outcome: { kind: 'refused' } }),
    /three: refused and took effect at 4/,
  ],
  [
    'a conditional write without its condition',
    withWrite({ ...put('a', 'two', 11, 20, 3), expected: 1 }),
    /two: took effect without its condition/,
  ],
  [
    'a conflict with what is not there',
    withWrite({
      ...put('a', 'no', 12, 20, 0),
      expected: 1,
      outcome: { kind: 'conflict', revision: 3, found: 2 },
    }),
    /no: conflict with 2, at 3 is 3/,
  ],
  [
    'a read of a wrong state',
    withRead({ key: 'a', startMs: 22, endMs: 23, revision: 3, found: A1 }),
    /read a at 3: one/,
  ],
  [
    'a stale read',
    withRead({ key: 'a', startMs: 22, endMs: 23, revision: 2, found: A1 }),
    /read a is at 2 and began after write two at 3 had ended/,
  ],
  [
    'a write before one that had ended',
    {
      ...LEGAL,
      writes: LEGAL.writes.map((w) => (w.value === 'two' ? put('a', 'two', 60, 70, 3) : w)),
    },
    /write two is at 3 and began after/,
  ],
  [
    'an unknown write took effect before it began',
    {
      ...LEGAL,
      writes: LEGAL.writes.map((w) => (w.value === 'three' ? { ...w, startMs: 60 } : w)),
    },
    /write three is at 4 and began after/,
  ],
  [
    'a member differs at the end',
    { ...LEGAL, finalStates: [new Map()] },
    /final state 0: b is noth/,
  ],
];

for (const [name, history, problem] of illegal) {
  t.test(`rejected: ${name}`, (t) => {
    t.match(judgeRevisionOrder(history).join('\n'), problem);
    t.end();
  });
}
