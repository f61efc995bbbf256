/** DELETE of a collection (K49): the list of what was deleted comes back. */
import type { ApiResponse } from '../../machinery/api-handler';
import { parseListOptions, selectList } from '../../machinery/list-options';
import { policyWarning, readDeleteOptions } from '../delete-options';
import type { ResourceRequestContext } from '../request-context';
import { representationFor } from '../respond';
import type { HandlerParts, ServedResource } from '../served-resource';
import { SERVABLE_LIST, showList } from './list';
import { selectionOf } from './selection';
import { writeContext } from './write-context';

/** Deletes what the selectors select. */
export async function handleDeleteCollection(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const representation = representationFor(context, SERVABLE_LIST);
  const listOptions = parseListOptions(context.request.query);
  const options = await readDeleteOptions(context, parts.limits.requestBodyBytesMax);
  const warning = policyWarning(options);
  if (warning !== undefined) context.warnings.add(warning);
  const list = {
    ...selectionOf(context, resource, listOptions),
    ...selectList(listOptions),
    signal: context.signal,
  };
  const deleted = await resource.store.deleteCollection(
    list,
    options,
    writeContext(context, options),
  );
  return showList(context, representation, {
    list: { ...deleted, continueToken: undefined, remainingItemCount: undefined },
    resource,
    parts,
  });
}
