/** Delete a collection (K49): page by page, one delete each, not atomic. */
import { isApiError } from '../machinery/status';
import type { ListRequest, StoredObject } from '../storage';
import { deleteObject, type DeletionRequest } from './delete-object';
import type { StoreParts, WriteContext } from './store-parts';

/** What was deleted. */
export interface CollectionDeletion {
  /** Of the first page: the state the selection was made from. */
  readonly resourceVersion: string;
  /** As they were listed. */
  readonly items: readonly StoredObject[];
}

/** Deletes what the list selects; what somebody else deleted meanwhile does not count as failed. */
export async function deleteCollection(
  parts: StoreParts,
  list: ListRequest,
  request: DeletionRequest,
  context: WriteContext,
): Promise<CollectionDeletion> {
  const items: StoredObject[] = [];
  const limit = list.limit === 0 ? parts.limits.deleteCollectionPageSize : list.limit;
  let page = await parts.storage.list({ ...list, limit });
  const { resourceVersion } = page;
  for (;;) {
    for (const item of page.items) {
      const { name = '', namespace = '' } = item.object.metadata;
      try {
        await deleteObject(parts, name, request, { ...context, namespace });
        items.push(item);
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
    if (page.continueToken === undefined || list.limit !== 0) return { resourceVersion, items };
    page = await parts.storage.list({ ...list, limit, continueToken: page.continueToken });
  }
}
