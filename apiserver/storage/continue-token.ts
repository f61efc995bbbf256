/**
 * Continue tokens (K12): base64url of the revision and of the place where the next page starts.
 * No server state: any API server over the same store goes on with it. `start` is relative to the
 * list's own prefix, and a token that would leave it is refused.
 */
import { fromUtf8 } from '../../base/bytes';
import { badRequest, type ApiError } from '../machinery/status';

const VERSION = 'meta.k8s.io/v1';

/** A page to go on with. */
export interface ContinuePosition {
  /** The revision of the list's first page; -1 means the newest (K13). */
  readonly revision: number;
  /** The first path wanted, relative to the list's prefix. */
  readonly start: string;
}

/** The token of a position. */
export function encodeContinueToken({ revision, start }: ContinuePosition): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision, start })).toString('base64url');
}

/** The position after `path` of a list over `prefix`. */
export function continueAfter(revision: number, path: string, prefix: string): string {
  return encodeContinueToken({ revision, start: `${path.slice(prefix.length)}\0` });
}

/** The token that goes on from the same place at the newest revision (K13). */
export function atNewestRevision({ start }: ContinuePosition): string {
  return encodeContinueToken({ revision: -1, start });
}

function refused(why: string): ApiError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}

function parse(token: string): unknown {
  // Buffer skips what is not base64; a token must be exactly what was handed out.
  if (!/^[A-Za-z0-9_-]+$/.test(token) || token.length % 4 === 1) throw refused('');
  try {
    return JSON.parse(fromUtf8(Buffer.from(token, 'base64url')));
  } catch {
    throw refused('');
  }
}

/** Reads a token a client sent; throws the 400s of K12. */
export function decodeContinueToken(token: string): ContinuePosition {
  const value = parse(token);
  if (typeof value !== 'object' || value === null) throw refused('');
  const { v, rv, start } = value as Readonly<Record<string, unknown>>;
  if (v !== VERSION) throw refused(': server does not recognize this encoded version');
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv < -1 || rv === 0) {
    throw refused(`: incorrect encoded start resourceVersion (version ${VERSION})`);
  }
  if (typeof start !== 'string') throw refused('');
  if (start === '') throw refused(`: encoded start key empty (version ${VERSION})`);
  if (!isClean(start)) throw refused(`: ${start}`);
  return { revision: rv, start };
}

/** Whether cleaning the path would leave it as it is: no `..`, no `.`, no empty part. */
function isClean(start: string): boolean {
  const relative = start.startsWith('/') ? start.slice(1) : start;
  return relative.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
