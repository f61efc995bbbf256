/**
 * The order of a merged list (K53). Items that the client knows come in the client's order, items
 * that only the server has keep their order, and where both kinds stood in the server's list their
 * relative places stay. k8s: strategicpatch, normalizeElementOrder and mergeSortedSlice.
 */
import type { Json } from '../machinery/object';

/** Whether two items are the same one: equal, or equal in the merge key. */
export type IsSameItem = (a: Json, b: Json) => boolean;

/** `merged` in the order that `clientOrder` and `serverOrder` give. */
export function mergeInOrder(
  merged: readonly Json[],
  clientOrder: readonly Json[],
  serverOrder: readonly Json[],
  isSame: IsSameItem,
): readonly Json[] {
  const rankIn = (order: readonly Json[], item: Json): number =>
    order.findIndex((each) => isSame(each, item));
  const sortBy = (items: readonly Json[], order: readonly Json[]): Json[] =>
    items.toSorted((a, b) => rankIn(order, a) - rankIn(order, b));
  const known = sortBy(
    merged.filter((item) => rankIn(clientOrder, item) !== -1),
    clientOrder,
  );
  const serverOnly = sortBy(
    merged.filter((item) => rankIn(clientOrder, item) === -1),
    serverOrder,
  );
  const result: Json[] = [];
  while (known.length > 0 && serverOnly.length > 0) {
    const [left, right] = [serverOnly[0] as Json, known[0] as Json];
    const [leftRank, rightRank] = [rankIn(serverOrder, left), rankIn(serverOrder, right)];
    const isLeftFirst = leftRank !== -1 && rightRank !== -1 && leftRank < rightRank;
    result.push(isLeftFirst ? left : right);
    (isLeftFirst ? serverOnly : known).shift();
  }
  return [...result, ...serverOnly, ...known];
}
