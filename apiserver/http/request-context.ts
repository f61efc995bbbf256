/** What the stages of the pipeline know about a request, and hand on to the handlers. */
import type { UserInfo } from '../auth';
import type { ApiRequest, ApiResponse } from '../machinery/api-handler';
import type { RequestInfo, ResourceRequestInfo } from './request-info';
import type { Warnings } from './warnings';

/** One request on its way down; a stage that learns something hands on a copy that knows it. */
export interface RequestContext {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly auditId: string;
  readonly warnings: Warnings;
  /** Nobody until authentication has passed. */
  readonly user: UserInfo;
  /** Aborted when the client is gone or the deadline has passed. */
  readonly signal: AbortSignal;
}

/** A request whose target is a resource: what the verbs' handlers get. */
export interface ResourceRequestContext extends RequestContext {
  readonly info: ResourceRequestInfo;
}

/** The rest of the way of a request. */
export type Handler = (context: RequestContext) => Promise<ApiResponse>;
