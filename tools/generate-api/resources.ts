/** Makes the table of resources out of client-node's operations: names, scope, verbs, kinds. */
import type { BuiltinResource, BuiltinSubresource, BuiltinVerb } from '../../apiserver/schema';
import type { Operation } from './client-node';
import { expectShape } from './schema-json';

/** A resource with the model of its kind, before definitions are joined. */
export interface FoundResource extends Omit<BuiltinResource, 'schema' | 'storageVersionHash'> {
  readonly model: string;
  readonly listModel: string;
  /** Body models of subresources that have their own kind. */
  readonly subresourceModels: ReadonlyMap<string, string>;
}

/** Kinds of requests that are connections: the operations say only `string`. */
const connectKinds: Readonly<Record<string, string>> = {
  'pods/attach': 'PodAttachOptions',
  'pods/exec': 'PodExecOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/** Groups of kinds that belong to another group than their subresource's parent. */
const foreignKinds: Readonly<Record<string, { group: string; version: string }>> = {
  Eviction: { group: 'policy', version: 'v1' },
  Scale: { group: 'autoscaling', version: 'v1' },
  TokenRequest: { group: 'authentication.k8s.io', version: 'v1' },
};

/** Resources that can be listed but not watched; their list operation says otherwise. */
const unwatched: ReadonlySet<string> = new Set(['componentstatuses']);

const methodVerbs: Readonly<Record<string, BuiltinVerb>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

interface Place {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
  readonly isItem: boolean;
  readonly subresource: string;
}

interface Draft {
  readonly place: Place;
  isNamespaced: boolean;
  model: string;
  listModel: string;
  readonly verbs: Set<BuiltinVerb>;
  readonly subresources: Map<string, { verbs: Set<BuiltinVerb>; model: string }>;
}

/**
 * All resources of the stable versions. Kubernetes serves alpha and beta versions only when they
 * are asked for, so they are left out.
 */
export function findResources(operations: readonly Operation[]): readonly FoundResource[] {
  const drafts = new Map<string, Draft>();
  for (const operation of operations) {
    const place = placeOf(operation.path);
    if (place === undefined || !/^v\d+$/.test(place.version)) continue;
    const id = `${place.group}/${place.version}/${place.resource}`;
    let draft = drafts.get(id);
    if (draft === undefined) {
      draft = {
        place,
        isNamespaced: false,
        model: '',
        listModel: '',
        verbs: new Set(),
        subresources: new Map(),
      };
      drafts.set(id, draft);
    }
    addOperation(draft, place, operation);
  }
  return [...drafts.values()].map(finish).sort(byName);
}

function placeOf(path: string): Place | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const root = parts.shift();
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'api' ? '' : (parts.shift() ?? '');
  const version = parts.shift() ?? '';
  if (parts.includes('{path}') || group.includes('{') || version.includes('{')) return undefined;
  const isNamespaced = parts[0] === 'namespaces' && parts[1] === '{namespace}';
  if (isNamespaced) parts.splice(0, 2);
  const [resource, name, subresource = ''] = parts;
  if (resource === undefined) return undefined;
  return { group, version, resource, isNamespaced, isItem: name !== undefined, subresource };
}

function addOperation(draft: Draft, place: Place, operation: Operation): void {
  const verb = methodVerbs[operation.method];
  if (verb === undefined) return; // HEAD and OPTIONS of proxies.
  if (place.isNamespaced) draft.isNamespaced = true;
  const model = operation.bodyModel === 'any' ? operation.resultModel : operation.bodyModel;
  if (place.subresource !== '') {
    const found = draft.subresources.get(place.subresource);
    const subresource = found ?? { verbs: new Set<BuiltinVerb>(), model: '' };
    subresource.verbs.add(verb);
    if (verb === 'create' || verb === 'update') subresource.model = model;
    draft.subresources.set(place.subresource, subresource);
    return;
  }
  if (place.isItem) {
    draft.verbs.add(verb);
    if (verb === 'get') draft.model = operation.resultModel;
    return;
  }
  if (verb === 'get') {
    draft.verbs.add('list');
    if (!unwatched.has(place.resource)) draft.verbs.add('watch');
    draft.listModel = operation.resultModel;
  } else if (verb === 'delete') {
    draft.verbs.add('deletecollection');
  } else {
    draft.verbs.add(verb);
    if (draft.model === '') draft.model = model;
  }
}

function finish(draft: Draft): FoundResource {
  const { group, version, resource } = draft.place;
  expectShape(draft.model !== '', `a kind of ${group}/${version}/${resource}`);
  const kind = kindOf(draft.model);
  const subresourceModels = new Map<string, string>();
  const subresources = [...draft.subresources].sort(byKey).map(([name, found]) => {
    if (found.model !== '') subresourceModels.set(name, found.model);
    return finishSubresource(draft, name, found.verbs, kindOf(found.model) || kind);
  });
  return {
    group,
    version,
    resource,
    kind,
    isNamespaced: draft.isNamespaced,
    verbs: [...draft.verbs].sort(),
    subresources,
    model: draft.model,
    listModel: draft.listModel,
    subresourceModels,
  };
}

function finishSubresource(
  draft: Draft,
  name: string,
  verbs: ReadonlySet<BuiltinVerb>,
  kindName: string,
): BuiltinSubresource {
  const { group, version, resource } = draft.place;
  const kind = connectKinds[`${resource}/${name}`] ?? kindName;
  const owner = foreignKinds[kind] ?? { group, version };
  return { name, kind: { ...owner, kind }, verbs: [...verbs].sort() };
}

/** `Event` of `CoreV1Event`. */
export function kindOf(model: string): string {
  return /^(?:[A-Z][a-z]+)??V\d+(?:(?:alpha|beta)\d+)?(.+)$/.exec(model)?.[1] ?? '';
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function byName(a: FoundResource, b: FoundResource): number {
  const [left, right] = [a, b].map((each) => `${each.group}/${each.version}/${each.resource}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
