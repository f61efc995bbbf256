/**
 * What a request is about, read from its method and URL alone (K26, K27): the authorizer, the
 * metrics and the router all use this one answer, so they cannot disagree.
 *
 *   /api/v1/[watch/][namespaces/<ns>/]<resource>[/<name>[/<subresource>]]
 *   /apis/<group>/<version>/[watch/]…
 *
 * Everything else, `/api/v1` itself included, is a non-resource request.
 */
import type { ApiRequest } from '../machinery/api-handler';

/** A request for an object or a collection. */
export interface ResourceRequestInfo {
  readonly kind: 'resource';
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` or ``. */
  readonly verb: string;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** Empty for cluster scope and all namespaces; a namespace itself is in its own namespace. */
  readonly namespace: string;
  /** Empty for a collection; set for a collection narrowed by `metadata.name` too (K27). */
  readonly name: string;
  /** Whether the path names one object; a narrowed collection does not. */
  readonly isNamed: boolean;
}

/** Anything else: discovery, health, metrics, unknown paths. */
export interface NonResourceRequestInfo {
  readonly kind: 'nonResource';
  /** The method in lower case. */
  readonly verb: string;
  /** Decoded, with one leading slash and none at the end. */
  readonly path: string;
}

/** What a request is about. */
export type RequestInfo = ResourceRequestInfo | NonResourceRequestInfo;

/** Subresources of a namespace itself; anything else after its name is a resource inside it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Reads method, path and query. A path that cannot be decoded is a non-resource path as sent. */
export function requestInfoOf(request: Pick<ApiRequest, 'method' | 'path' | 'query'>): RequestInfo {
  const segments = decodedSegments(request.path);
  const path = `/${segments.join('/')}`;
  const nonResource = { kind: 'nonResource', verb: request.method.toLowerCase(), path } as const;
  const isCore = segments[0] === 'api';
  if (!isCore && segments[0] !== 'apis') return nonResource;
  const prefixLength = isCore ? 2 : 3;
  if (segments.length <= prefixLength) return nonResource;
  const group = isCore ? '' : (segments[1] ?? '');
  const version = segments[prefixLength - 1] ?? '';
  let rest = segments.slice(prefixLength);
  const isDeprecatedWatch = rest[0] === 'watch' && rest.length > 1;
  if (isDeprecatedWatch) rest = rest.slice(1);

  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2] ?? '')) rest = rest.slice(2);
  }
  const [resource = '', pathName = '', subresource = ''] = rest;
  const isNamed = pathName !== '';
  const verb = isDeprecatedWatch ? 'watch' : verbOf(request, isNamed);
  const isCollection = verb === 'list' || verb === 'watch' || verb === 'deletecollection';
  const selected = isCollection && !isNamed ? selectedName(request.query) : '';
  return {
    kind: 'resource',
    verb,
    path,
    group,
    version,
    resource,
    subresource,
    namespace,
    name: isNamed ? pathName : selected,
    isNamed,
  };
}

/** Whether a request may stay open for long: no deadline and no rate limit for it (K41, K71). */
export function isLongRunning(info: RequestInfo): boolean {
  if (info.kind === 'nonResource') return false;
  return info.verb === 'watch' || LONG_RUNNING_SUBRESOURCES.has(info.subresource);
}

const LONG_RUNNING_SUBRESOURCES = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Leading and trailing slashes do not matter; each segment is decoded for itself (K26). */
function decodedSegments(path: string): readonly string[] {
  const segments = path.split('/').filter((segment) => segment !== '');
  try {
    return segments.map(decodeURIComponent);
  } catch {
    // A stray `%`: an undecodable name is invalid, and K26 refuses names with `%` anyway.
    return segments;
  }
}

function verbOf(request: Pick<ApiRequest, 'method' | 'query'>, isNamed: boolean): string {
  switch (request.method) {
    case 'POST':
      return 'create';
    case 'GET':
    case 'HEAD':
      if (isWatchQuery(request.query)) return 'watch';
      return isNamed ? 'get' : 'list';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isNamed ? 'delete' : 'deletecollection';
    default:
      return '';
  }
}

/** `watch` counts when present and neither `0` nor `false`, also without a value (K27). */
function isWatchQuery(query: URLSearchParams): boolean {
  const value = query.get('watch');
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** The name a collection request is narrowed to, so that RBAC's resourceNames apply (K27). */
function selectedName(query: URLSearchParams): string {
  for (const term of (query.get('fieldSelector') ?? '').split(',')) {
    const match = /^metadata\.name==?([^=].*)$/.exec(term.trim());
    if (match?.[1] !== undefined && !match[1].includes('\\')) return match[1];
  }
  return '';
}
