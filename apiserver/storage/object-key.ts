/**
 * Keys of one resource's objects (K76, K77): `prefix/segment/[namespace/]name`. A range always
 * ends its prefix in `/`, so that namespace `default` does not match `default2`.
 */
import { assert } from '../../base/assert';
import { prefixRangeEnd, utf8 } from '../../base/bytes';
import type { KeyRange } from '../../store/index';
import type { Scope } from './storage';

/** Builds and reads the keys of one resource. */
export class ObjectKeys {
  /** `/registry/pods/`. */
  readonly prefix: string;
  readonly #prefixLength: number;

  constructor(options: { readonly keyPrefix: string; readonly keySegment: string }) {
    const { keyPrefix, keySegment } = options;
    assert(!keyPrefix.endsWith('/') && keySegment !== '', 'a key prefix has no slash at its end', {
      keyPrefix,
      keySegment,
    });
    this.prefix = `${keyPrefix}/${keySegment}/`;
    this.#prefixLength = utf8(this.prefix).length;
  }

  /** The key of an object. */
  keyOf(path: string): Uint8Array {
    return utf8(this.prefix + path);
  }

  /** The key as people know it, for messages. */
  nameOf(path: string): string {
    return this.prefix + path;
  }

  /** Namespace and name of a key of this resource. */
  pathOf(key: Uint8Array): string {
    const { buffer, byteOffset, byteLength } = key;
    const prefix = this.#prefixLength;
    return Buffer.from(buffer, byteOffset + prefix, byteLength - prefix).toString('utf8');
  }

  /** All keys of a scope, from `startPath` on if one is given. */
  rangeOf(scope: Scope, startPath?: string): KeyRange {
    const prefix = this.prefix + scopePrefix(scope);
    const start = startPath === undefined ? utf8(prefix) : utf8(this.prefix + startPath);
    return { start, end: prefixRangeEnd(utf8(prefix)) };
  }
}

/** What the paths of a scope begin with: `ns/`, or nothing. */
export function scopePrefix(scope: Pick<Scope, 'namespace'>): string {
  return scope.namespace === undefined || scope.namespace === '' ? '' : `${scope.namespace}/`;
}

/** Whether an object belongs to a scope. */
export function isInScope(path: string, scope: Scope): boolean {
  if (!path.startsWith(scopePrefix(scope))) return false;
  return scope.name === undefined || nameOfPath(path) === scope.name;
}

/** The namespace of a path; empty for cluster scope. */
export function namespaceOfPath(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

/** The name of a path. */
export function nameOfPath(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

/**
 * The path a scope with a name points at, or undefined if the scope spans namespaces, so that the
 * name alone is no path.
 */
export function pointPath(scope: Scope, isNamespaced: boolean): string | undefined {
  if (scope.name === undefined) return undefined;
  if (!isNamespaced) return scope.name;
  const prefix = scopePrefix(scope);
  return prefix === '' ? undefined : prefix + scope.name;
}

/** Byte order of paths, which is the order of keys (K9), for JavaScript's UTF-16 strings. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    // Surrogates stand for code points above all others, but sort below U+E000 as UTF-16.
    if (x >= 0xd800 && y >= 0xd800) return codePointAt(a, at) - codePointAt(b, at);
    return x - y;
  }
  return a.length - b.length;
}

function codePointAt(text: string, at: number): number {
  const isLow = (text.charCodeAt(at) & 0xfc00) === 0xdc00 && at > 0;
  return text.codePointAt(isLow ? at - 1 : at) ?? 0;
}
