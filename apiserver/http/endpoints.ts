/** The non-resource paths (K57 to K64), each as one endpoint of the router. */
import type { MetricsRegistry } from '../../base/metrics';
import type { ApiRequest } from '../machinery/api-handler';
import { encodeJson } from '../machinery/json';
import { methodNotAllowed } from '../machinery/status';
import type { DiscoveryEndpoint } from './discovery';
import { answerHealth, type HealthCheck } from './health';
import { PLAIN } from './negotiate';
import type { OpenapiEndpoint } from './openapi-endpoint';
import type { RequestContext } from './request-context';
import { documentResponse, representationFor, textResponse } from './respond';
import type { NonResourceEndpoint } from './router';
import { versionDocument } from './version';

/** `/api`, `/apis` and what is below them (K57, K58). */
export function discoveryEndpoint(discovery: DiscoveryEndpoint): NonResourceEndpoint {
  return (context) => {
    const { request, info } = context;
    const response = discovery.answer({
      path: info.path,
      accept: request.headers['accept'],
      ifNoneMatch: request.headers['if-none-match'],
      serverAddress: request.headers['host'] ?? '',
    });
    return Promise.resolve(response === undefined ? undefined : onlyGet(request, response));
  };
}

/** `/openapi/v3` (K60). */
export function openapiEndpoint(openapi: OpenapiEndpoint): NonResourceEndpoint {
  return ({ request, info }) => {
    const response = openapi.answer({
      path: info.path,
      hash: request.query.get('hash'),
      ifNoneMatch: request.headers['if-none-match'],
    });
    return Promise.resolve(response === undefined ? undefined : onlyGet(request, response));
  };
}

/** `/version` (K62). */
export function versionEndpoint(kubernetesVersion: string): NonResourceEndpoint {
  const document = versionDocument(kubernetesVersion);
  return (context) => {
    if (context.info.path !== '/version') return Promise.resolve(undefined);
    const representation = representationFor(context, PLAIN);
    const response = documentResponse(context, representation, { status: 200, document });
    return Promise.resolve(onlyGet(context.request, response));
  };
}

/** `/healthz`, `/livez`, `/readyz` (K64). */
export function healthEndpoint(checks: readonly HealthCheck[]): NonResourceEndpoint {
  return ({ info, request }) => answerHealth(checks, info.path, request.query);
}

/** `/metrics` (K65). */
export function metricsEndpoint(metrics: MetricsRegistry): NonResourceEndpoint {
  return ({ info }) => {
    if (info.path !== '/metrics') return Promise.resolve(undefined);
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    return Promise.resolve(textResponse(200, metrics.expose(), { 'content-type': type }));
  };
}

/** `/`: what there is (K63). */
export function rootEndpoint(paths: () => readonly string[]): NonResourceEndpoint {
  return ({ info }: RequestContext) => {
    if (info.path !== '/' && info.path !== '/index.html') return Promise.resolve(undefined);
    const body = encodeJson({ paths: paths() });
    return Promise.resolve({ status: 200, headers: { 'content-type': 'application/json' }, body });
  };
}

function onlyGet<T>(request: ApiRequest, response: T): T {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  return response;
}
