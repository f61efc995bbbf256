import fc from 'fast-check';
import t from 'tap';
import { encodeJson, parseJsonText, parseTrustedJson, sameJson, stringifyJson } from './json';
import { jsonDepthMax } from './json-parser';
import { JsonNumber, type Json } from './object';
import { parseYaml, stringifyYaml } from './yaml';

function parsed(text: string): Json {
  const result = parseJsonText(text);
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.value;
}

function message(text: string): string {
  const result = parseJsonText(text);
  return result.kind === 'invalid' ? result.message : 'parsed';
}

t.test('JSON mistakes are told in the words of Go (K30)', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a"', 'unexpected end of JSON input'],
    ['"a', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ["{'a'}", "invalid character '\\'' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['1 2', "invalid character '2' after top-level value"],
    ['01', "invalid character '1' after top-level value"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['1.a', "invalid character 'a' after decimal point in numeric literal"],
    ['1ea', "invalid character 'a' in exponent of numeric literal"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['['.repeat(jsonDepthMax + 1), 'exceeded max depth'],
  ];
  for (const [text, expected] of cases) t.equal(message(text), expected, text.slice(0, 20));
  t.equal(message('['.repeat(jsonDepthMax) + ']'.repeat(jsonDepthMax)), 'parsed');
  t.end();
});

t.test('the parser reads what JSON.parse reads, whatever it is', (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const again: unknown = JSON.parse(stringifyJson(parsed(text)));
      return JSON.stringify(again) === JSON.stringify(JSON.parse(text));
    }),
    { numRuns: 200 },
  );
  t.end();
});

t.test('duplicate fields are reported by path, the last one wins (K50, T27)', (t) => {
  const result = parseJsonText('{"a":1,"b":[{"c":1,"c":2}],"a":{"x":1,"x":2}}');
  t.strictSame(result, {
    kind: 'parsed',
    value: { a: { x: 2 }, b: [{ c: 2 }] },
    duplicateFields: ['b[0].c', 'a', 'a.x'],
  });
  t.end();
});

t.test('int64 survives with all its digits (K32, T18)', (t) => {
  const value = parsed('{"n":9007199254740993,"m":-9223372036854775808,"s":1}');
  t.strictSame(value, {
    n: new JsonNumber('9007199254740993'),
    m: new JsonNumber('-9223372036854775808'),
    s: 1,
  });
  t.equal(stringifyJson(value), '{"n":9007199254740993,"m":-9223372036854775808,"s":1}');
  t.ok(sameJson(parseTrustedJson(encodeJson(value)), value));
  t.equal(
    stringifyJson({ a: [new JsonNumber('9007199254740993'), {}], b: [] }, 2),
    `{
  "a": [
    9007199254740993,
    {}
  ],
  "b": []
}`,
  );
  // The mark of a big number in a client's own text stays text.
  t.equal(stringifyJson(['keelson:big-number']), '["keelson:big-number"]');
  t.equal(parsed('18446744073709551616'), 18446744073709551616);
  t.match(message('1e400'), /value out of range/);
  t.end();
});

t.test('a field may have any name, __proto__ included', (t) => {
  const value = parsed('{"__proto__":{"polluted":true}}');
  t.ok(Object.hasOwn(value as object, '__proto__'));
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.equal(stringifyJson(value), '{"__proto__":{"polluted":true}}');
  t.end();
});

function yaml(text: string): Json {
  const result = parseYaml(new TextEncoder().encode(text));
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.value;
}

t.test('YAML is 1.1 for booleans and numbers, without times to base 60 (K32)', (t) => {
  t.strictSame(yaml('a: yes\nb: off\nc: "on"\nd: 010\ne: 0x1F\nf: 12:30\ng: 2020-01-01\nh: ~\n'), {
    a: true,
    b: false,
    c: 'on',
    d: 8,
    e: 31,
    f: '12:30',
    g: '2020-01-01',
    h: null,
  });
  t.strictSame(yaml('n: 9007199254740993'), { n: new JsonNumber('9007199254740993') });
  t.strictSame(yaml('8080: x\ntrue: y1\n'), { '8080': 'x', true: 'y1' });
  t.strictSame(yaml('x: &a {q: 1}\nz: {<<: *a, r: 2}\n'), { x: { q: 1 }, z: { r: 2, q: 1 } });
  t.strictSame(yaml('a: 1\n---\nb: 2\n'), { a: 1 }, 'the first document counts');
  t.equal(yaml(''), null);
  t.end();
});

t.test('YAML: duplicates are reported, mistakes named by line, aliases bounded', (t) => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  t.match(parseYaml(bytes('a: {b: 1, b: 2}')), { duplicateFields: ['a.b'] });
  t.match(parseYaml(bytes('a:\n\t- b')), { kind: 'invalid', message: /^yaml: line 2: / });
  const bomb = [
    'a: &a [x]',
    ...'b c d e f g h i'.split(' ').map((name, index) => {
      const before = 'abcdefgh'[index] ?? '';
      return `${name}: &${name} [*${before},*${before},*${before},*${before},*${before}]`;
    }),
  ].join('\n');
  t.match(parseYaml(bytes(bomb)), { kind: 'invalid', message: /excessive aliasing/ });
  t.end();
});

t.test('YAML that nests too deep is refused before the parser recurses into it', (t) => {
  const refusal = { kind: 'invalid', message: 'yaml: exceeded max depth' };
  const parse = (text: string): unknown => parseYaml(new TextEncoder().encode(text));
  const steps = (count: number, step: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => step(index)).join('');
  t.match(parse('['.repeat(100_000)), refusal);
  t.match(parse('{a: '.repeat(5_000)), refusal);
  t.match(parse('- '.repeat(5_000)), refusal);
  t.match(parse('? '.repeat(5_000)), refusal);
  t.match(parse(steps(1_000, (index) => `${' '.repeat(index)}a:\n`)), refusal);
  t.match(
    parse(steps(10, (index) => `${' '.repeat(index * 402)}${'- '.repeat(200)}a:\n`)),
    refusal,
  );
  t.match(parse(`${'['.repeat(400)}${']'.repeat(400)}`), { kind: 'parsed' });
  t.match(parse(`${'- '.repeat(400)}a`), { kind: 'parsed' });
  const wide = `a: |\n${steps(2_000, (index) => `${' '.repeat(1 + (index % 1_500))}- [x\n`)}`;
  t.match(parse(wide), { kind: 'parsed' }, 'the text of a scalar is not looked into');
  t.match(parse('- a: [b]\n'.repeat(2_000)), { kind: 'parsed' });
  t.end();
});

t.test('what is written as YAML reads back as the same value', (t) => {
  const value = {
    a: 'yes',
    b: '12:30',
    c: '1e3',
    d: 'x\ny\n',
    e: true,
    f: null,
    on: '0123',
    h: [],
  };
  t.strictSame(yaml(stringifyYaml(value)), value);
  const big = { n: new JsonNumber('9007199254740993') };
  t.strictSame(yaml(stringifyYaml(big)), big);
  t.end();
});
