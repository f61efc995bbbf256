/** GET of one object, of its status, and of its scale (K5, K46). */
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson } from '../../machinery/json';
import { getFreshness } from '../../machinery/list-options';
import { scaleOf } from '../../registry';
import type { ResourceRequestContext } from '../request-context';
import { bytesResponse, representationFor } from '../respond';
import { PLAIN } from '../negotiate';
import { toServed, type HandlerParts, type ServedResource } from '../served-resource';
import { SERVABLE_OBJECT, showObject } from './show';

/** Answers with the object; `/status` shows the whole object too. */
export async function handleGet(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const isScale = context.info.subresource === 'scale';
  const representation = representationFor(context, isScale ? PLAIN : SERVABLE_OBJECT);
  const freshness = getFreshness(context.request.query.get('resourceVersion') ?? '');
  const stored = await resource.store.get(context.info, freshness, context.signal);
  const served = toServed(resource.definition, stored);
  if (isScale) {
    const json = encodeJson(scaleOf(served.object));
    return bytesResponse(context, representation, { status: 200, json });
  }
  return showObject(context, representation, { status: 200, served, resource, parts });
}
