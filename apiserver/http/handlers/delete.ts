/** DELETE of one object (K47, K48). */
import type { ApiResponse } from '../../machinery/api-handler';
import type { Status } from '../../machinery/status';
import { policyWarning, readDeleteOptions } from '../delete-options';
import type { ResourceRequestContext } from '../request-context';
import { documentResponse, representationFor } from '../respond';
import { toServed, type HandlerParts, type ServedResource } from '../served-resource';
import { SERVABLE_OBJECT, showObject } from './show';
import { writeContext } from './write-context';

/** Deletes or marks; the answer says which (K47). */
export async function handleDelete(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const { definition, store } = resource;
  const representation = representationFor(context, SERVABLE_OBJECT);
  const options = await readDeleteOptions(context, parts.limits.requestBodyBytesMax);
  const warning = policyWarning(options);
  if (warning !== undefined) context.warnings.add(warning);
  const { name } = context.info;
  const { kind, stored } = await store.delete(name, options, writeContext(context, options));
  if (kind === 'marked' || definition.strategy.returnsDeletedObject) {
    const isAsked = options.orphanDependents === false;
    const status = kind === 'marked' && isAsked ? 202 : 200;
    const served = toServed(definition, stored);
    return showObject(context, representation, { status, served, resource, parts });
  }
  const { group, resource: plural } = definition;
  const { uid } = stored.object.metadata;
  const document: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      ...(uid === undefined ? {} : { uid }),
    },
  };
  return documentResponse(context, representation, { status: 200, document });
}
