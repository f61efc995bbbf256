/** What the registry is told about the request that a write belongs to. */
import type { KubernetesObject } from '../../machinery/object';
import { withMetadata, type ResourceDefinition, type WriteContext } from '../../registry';
import type { ResourceRequestContext } from '../request-context';

/** User, namespace and dry run of a request. */
export function writeContext(
  context: ResourceRequestContext,
  { isDryRun }: { readonly isDryRun: boolean },
): WriteContext {
  const { info, user, signal, warnings } = context;
  // A namespace lies in no namespace, although its requests name one for authorization (K26).
  const isNamespace = info.group === '' && info.resource === 'namespaces';
  return {
    namespace: isNamespace ? '' : info.namespace,
    subresource: info.subresource,
    user,
    isDryRun,
    warn: (text) => warnings.add(text),
    signal,
  };
}

/** The object in the URL's namespace, or without one if its resource has cluster scope. */
export function withNamespace(
  definition: ResourceDefinition,
  object: KubernetesObject,
  namespace: string,
): KubernetesObject {
  return withMetadata(object, { namespace: definition.isNamespaced ? namespace : undefined });
}
