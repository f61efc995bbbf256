/** Options of GET, LIST and WATCH: K3, K4, and the cells of K5 and K6, text by text. */
import t from 'tap';
import { getFreshness, parseListOptions, selectList, selectWatch } from './list-options';
import { isApiError, type ApiError } from './status';

function failureOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (isApiError(error)) return error;
    throw error;
  }
  throw new Error('Cannot find the expected failure: received a result');
}

function options(query: string): ReturnType<typeof parseListOptions> {
  return parseListOptions(new URLSearchParams(query));
}

t.test('K4: options are judged before any read, row by row', (t) => {
  const list = (query: string) => (): unknown => selectList(options(query));
  const watch = (query: string) => (): unknown => selectWatch(options(`watch=1&${query}`));
  const without = (): unknown =>
    selectWatch(options('watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'), {
      isWatchListEnabled: false,
    });
  const match = 'resourceVersionMatch';
  const rows: readonly (readonly [string, () => unknown, string, string])[] = [
    [
      'list: match not allowed value',
      list('resourceVersion=5&resourceVersionMatch=X'),
      match,
      'Unsupported value: "X": supported values: "Exact", "NotOlderThan", ""',
    ],
    [
      'watch: match not allowed value',
      watch('resourceVersion=5&resourceVersionMatch=Exact&sendInitialEvents=false'),
      match,
      'Unsupported value: "Exact": supported values: "NotOlderThan"',
    ],
    [
      'list: match without rv',
      list('resourceVersionMatch=Exact'),
      match,
      'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'list: match with continue',
      list('resourceVersion=5&resourceVersionMatch=Exact&continue=x'),
      match,
      'Forbidden: resourceVersionMatch is forbidden when continue is provided',
    ],
    [
      'watch: match with continue',
      watch('resourceVersionMatch=NotOlderThan&sendInitialEvents=true&continue=x'),
      match,
      'Forbidden: resourceVersionMatch is forbidden when continue is provided',
    ],
    [
      'list: Exact with rv 0',
      list('resourceVersion=0&resourceVersionMatch=Exact'),
      match,
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'list: sendInitialEvents set',
      list('sendInitialEvents=false'),
      'sendInitialEvents',
      'Forbidden: sendInitialEvents is forbidden for list',
    ],
    [
      'watch: sendInitialEvents without NotOlderThan',
      watch('sendInitialEvents=true'),
      match,
      'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ],
    [
      'watch: match without sendInitialEvents',
      watch('resourceVersionMatch=NotOlderThan'),
      match,
      'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    [
      'watch: WatchList switched off',
      without,
      'sendInitialEvents',
      'Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is ' +
        'enabled',
    ],
  ];
  for (const [name, run, field, text] of rows) {
    const error = failureOf(run);
    t.same([error.code, error.reason], [422, 'Invalid'], name);
    t.match(error.status.details, { group: 'meta.k8s.io', kind: 'ListOptions' }, name);
    const causes = error.status.details?.causes ?? [];
    const found = causes.find((cause) => cause.field === field && cause.message === text);
    t.not(found, undefined, `${name}: ${error.message}`);
    if (causes.length > 1) continue;
    t.equal(error.message, `ListOptions.meta.k8s.io "" is invalid: ${field}: ${text}`, name);
  }
  t.end();
});

t.test('K3: a resourceVersion is a number', (t) => {
  const message = (text: string, why: string): string =>
    `invalid resource version: resourceVersion: Invalid value: "${text}": ` +
    `strconv.ParseUint: parsing "${text}": ${why}`;
  for (const text of ['abc', '-1', '1.5', ' 1']) {
    for (const run of [
      () => getFreshness(text),
      () => selectList(options(`resourceVersion=${text}`)),
      () => selectWatch(options(`resourceVersion=${text}`)),
    ]) {
      const error = failureOf(run);
      t.same([error.code, error.message], [400, message(text, 'invalid syntax')]);
    }
  }
  const large = '18446744073709551616';
  t.equal(failureOf(() => getFreshness(large)).message, message(large, 'value out of range'));
  t.same(getFreshness('18446744073709551615').kind, 'notOlderThan');
  t.match(
    failureOf(() => options('limit=x')),
    { code: 400, message: /ParseInt: parsing "x"/ },
  );
  t.match(
    failureOf(() => options('limit=99999999999999999999')),
    { message: /out of range/ },
  );
  t.end();
});

t.test('K5: what a list asks for, cell by cell', (t) => {
  const of = (query: string): unknown => selectList(options(query));
  const list = (freshness: object, limit = 0, continueToken?: string): object => ({
    freshness,
    limit,
    continueToken,
  });
  const [consistent, any] = [{ kind: 'consistent' }, { kind: 'any' }];
  const newer = { kind: 'notOlderThan', resourceVersion: '7' };
  const exact = { kind: 'exact', resourceVersion: '7' };
  const cells: readonly (readonly [string, object])[] = [
    ['', list(consistent)],
    ['resourceVersion=0', list(any)],
    ['resourceVersion=7', list(newer)],
    ['limit=5', list(consistent, 5)],
    ['limit=5&resourceVersion=0', list(any, 5)],
    ['limit=5&resourceVersion=7', list(exact, 5)],
    ['resourceVersion=7&resourceVersionMatch=Exact', list(exact)],
    ['resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=5', list(any, 5)],
    ['resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=5', list(newer, 5)],
    ['continue=T&limit=5', list(consistent, 5, 'T')],
    ['continue=T&limit=5&resourceVersion=0', list(consistent, 5, 'T')],
  ];
  for (const [query, expected] of cells) t.strictSame(of(query), expected, query);
  const refused = failureOf(() => of('continue=T&resourceVersion=7'));
  const text = 'specifying resource version is not allowed when using continue';
  t.same([refused.code, refused.message], [400, text]);
  t.same(getFreshness(''), consistent, 'GET ""');
  t.same(getFreshness('0'), any, 'GET "0"');
  t.same(getFreshness('7'), newer, 'GET N');
  t.end();
});

t.test('K6: what a watch asks for, cell by cell', (t) => {
  const of = (query: string): unknown => selectWatch(options(`watch=true&${query}`));
  const initial = 'resourceVersionMatch=NotOlderThan&sendInitialEvents=true&allowWatchBookmarks=1';
  const none = 'resourceVersionMatch=NotOlderThan&sendInitialEvents=false';
  const watch = (start: object, bookmarks = false, initialEventsEnd = false): object => ({
    start,
    bookmarks,
    initialEventsEnd,
  });
  const [consistent, any] = [{ kind: 'consistent' }, { kind: 'any' }];
  const newer = { kind: 'notOlderThan', resourceVersion: '7' };
  const state = (freshness: object): object => ({ kind: 'initialState', freshness });
  const from = { kind: 'from', resourceVersion: '7' };
  const cells: readonly (readonly [string, object])[] = [
    ['', watch(state(consistent))],
    ['resourceVersion=0', watch(state(any))],
    ['resourceVersion=7', watch(from)],
    ['allowWatchBookmarks=true', watch(state(consistent), true, true)],
    ['resourceVersion=7&allowWatchBookmarks=true', watch(from, true)],
    [initial, watch(state(consistent), true, true)],
    [`${initial}&resourceVersion=0`, watch(state(any), true, true)],
    [`${initial}&resourceVersion=7`, watch(state(newer), true, true)],
    ['resourceVersionMatch=NotOlderThan&sendInitialEvents=true', watch(state(consistent))],
    [none, watch({ kind: 'now', freshness: consistent })],
    [`${none}&resourceVersion=0`, watch({ kind: 'now', freshness: any })],
    [`${none}&resourceVersion=7`, watch(from)],
  ];
  for (const [query, expected] of cells) t.strictSame(of(query), expected, query);
  t.end();
});

t.test('K27: a boolean parameter is true unless it says 0 or false', (t) => {
  for (const [text, expected] of [
    ['watch', true],
    ['watch=1', true],
    ['watch=yes', true],
    ['watch=0', false],
    ['watch=False', false],
    ['', false],
  ] as const) {
    t.equal(options(text).isWatch, expected, text);
  }
  t.equal(options('').sendInitialEvents, undefined);
  t.equal(options('timeoutSeconds=30').timeoutSeconds, 30);
  t.equal(options('limit=-1').limit, 0);
  t.end();
});
