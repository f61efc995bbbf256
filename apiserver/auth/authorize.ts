/** The authorization stage (K66, K72): `system:masters` first, then the configured authorizers. */
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from './authorizer';
import { WELL_KNOWN } from './user';

/** Allows everything to `system:masters`; has no opinion on anybody else. */
export const mastersAuthorizer: Authorizer = {
  authorize(attributes) {
    const isAllowed = attributes.user.groups.includes(WELL_KNOWN.mastersGroup);
    return Promise.resolve({ isAllowed, reason: '' });
  },
};

/** Allows everything to everybody: RBAC switched off for tests. */
export const allowAllAuthorizer: Authorizer = {
  authorize: () => Promise.resolve({ isAllowed: true, reason: 'RBAC is switched off' }),
};

/** Asks one after the other: the first that allows decides; without one the request is refused. */
export function unionAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes): Promise<AuthorizationDecision> {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(attributes);
        if (decision.isAllowed) return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { isAllowed: false, reason: reasons.join(', ') };
    },
  };
}

/**
 * Why a request is refused, in the words clients print after `… is forbidden: ` (K39). The reason
 * of the authorizer follows, if it gave one.
 */
export function refusalText(attributes: AuthorizationAttributes, reason: string): string {
  const { user, verb, target } = attributes;
  const tail = reason === '' ? '' : `: ${reason}`;
  if (target.kind === 'nonResource') {
    return escapeHtml(`User "${user.name}" cannot ${verb} path "${target.path}"`) + tail;
  }
  const resource =
    target.subresource === '' ? target.resource : `${target.resource}/${target.subresource}`;
  const where =
    target.namespace === '' ? 'at the cluster scope' : `in the namespace "${target.namespace}"`;
  const text =
    `User "${user.name}" cannot ${verb} resource "${resource}" ` +
    `in API group "${target.group}" ${where}`;
  return escapeHtml(text) + tail;
}

/** The text quotes names that the client chose; Kubernetes escapes them as HTML, so do we (K39). */
function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
