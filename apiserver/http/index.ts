/** The API over HTTP (floor 7): pipeline, router, handlers, and the server with its sockets. */
export { DiscoveryEndpoint } from './discovery';
export type { HealthCheck } from './health';
export { apiMetrics, type ApiMetrics } from './metrics';
export {
  discoveryEndpoint,
  healthEndpoint,
  metricsEndpoint,
  openapiEndpoint,
  rootEndpoint,
  versionEndpoint,
} from './endpoints';
export { OpenapiEndpoint } from './openapi-endpoint';
export { OpenWatches } from './open-watches';
export { pipeline, type PipelineParts } from './pipeline';
export { requestInfoOf, type RequestInfo } from './request-info';
export { Router, type NonResourceEndpoint, type RoutedResource } from './router';
export type { HandlerParts, ServedResource } from './served-resource';
export { ApiHttpServer, type ApiHttpServerOptions, type ListenOptions } from './server';
export { DEFAULT_PRINTER } from './default-printer';
