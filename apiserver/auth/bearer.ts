/**
 * Users by static bearer token (K67). The file has the form that kube-apiserver's
 * `--token-auth-file` has: `token,user,uid[,"group1,group2"]` a line, `#` begins a comment.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiRequest } from '../machinery/api-handler';
import type { AuthenticationResult, Authenticator } from './authenticator';
import type { UserInfo } from './user';

/** A token and whom it stands for. */
export interface StaticToken {
  readonly token: string;
  readonly user: UserInfo;
}

/** Parses a token file; throws an `Error` that names the line. */
export function parseTokenFile(text: string, fileName: string): readonly StaticToken[] {
  const tokens: StaticToken[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([^,"]+),([^,"]+),([^,"]*)(?:,"([^"]*)"|,([^,"]*))?$/.exec(line);
    const token = match?.[1]?.trim();
    const name = match?.[2]?.trim();
    if (match === null || token === undefined || name === undefined || token === '') {
      // The line itself is a secret: name its place and not its text.
      throw new Error(
        `Cannot read tokens from ${fileName} line ${String(index + 1)}: ` +
          'expected token,user,uid[,"group1,group2"]',
      );
    }
    const groups = (match[4] ?? match[5] ?? '').split(',').map((group) => group.trim());
    tokens.push({
      token,
      user: {
        name,
        uid: (match[3] ?? '').trim(),
        groups: groups.filter((group) => group !== ''),
        extra: {},
      },
    });
  }
  return tokens;
}

/** Recognises `Authorization: Bearer …` of a fixed set of tokens; an unknown token is refused. */
export class StaticTokenAuthenticator implements Authenticator {
  readonly #tokens: readonly { readonly digest: Buffer; readonly user: UserInfo }[];

  constructor(tokens: readonly StaticToken[]) {
    this.#tokens = tokens.map(({ token, user }) => ({ digest: digestOf(token), user }));
  }

  authenticate(request: ApiRequest): Promise<AuthenticationResult> {
    const token = bearerToken(request);
    if (token === undefined) return Promise.resolve({ kind: 'notMine' });
    const digest = digestOf(token);
    // All are compared, in constant time each: the time taken says nothing about a token.
    const found = this.#tokens.filter((known) => timingSafeEqual(known.digest, digest));
    const first = found[0];
    return Promise.resolve(
      first === undefined ? { kind: 'rejected' } : { kind: 'user', user: first.user },
    );
  }
}

/** The bearer token of a request, if it has one. */
export function bearerToken(request: ApiRequest): string | undefined {
  const match = /^bearer +(\S+) *$/i.exec(request.headers['authorization'] ?? '');
  return match?.[1];
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
