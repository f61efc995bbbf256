/** The Kubernetes API server (floor 8): assemble it, and put it on a socket. */
export {
  createApiServer,
  type ApiServer,
  type ApiServerOptions,
  type ApiServerParts,
} from './api-server';
export { ApiHttpServer, type ApiHttpServerOptions, type ListenOptions } from './http';
export { DEFAULT_API_SERVER_LIMITS, type ApiServerLimits } from './limits';
export type { ApiHandler, ApiRequest, ApiResponse } from './machinery/api-handler';
