/** A request in the authorizer's terms, and its refusal in the client's (K39, K72). */
import { refusalText, type AuthorizationAttributes } from '../auth';
import type { GroupResource } from '../machinery/object';
import type { RequestContext } from './request-context';

/** What the authorizer is asked. */
export function authorizationAttributes({ info, user }: RequestContext): AuthorizationAttributes {
  if (info.kind === 'nonResource') {
    return { user, verb: info.verb, target: { kind: 'nonResource', path: info.path } };
  }
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const target = {
    kind: 'resource',
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
  } as const;
  return { user, verb, target };
}

/** Whose details a 403 has, and its text. */
export function refusalOf(
  attributes: AuthorizationAttributes,
  reason: string,
): { readonly resource: GroupResource; readonly name: string; readonly text: string } {
  const { target } = attributes;
  const text = refusalText(attributes, reason);
  if (target.kind === 'nonResource') {
    return { resource: { group: '', resource: '' }, name: '', text };
  }
  return { resource: { group: target.group, resource: target.resource }, name: target.name, text };
}
