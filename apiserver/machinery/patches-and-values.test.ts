import fc from 'fast-check';
import t from 'tap';
import { fieldErrorsText, invalidField, requiredField, unsupportedField } from './field-error';
import { applyJsonPatch, parseJsonPatch } from './json-patch';
import { applyMergePatch } from './merge-patch';
import { nameProblems } from './name-validation';
import type { Json } from './object';
import { canonicalQuantity } from './quantity';
import { tableOf } from './table';
import { canonicalMicroTime, canonicalTime, formatTime, humanDuration, timeProblem } from './time';

interface PatchCase {
  readonly name: string;
  readonly document: Json;
  readonly patch: Json;
  /** Undefined: the patch fails. */
  readonly expected: Json | undefined;
}

const patchCases: readonly PatchCase[] = [
  {
    name: 'add a member',
    document: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'q' }],
    expected: { foo: 'bar', baz: 'q' },
  },
  {
    name: 'add an item',
    document: { a: [1, 3] },
    patch: [{ op: 'add', path: '/a/1', value: 2 }],
    expected: { a: [1, 2, 3] },
  },
  {
    name: 'append',
    document: { a: [1] },
    patch: [{ op: 'add', path: '/a/-', value: [2] }],
    expected: { a: [1, [2]] },
  },
  {
    name: 'add replaces',
    document: { a: 1 },
    patch: [{ op: 'add', path: '/a', value: 2 }],
    expected: { a: 2 },
  },
  {
    name: 'add to a missing parent',
    document: {},
    patch: [{ op: 'add', path: '/a/b', value: 2 }],
    expected: undefined,
  },
  {
    name: 'add beyond the end',
    document: { a: [] },
    patch: [{ op: 'add', path: '/a/1', value: 2 }],
    expected: undefined,
  },
  {
    name: 'remove',
    document: { a: 1, b: [1, 2] },
    patch: [
      { op: 'remove', path: '/a' },
      { op: 'remove', path: '/b/0' },
    ],
    expected: { b: [2] },
  },
  {
    name: 'remove what is not there',
    document: {},
    patch: [{ op: 'remove', path: '/a' }],
    expected: undefined,
  },
  {
    name: 'replace',
    document: { a: [1, 2] },
    patch: [{ op: 'replace', path: '/a/1', value: 'x' }],
    expected: { a: [1, 'x'] },
  },
  {
    name: 'replace what is not there',
    document: {},
    patch: [{ op: 'replace', path: '/a', value: 1 }],
    expected: undefined,
  },
  {
    name: 'move',
    document: { a: { b: 1 }, c: {} },
    patch: [{ op: 'move', from: '/a/b', path: '/c/d' }],
    expected: { a: {}, c: { d: 1 } },
  },
  {
    name: 'move in a list',
    document: { a: [1, 2, 3] },
    patch: [{ op: 'move', from: '/a/0', path: '/a/2' }],
    expected: { a: [2, 3, 1] },
  },
  {
    name: 'copy',
    document: { a: 1 },
    patch: [{ op: 'copy', from: '/a', path: '/b' }],
    expected: { a: 1, b: 1 },
  },
  {
    name: 'copy what is not there',
    document: {},
    patch: [{ op: 'copy', from: '/a', path: '/b' }],
    expected: undefined,
  },
  {
    name: 'test',
    document: { a: { x: 1, y: [2] } },
    patch: [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }],
    expected: { a: { x: 1, y: [2] } },
  },
  {
    name: 'test fails',
    document: { a: 1 },
    patch: [{ op: 'test', path: '/a', value: '1' }],
    expected: undefined,
  },
  {
    name: 'test null holds for what is not there',
    document: {},
    patch: [{ op: 'test', path: '/a', value: null }],
    expected: {},
  },
  {
    name: 'escapes',
    document: { 'a/b': 1, 'm~n': 2 },
    patch: [
      { op: 'remove', path: '/a~1b' },
      { op: 'replace', path: '/m~0n', value: 3 },
    ],
    expected: { 'm~n': 3 },
  },
  {
    name: 'negative index',
    document: { a: [1, 2] },
    patch: [{ op: 'remove', path: '/a/-1' }],
    expected: { a: [1] },
  },
  {
    name: 'a name in a list',
    document: { a: [1] },
    patch: [{ op: 'add', path: '/a/x', value: 1 }],
    expected: undefined,
  },
];

t.test('JSON patch, row by row (RFC 6902, K52)', (t) => {
  for (const { name, document, patch, expected } of patchCases) {
    const before = JSON.stringify(document);
    const operations = parseJsonPatch(patch);
    if (operations.kind === 'invalid') throw new Error(operations.message);
    const result = applyJsonPatch(document, operations.operations);
    t.strictSame(result.kind === 'patched' ? result.value : undefined, expected, name);
    t.equal(JSON.stringify(document), before, `${name}: the document is not changed`);
  }
  t.equal(parseJsonPatch({}).kind, 'invalid');
  t.equal(parseJsonPatch([{ op: 'no', path: '/a' }]).kind, 'invalid');
  t.equal(parseJsonPatch([{ op: 'add', path: '/a' }]).kind, 'invalid');
  t.equal(parseJsonPatch([{ op: 'remove', path: '' }]).kind, 'invalid');
  t.end();
});

t.test('merge patch, the examples of RFC 7386', (t) => {
  const cases: readonly (readonly [Json, Json, Json])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [document, patch, expected] of cases) {
    t.strictSame(applyMergePatch(document, patch), expected, JSON.stringify(patch));
  }
  t.end();
});

t.test('quantities get their canonical form (K32)', (t) => {
  const cases: Readonly<Record<string, string | undefined>> = {
    '1000m': '1',
    '0.5': '500m',
    '1500m': '1500m',
    '1024Ki': '1Mi',
    '1.5Gi': '1536Mi',
    '1.1Gi': '1181116006400m',
    '100000': '100k',
    '1e3': '1e3',
    '1E3': '1e3',
    '1E': '1E',
    '0': '0',
    '0Gi': '0',
    '-1500m': '-1500m',
    '.5': '500m',
    '5.': '5',
    '0.1n': '1n',
    '512Mi': '512Mi',
    '1023': '1023',
    '99999999999999999999': '9223372036854775807',
    '1Gb': undefined,
    '': undefined,
    '.': undefined,
    ten: undefined,
    '1 Gi': undefined,
  };
  for (const [text, expected] of Object.entries(cases)) {
    t.equal(canonicalQuantity(text), expected, text);
  }
  t.end();
});

t.test('a canonical quantity is its own canonical form', (t) => {
  const suffix = fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e3', 'u', 'n');
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), suffix, (number, unit) => {
      const once = canonicalQuantity(`${String(number)}${unit}`) ?? '';
      return canonicalQuantity(once) === once;
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('times are UTC in whole seconds, micro times have six digits', (t) => {
  t.equal(formatTime(0), '1970-01-01T00:00:00Z');
  t.equal(canonicalTime('2024-02-29T23:59:59.999Z'), '2024-02-29T23:59:59Z');
  t.equal(canonicalTime('2020-01-01T01:02:03+02:00'), '2019-12-31T23:02:03Z');
  t.equal(canonicalMicroTime('2020-01-01T00:00:00.5Z'), '2020-01-01T00:00:00.500000Z');
  t.equal(canonicalTime('2023-02-29T00:00:00Z'), undefined);
  t.equal(canonicalTime('yesterday'), undefined);
  t.equal(
    timeProblem('yesterday', 'seconds'),
    'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      const expected = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
      return formatTime(seconds * 1000) === expected && canonicalTime(expected) === expected;
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('ages are as long as kubectl users know them (K36)', (t) => {
  const [second, minute, hour, day] = [1, 60, 3600, 86_400];
  const cases: readonly (readonly [number, string])[] = [
    [-2, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [9 * minute + 59, '9m59s'],
    [10 * minute + 1, '10m'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day + hour, '2d1h'],
    [8 * day, '8d'],
    [800 * day, '2y70d'],
    [3000 * day, '8y'],
  ];
  for (const [seconds, expected] of cases) t.equal(humanDuration(seconds * 1000), expected);
  t.end();
});

t.test(
  'a table carries what includeObject asks for, columns only in the first event (K36)',
  (t) => {
    const object = { metadata: { name: 'a', labels: { x: 'y' } }, spec: { big: true } };
    const printer = {
      columns: [{ name: 'Name', type: 'string', format: 'name', description: 'd', priority: 0 }],
      cells: () => ['a'],
    } as const;
    const request = { printer, objects: [object], metadata: {}, version: 'v1', nowMs: 0 } as const;
    t.strictSame(tableOf({ ...request, includeObject: 'Metadata', includeColumns: true }), {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: printer.columns,
      rows: [
        {
          cells: ['a'],
          object: {
            kind: 'PartialObjectMetadata',
            apiVersion: 'meta.k8s.io/v1',
            metadata: { name: 'a', labels: { x: 'y' } },
          },
        },
      ],
    });
    const later = tableOf({ ...request, includeObject: 'Object', includeColumns: false });
    t.match(later, { columnDefinitions: [], rows: [{ object: { spec: { big: true } } }] });
    const bare = tableOf({ ...request, includeObject: 'None', includeColumns: false });
    t.match(bare, { rows: [{ object: null }] });
    t.end();
  },
);

t.test('names: rules and texts', (t) => {
  t.strictSame(nameProblems('dnsSubdomain', 'a.b-c'), []);
  t.strictSame(nameProblems('dnsSubdomain', 'A'), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or " +
      "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used " +
      "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  t.equal(nameProblems('dnsLabel', 'a.b').length, 1);
  t.equal(nameProblems('dns1035Label', '1a').length, 1);
  t.strictSame(nameProblems('dnsLabel', 'web-', true), [], 'a prefix may end with a dash');
  t.strictSame(nameProblems('dnsLabel', 'a'.repeat(64)), ['must be no more than 63 characters']);
  t.strictSame(nameProblems('pathSegment', 'system:coredns'), []);
  t.strictSame(nameProblems('pathSegment', 'a/b%'), ["may not contain '/'", "may not contain '%'"]);
  t.strictSame(nameProblems('pathSegment', '..'), ["may not be '..'"]);
  t.end();
});

t.test('field errors read as upstream writes them (K39)', (t) => {
  const errors = [
    requiredField('spec.containers', ''),
    invalidField('spec.n', 0, 'must be greater than 0'),
    unsupportedField('spec.type', 'X', ['A', 'B']),
  ];
  t.equal(fieldErrorsText(errors.slice(0, 1)), 'spec.containers: Required value');
  t.equal(
    fieldErrorsText(errors),
    '[spec.containers: Required value, spec.n: Invalid value: 0: must be greater than 0, ' +
      'spec.type: Unsupported value: "X": supported values: "A", "B"]',
  );
  t.end();
});
