/**
 * The first stage that knows about users (K66, K67): tries each method in order; the first that
 * recognises the credential decides. A credential that is presented but wrong is never anonymous.
 */
import type { ApiRequest } from '../machinery/api-handler';
import type { Authenticator } from './authenticator';
import { WELL_KNOWN, type UserInfo } from './user';

/** What the chain needs to know. */
export interface AuthenticateOptions {
  readonly authenticators: readonly Authenticator[];
  /** Whether a request without any credential is `system:anonymous`, or refused. */
  readonly allowAnonymous: boolean;
}

/** The anonymous user (k8s: authentication, anonymous requests). */
export const ANONYMOUS: UserInfo = {
  name: WELL_KNOWN.anonymousUser,
  uid: '',
  groups: [WELL_KNOWN.unauthenticatedGroup],
  extra: {},
};

/** The user of a request, or undefined if it must be refused with 401. */
export async function authenticate(
  request: ApiRequest,
  options: AuthenticateOptions,
): Promise<UserInfo | undefined> {
  for (const authenticator of options.authenticators) {
    const result = await authenticator.authenticate(request);
    switch (result.kind) {
      case 'user':
        return withAuthenticatedGroup(result.user);
      case 'rejected':
        return undefined;
      case 'notMine':
        break;
    }
  }
  // A bearer token or a basic credential that no method claimed is a wrong credential.
  if (request.headers['authorization'] !== undefined) return undefined;
  return options.allowAnonymous ? ANONYMOUS : undefined;
}

function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(WELL_KNOWN.authenticatedGroup) || user.name === ANONYMOUS.name) {
    return user;
  }
  return { ...user, groups: [...user.groups, WELL_KNOWN.authenticatedGroup] };
}
