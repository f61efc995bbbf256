/** POST (K42): a new object of a collection. */
import type { ApiResponse } from '../../machinery/api-handler';
import type { KubernetesObject } from '../../machinery/object';
import { badRequest } from '../../machinery/status';
import { readObject } from '../body';
import type { ResourceRequestContext } from '../request-context';
import { representationFor } from '../respond';
import {
  servedKind,
  toServed,
  toStoredForm,
  type HandlerParts,
  type ServedResource,
} from '../served-resource';
import { parseWriteOptions } from '../write-options';
import { inertWarning } from './inert-kinds';
import { SERVABLE_OBJECT, showObject } from './show';
import { withNamespace, writeContext } from './write-context';

/** Creates the object of the body. */
export async function handleCreate(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const { definition, store } = resource;
  const representation = representationFor(context, SERVABLE_OBJECT);
  const options = parseWriteOptions(context.request.query, 'CreateOptions');
  const body = await readObject(context, parts.limits.requestBodyBytesMax, {
    types: parts.types,
    kind: servedKind(definition),
    fieldValidation: options.fieldValidation,
  });
  const object = inNamespace(context, resource, body);
  const prepared = definition.strategy.applyDefaults(toStoredForm(definition, object));
  const stored = await store.create(prepared, writeContext(context, options));
  const warning = inertWarning(definition);
  if (warning !== undefined) context.warnings.add(warning);
  const served = toServed(definition, stored);
  return showObject(context, representation, { status: 201, served, resource, parts });
}

/** K42: the body's namespace must be the URL's or absent; a cluster-scoped object has none. */
function inNamespace(
  { info }: ResourceRequestContext,
  { definition }: ServedResource,
  object: KubernetesObject,
): KubernetesObject {
  const { namespace = '' } = object.metadata;
  if (definition.isNamespaced && namespace !== '' && namespace !== info.namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return withNamespace(definition, object, info.namespace);
}
