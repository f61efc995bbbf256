/**
 * Label selectors (K24): text to requirements, and whether labels satisfy them. The grammar and
 * its error texts are Kubernetes' (k8s: apimachinery labels), since they reach clients in a 400.
 *
 *   selector    = [ requirement { "," requirement } ]
 *   requirement = [ "!" ] key [ set | exact ]
 *   set         = ( "in" | "notin" ) "(" values ")"
 *   exact       = ( "=" | "==" | "!=" | ">" | "<" ) [ value ]
 */
import { badRequest } from './status';

/** One term of a label selector. All terms of a selector must hold. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'in' | 'notIn' | 'exists' | 'doesNotExist' | 'greaterThan' | 'lessThan';
  /** One value for `a=b`; `a!=b` is `notIn` with one value. Empty for exists and doesNotExist. */
  readonly values: readonly string[];
}

type Token = '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin' | 'id' | 'end';

interface Scanned {
  readonly token: Token;
  readonly literal: string;
}

const SYMBOLS = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<']);
const SPACE = /[ \t\r\n]/;
const SPECIAL = /[=!(),><]/;
const OPERATORS = 'in, notin, =, ==, !=, gt, lt';

function scan(text: string): Scanned[] {
  const tokens: Scanned[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (SPACE.test(char)) {
      at += 1;
    } else if (SPECIAL.test(char)) {
      const two = text.slice(at, at + 2);
      const literal = SYMBOLS.has(two) ? two : char;
      tokens.push({ token: literal as Token, literal });
      at += literal.length;
    } else {
      const start = at;
      while (at < text.length && !SPACE.test(text.charAt(at)) && !SPECIAL.test(text.charAt(at))) {
        at += 1;
      }
      const literal = text.slice(start, at);
      tokens.push({ token: literal === 'in' || literal === 'notin' ? literal : 'id', literal });
    }
  }
  tokens.push({ token: 'end', literal: '' });
  return tokens;
}

/** A syntax error on its way out of the parser. */
class SelectorError extends Error {}

class Parser {
  readonly #tokens: readonly Scanned[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { token, literal } = this.#peek();
      if (token === 'end') return requirements;
      if (token !== 'id' && token !== '!') {
        throw new SelectorError(`found '${literal}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#wrapped(() => this.#requirement()));
      const next = this.#take();
      if (next.token === 'end') return requirements;
      if (next.token !== ',') {
        throw new SelectorError(`found '${next.literal}', expected: ',' or 'end of string'`);
      }
      const after = this.#peek();
      if (after.token !== 'id' && after.token !== '!') {
        throw new SelectorError(`found '${after.literal}', expected: identifier after ','`);
      }
    }
  }

  #wrapped<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      throw new SelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  /** The next token where a value may stand: there `in` and `notin` are plain words. */
  #peek(): Scanned {
    const scanned = this.#tokens[this.#at] ?? { token: 'end', literal: '' };
    if (scanned.token !== 'in' && scanned.token !== 'notin') return scanned;
    return { token: 'id', literal: scanned.literal };
  }

  #take(): Scanned {
    const scanned = this.#peek();
    this.#at += 1;
    return scanned;
  }

  #requirement(): LabelRequirement {
    let first = this.#take();
    const isNegated = first.token === '!';
    if (isNegated) first = this.#take();
    if (first.token !== 'id') {
      throw new SelectorError(`found '${first.literal}', expected: identifier`);
    }
    const key = first.literal;
    checkKey(key);
    if (isNegated) return { key, operator: 'doesNotExist', values: [] };
    const next = this.#peek();
    if (next.token === 'end' || next.token === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#tokens[this.#at];
    this.#at += 1;
    return this.#comparison(key, operator ?? { token: 'end', literal: '' });
  }

  #comparison(key: string, { token, literal }: Scanned): LabelRequirement {
    switch (token) {
      case 'in':
      case 'notin': {
        const values = this.#set();
        if (values.length === 0) {
          throw new SelectorError(
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
          );
        }
        checkValues(key, values);
        return { key, operator: token === 'in' ? 'in' : 'notIn', values };
      }
      case '=':
      case '==':
      case '!=': {
        const values = [this.#exact()];
        checkValues(key, values);
        return { key, operator: token === '!=' ? 'notIn' : 'in', values };
      }
      case '>':
      case '<': {
        const value = this.#exact();
        if (!isInt64(value)) {
          throw new SelectorError(
            `values[0]: Invalid value: ${JSON.stringify(value)}: ` +
              "for 'Gt', 'Lt' operators, the value must be an integer",
          );
        }
        return { key, operator: token === '>' ? 'greaterThan' : 'lessThan', values: [value] };
      }
      default:
        throw new SelectorError(`found '${literal}', expected: ${OPERATORS}`);
    }
  }

  #exact(): string {
    const { token } = this.#peek();
    if (token === 'end' || token === ',') return '';
    const taken = this.#take();
    if (taken.token === 'id') return taken.literal;
    throw new SelectorError(`found '${taken.literal}', expected: identifier`);
  }

  /** The values in brackets: an empty place between commas is the empty value. */
  #set(): string[] {
    const open = this.#take();
    if (open.token !== '(') throw new SelectorError(`found '${open.literal}' expected: '('`);
    const values = new Set<string>();
    if (this.#peek().token === ')') {
      this.#at += 1;
      return [];
    }
    for (;;) {
      const item = this.#take();
      if (item.token === ',' || item.token === ')') values.add('');
      else if (item.token === 'id') values.add(item.literal);
      else throw new SelectorError(`found '${item.literal}', expected: ',', ')' or identifier`);
      if (item.token === ')') return [...values].sort();
      if (item.token === ',') continue;
      const after = this.#take();
      if (after.token === ')') return [...values].sort();
      if (after.token !== ',') {
        throw new SelectorError(`found '${after.literal}', expected: ',' or ')'`);
      }
    }
  }
}

const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_TEXT =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " +
  "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or " +
  "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', " +
  " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN_TEXT =
  'prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric ' +
  "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. " +
  "'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a label key, in Kubernetes' words; empty if nothing is. */
function keyFaults(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name must ${NAME_TEXT} with an optional DNS subdomain prefix and '/' ` +
        "(e.g. 'example.com/MyName')",
    ];
  }
  const faults: string[] = [];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') faults.push('prefix part must be non-empty');
  else if (prefix !== undefined && prefix.length > 253) {
    faults.push('prefix part must be no more than 253 bytes');
  } else if (prefix !== undefined && !SUBDOMAIN.test(prefix)) faults.push(SUBDOMAIN_TEXT);
  if (name === '') faults.push('name part must be non-empty');
  else if (name.length > 63) faults.push('name part must be no more than 63 bytes');
  if (!NAME_PART.test(name)) faults.push(`name part must ${NAME_TEXT}`);
  return faults;
}

function checkKey(key: string): void {
  const faults = keyFaults(key);
  if (faults.length === 0) return;
  throw new SelectorError(`<nil>: Invalid value: ${JSON.stringify(key)}: ${faults.join('; ')}`);
}

function checkValues(key: string, values: readonly string[]): void {
  for (const [index, value] of values.entries()) {
    const faults: string[] = [];
    if (value.length > 63) faults.push('must be no more than 63 bytes');
    if (value !== '' && !NAME_PART.test(value)) {
      faults.push(VALUE_TEXT);
    }
    if (faults.length === 0) continue;
    const field = `values[${String(index)}][${key}]`;
    throw new SelectorError(
      `${field}: Invalid value: ${JSON.stringify(value)}: ${faults.join('; ')}`,
    );
  }
}

function isInt64(text: string): boolean {
  if (!/^[+-]?[0-9]+$/.test(text)) return false;
  const value = toInt64(text);
  return BigInt.asIntN(64, value) === value;
}

function toInt64(text: string): bigint {
  return BigInt(text.startsWith('+') ? text.slice(1) : text);
}

/** Parses a selector; empty text selects everything. Throws the 400 of K24. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  try {
    return new Parser(text).parse();
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

/** Whether `labels` satisfy one requirement. */
export function labelsSatisfy(
  labels: Readonly<Record<string, string>>,
  requirement: LabelRequirement,
): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'notIn':
      return value === undefined || !requirement.values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'doesNotExist':
      return value === undefined;
    case 'greaterThan':
    case 'lessThan': {
      if (value === undefined || !isInt64(value)) return false;
      const bound = toInt64(requirement.values[0] ?? '0');
      return requirement.operator === 'greaterThan'
        ? toInt64(value) > bound
        : toInt64(value) < bound;
    }
  }
}
