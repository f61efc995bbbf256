/**
 * The parser of request bodies. `JSON.parse` forgets duplicate fields (K50) and rounds int64
 * (K32), and its error texts are not Kubernetes', so this one reads character by character. The
 * texts are those of Go's decoder, which clients have seen for years.
 */
import { JsonNumber, type Json } from './object';

/** k8s: nesting beyond this is an attack, not an object; less than Go's 10,000, for our stack. */
export const jsonDepthMax = 1000;

/** k8s: strict errors beyond the hundredth are not listed. */
const duplicatesMax = 100;

/** A mistake in the text. Internal: `parseJson` returns it as a value. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** One pass over one text. */
export class JsonParser {
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;
  readonly duplicateFields: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** The value that the whole text is. */
  parse(): Json {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#invalid('after top-level value');
    return value;
  }

  #value(): Json {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(): Json {
    this.#enter();
    const object: Record<string, Json> = {};
    const depth = this.#path.length;
    this.#path.push('');
    if (this.#isNext('}')) {
      this.#at++;
    } else {
      do {
        if (!this.#isNext('"')) throw this.#invalid('looking for beginning of object key string');
        const name = this.#string();
        if (!this.#isNext(':')) throw this.#invalid('after object key');
        this.#at++;
        this.#path[depth] = name;
        if (Object.hasOwn(object, name)) this.#addDuplicate();
        setField(object, name, this.#value());
      } while (this.#isAnother('}', 'after object key:value pair'));
    }
    this.#path.pop();
    return object;
  }

  #array(): Json {
    this.#enter();
    const items: Json[] = [];
    const depth = this.#path.length;
    this.#path.push(0);
    if (this.#isNext(']')) {
      this.#at++;
    } else {
      do {
        this.#path[depth] = items.length;
        items.push(this.#value());
      } while (this.#isAnother(']', 'after array element'));
    }
    this.#path.pop();
    return items;
  }

  #enter(): void {
    if (this.#path.length >= jsonDepthMax) {
      throw new JsonSyntaxError('exceeded max depth', this.#at);
    }
    this.#at++;
  }

  /** Steps over `,` (true) or the closing character (false). */
  #isAnother(close: string, context: string): boolean {
    this.#skipSpace();
    const next = this.#text[this.#at];
    if (next !== ',' && next !== close) throw this.#invalid(context);
    this.#at++;
    return next === ',';
  }

  #string(): string {
    const start = this.#at;
    let hasEscape = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        if (!hasEscape) return this.#text.slice(start + 1, at);
        return JSON.parse(this.#text.slice(start, at + 1)) as string;
      }
      if (code === 0x5c) {
        hasEscape = true;
        at = this.#skipEscape(at + 1);
      } else if (code < 0x20) {
        this.#at = at;
        throw this.#invalid('in string literal');
      }
    }
    throw this.#unexpectedEnd();
  }

  /** Returns the offset of the escape's last character. */
  #skipEscape(at: number): number {
    const kind = this.#text[at];
    if (kind === undefined) throw this.#unexpectedEnd();
    if (kind !== 'u') {
      if ('"\\/bfnrt'.includes(kind)) return at;
      this.#at = at;
      throw this.#invalid('in string escape code');
    }
    for (let digit = at + 1; digit <= at + 4; digit++) {
      const character = this.#text[digit];
      if (character === undefined) throw this.#unexpectedEnd();
      if (!/[0-9a-fA-F]/.test(character)) {
        this.#at = digit;
        throw this.#invalid('in \\u hexadecimal character escape');
      }
    }
    return at + 4;
  }

  #literal<Value extends Json>(word: string, value: Value): Value {
    for (let index = 0; index < word.length; index++, this.#at++) {
      if (this.#text[this.#at] !== word[index]) {
        throw this.#invalid(`in literal ${word} (expecting '${word[index] ?? ''}')`);
      }
    }
    return value;
  }

  #number(): Json {
    const start = this.#at;
    if (this.#text[this.#at] === '-') this.#at++;
    const isNegative = this.#at > start;
    if (this.#text[this.#at] === '0') this.#at++;
    else this.#digits(isNegative ? 'in numeric literal' : 'looking for beginning of value');
    let isInteger = true;
    if (this.#text[this.#at] === '.') {
      isInteger = false;
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      isInteger = false;
      this.#at++;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    const text = this.#text.slice(start, this.#at);
    const value = numberOf(text, isInteger);
    if (value === Infinity || value === -Infinity) {
      const why = `strconv.ParseFloat: parsing ${JSON.stringify(text)}: value out of range`;
      throw new JsonSyntaxError(why, start);
    }
    return value;
  }

  #digits(context: string): void {
    const start = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= 0x30 && code <= 0x39)) break;
      this.#at++;
    }
    if (this.#at === start) throw this.#invalid(context);
  }

  #isNext(character: string): boolean {
    this.#skipSpace();
    return this.#text[this.#at] === character;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #addDuplicate(): void {
    if (this.duplicateFields.length >= duplicatesMax) return;
    const path = fieldPath(this.#path);
    if (!this.duplicateFields.includes(path)) this.duplicateFields.push(path);
  }

  #invalid(context: string): JsonSyntaxError {
    const character = this.#text.codePointAt(this.#at);
    if (character === undefined) return this.#unexpectedEnd();
    const shown = quoteCharacter(String.fromCodePoint(character));
    return new JsonSyntaxError(`invalid character ${shown} ${context}`, this.#at);
  }

  #unexpectedEnd(): JsonSyntaxError {
    return new JsonSyntaxError('unexpected end of JSON input', this.#text.length);
  }
}

/** `spec.containers[0].name` */
export function fieldPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${String(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

const int64Max = 9_223_372_036_854_775_807n;

/** A double where that says the same; else the digits, if int64 can hold them. */
export function numberOf(text: string, isInteger: boolean): Json {
  const value = Number(text);
  if (!isInteger || Number.isSafeInteger(value)) return value;
  const exact = BigInt(text);
  return exact <= int64Max && exact >= -int64Max - 1n ? new JsonNumber(exact.toString()) : value;
}

/** Sets an own field whatever its name is: `__proto__` is a name like any other in JSON. */
export function setField(object: Record<string, Json>, name: string, value: Json): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    object[name] = value;
  }
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
