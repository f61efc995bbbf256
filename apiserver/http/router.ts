/**
 * From what a request is about to the handler that answers it (K26 to K28). A resource's path and
 * verb select a handler from one table; what is not served is refused in the form that clients
 * expect, and what is not there yet says so (K46, K91).
 */
import type { ApiResponse } from '../machinery/api-handler';
import {
  badRequest,
  methodNotAllowed,
  notImplemented,
  resourceNotServed,
} from '../machinery/status';
import { pathSegmentProblems } from '../machinery/name-validation';
import type { ResourceDefinition } from '../registry';
import { handleCreate } from './handlers/create';
import { handleDelete } from './handlers/delete';
import { handleDeleteCollection } from './handlers/delete-collection';
import { handleGet } from './handlers/get';
import { handleList } from './handlers/list';
import { handlePatch } from './handlers/patch';
import { handleUpdate } from './handlers/update';
import { handleWatch } from './handlers/watch';
import type { Handler, RequestContext, ResourceRequestContext } from './request-context';
import type { RequestInfo, ResourceRequestInfo } from './request-info';
import { textResponse } from './respond';
import type { HandlerParts, ServedResource } from './served-resource';

/** Answers a non-resource path, or says that it is not its own. */
export type NonResourceEndpoint = (context: RequestContext) => Promise<ApiResponse | undefined>;

/** A resource with its store; without one it is a review, which is answered and never stored. */
export type RoutedResource = ServedResource | Pick<ServedResource, 'definition'>;

type VerbHandler = (
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
) => Promise<ApiResponse>;

const HANDLERS: Readonly<Record<string, VerbHandler>> = {
  get: handleGet,
  list: handleList,
  watch: handleWatch,
  create: handleCreate,
  update: handleUpdate,
  patch: handlePatch,
  delete: handleDelete,
  deletecollection: handleDeleteCollection,
};

/** Subresources that are views of the object itself, with the verbs they have. */
const OBJECT_VIEWS: ReadonlySet<string> = new Set(['status', 'scale', 'finalize']);

/** Subresources that need a node behind the API. */
const NODE_VIEWS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'log', 'proxy']);

/** All that is served, found by path. */
export class Router {
  readonly #parts: HandlerParts;
  readonly #endpoints: readonly NonResourceEndpoint[];
  readonly #resources = new Map<string, RoutedResource>();
  readonly #groupVersions = new Set<string>();

  constructor(
    parts: HandlerParts,
    resources: readonly RoutedResource[],
    endpoints: readonly NonResourceEndpoint[],
  ) {
    this.#parts = parts;
    this.#endpoints = endpoints;
    for (const resource of resources) {
      this.#resources.set(keyOf(resource.definition), resource);
      this.#groupVersions.add(groupVersionOf(resource.definition));
    }
  }

  /** Whether a request's resource is served. */
  isKnown(info: RequestInfo): boolean {
    return info.kind === 'resource' && this.#resources.has(keyOf(info));
  }

  /** The last stage of the pipeline. */
  readonly handle: Handler = async (context) => {
    const { info } = context;
    if (info.kind === 'resource') return this.#answerResource({ ...context, info });
    for (const endpoint of this.#endpoints) {
      const response = await endpoint(context);
      if (response !== undefined) return response;
    }
    return pageNotFound();
  };

  async #answerResource(context: ResourceRequestContext): Promise<ApiResponse> {
    const { info } = context;
    // K28: clients turn both into the same words, but only a known group version has a Status.
    if (!this.#groupVersions.has(groupVersionOf(info))) return pageNotFound();
    const resource = this.#resources.get(keyOf(info));
    if (resource === undefined) throw resourceNotServed();
    const { definition } = resource;
    checkPlace(definition, info);
    if (!('store' in resource)) throw notImplemented(unsupported(definition, ''));
    // `/watch/` in the path makes a watch of any method (K26); only reading is one.
    const { method } = context.request;
    if (info.verb === 'watch' && method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
    return handlerOf(definition, info)(context, resource, this.#parts);
  }
}

/** A name is one path segment, and the path must fit the resource's scope (K26). */
function checkPlace(
  { isNamespaced, resource }: ResourceDefinition,
  info: ResourceRequestInfo,
): void {
  for (const name of [info.name, info.namespace]) {
    const problems = pathSegmentProblems(name);
    if (problems.length > 0) {
      throw badRequest(`invalid resource name ${JSON.stringify(name)}: [${problems.join(', ')}]`);
    }
  }
  const isNamespace = resource === 'namespaces' && info.group === '';
  if (!isNamespaced && info.namespace !== '' && !isNamespace) throw resourceNotServed();
  if (!isNamespaced || info.namespace !== '') return;
  // Across all namespaces there are only collections to read.
  if (info.isNamed) throw resourceNotServed();
  if (info.verb !== 'list' && info.verb !== 'watch') throw methodNotAllowed();
}

function handlerOf(definition: ResourceDefinition, info: ResourceRequestInfo): VerbHandler {
  const { verb, subresource } = info;
  if (subresource === '') {
    const isOfCollection = verb === 'create' || verb === 'list' || verb === 'deletecollection';
    const fitsPath = verb === 'watch' || isOfCollection !== info.isNamed;
    const isServed = fitsPath && definition.verbs.some((each) => each === verb);
    const handler = HANDLERS[verb];
    if (!isServed || handler === undefined) throw methodNotAllowed();
    return handler;
  }
  const view = definition.subresources.find(({ name }) => name === subresource);
  if (view === undefined) throw resourceNotServed();
  if (NODE_VIEWS.has(subresource)) {
    throw notImplemented(
      `${definition.resource}/${subresource} is not supported: keelson has no kubelet behind it`,
    );
  }
  if (!OBJECT_VIEWS.has(subresource)) throw notImplemented(unsupported(definition, subresource));
  const isServed = view.verbs.some((each) => each === verb);
  const handler = HANDLERS[verb];
  if (!isServed || handler === undefined) throw methodNotAllowed();
  return handler;
}

function unsupported({ resource }: ResourceDefinition, subresource: string): string {
  const name = subresource === '' ? resource : `${resource}/${subresource}`;
  return `${name} is not supported by keelson yet`;
}

function pageNotFound(): ApiResponse {
  return textResponse(404, '404 page not found\n');
}

function keyOf(target: { group: string; version: string; resource: string }): string {
  return `${target.group}/${target.version}/${target.resource}`;
}

function groupVersionOf(target: { group: string; version: string }): string {
  return `${target.group}/${target.version}`;
}
