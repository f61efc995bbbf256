/** What a list, watch or deletecollection selects: path and query as a scope and a predicate. */
import type { ListOptions } from '../../machinery/list-options';
import { parseSelection, type Scope, type SelectionPredicate } from '../../storage';
import type { ResourceRequestContext } from '../request-context';
import type { ServedResource } from '../served-resource';

/** Where to look and what to take. */
export interface Selection {
  readonly scope: Scope;
  readonly predicate: SelectionPredicate;
}

/** Reads both selectors; a name in the path selects one object (K26, single-object watch). */
export function selectionOf(
  { info }: ResourceRequestContext,
  { definition, selectable }: ServedResource,
  options: ListOptions,
): Selection {
  const predicate = parseSelection(options, selectable);
  const name = info.isNamed ? info.name : predicate.name;
  const namespace = definition.isNamespaced && info.namespace !== '' ? info.namespace : undefined;
  return { scope: { namespace, name }, predicate };
}
