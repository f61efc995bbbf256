/** Authorization as a seam: may this user do this? (K72) */
import type { UserInfo } from './user';

/** What is about to be done. */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  /** `get`, `list`, `watch`, `create`, …; for non-resource paths the method in lower case. */
  readonly verb: string;
  readonly target:
    | {
        readonly kind: 'resource';
        readonly group: string;
        readonly version: string;
        readonly resource: string;
        /** Empty for the resource itself. */
        readonly subresource: string;
        /** Empty for cluster scope and for all namespaces. */
        readonly namespace: string;
        /** Empty for a collection. */
        readonly name: string;
      }
    | { readonly kind: 'nonResource'; readonly path: string };
}

/** The decision; the reason is for the message of a refusal. */
export interface AuthorizationDecision {
  readonly isAllowed: boolean;
  readonly reason: string;
}

/** Decides about requests. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Promise<AuthorizationDecision>;
}
