/** Authentication as a seam: the first method that knows the credential decides. */
import type { ApiRequest } from '../machinery/api-handler';
import type { UserInfo } from './user';

/** What one method says: a user, a wrong credential (401), or nothing to do with it. */
export type AuthenticationResult =
  | { readonly kind: 'user'; readonly user: UserInfo }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'notMine' };

/** One way of proving who one is. */
export interface Authenticator {
  authenticate(request: ApiRequest): Promise<AuthenticationResult>;
}
