/** Byte strings: keys are compared bytewise, kept bytes are copied out of pooled buffers (R94). */

const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true });
const UTF8_ENCODER = new TextEncoder();
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** No bytes. Never written to. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** Byte order: negative, 0 or positive; a prefix sorts before what it begins. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Joins byte strings into a fresh one that the caller owns. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A copy with memory of its own: for bytes kept longer than the call that brought them (R94). */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/**
 * The smallest key above every key that begins with `prefix`, or undefined if there is none (the
 * prefix is empty or all 0xff), which means "to the end of the key space".
 */
export function prefixRangeEnd(prefix: Uint8Array): Uint8Array | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] as number;
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i] = byte + 1;
      return end;
    }
  }
  return undefined;
}

/** The smallest key above `key`: `key` with a zero byte appended. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array {
  return UTF8_ENCODER.encode(text);
}

/** The string of UTF-8 bytes; throws a `TypeError` for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return UTF8_DECODER.decode(bytes);
}

/** A string that is equal for equal bytes and usable as a `Map` key (one char per byte). */
export function bytesId(bytes: Uint8Array): string {
  // Half the cost of making a Buffer first; every write asks for this once or twice.
  return latin1Slice.call(bytes, 0, bytes.length);
}
