/**
 * The way of every request, in K66's order. Each stage is a function of its own that answers or
 * hands on; a failure answers in that stage's form and nothing after it runs.
 *
 *   measure → panic guard → audit id → request info → shutdown gate → deadline → authentication
 *   → impersonation → rate limiting → authorization → router (decoding, admission, store)
 */
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Random } from '../../base/random';
import { authenticate, type Authenticator, type Authorizer } from '../auth';
import type { ApiServerLimits } from '../limits';
import type { ApiHandler, ApiRequest, ApiResponse } from '../machinery/api-handler';
import {
  badRequest,
  forbidden,
  internalError,
  isApiError,
  notImplemented,
  timeout,
  unauthorized,
} from '../machinery/status';
import { newUid } from '../registry';
import { authorizationAttributes, refusalOf } from './authorization';
import { InFlight } from './in-flight';
import { measured } from './measure';
import type { ApiMetrics } from './metrics';
import { isLongRunning, requestInfoOf } from './request-info';
import type { Handler, RequestContext } from './request-context';
import { errorResponse, textResponse, withHeaders } from './respond';
import { Warnings } from './warnings';

/** What the stages are made of. */
export interface PipelineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  readonly limits: ApiServerLimits;
  readonly authenticators: readonly Authenticator[];
  readonly allowAnonymous: boolean;
  readonly authorizer: Authorizer;
  readonly isShuttingDown: () => boolean;
  /** Whether a resource is served: unknown names do not become metric labels. */
  readonly isKnown: (info: RequestContext['info']) => boolean;
}

/** A stage: answers, or awaits `next` with a context that may know more. */
type Stage = (context: RequestContext, next: Handler) => Promise<ApiResponse>;

const NOBODY: RequestContext['user'] = { name: '', uid: '', groups: [], extra: {} };

/** The whole way; `router` is where it leads. */
export function pipeline(parts: PipelineParts, router: Handler): ApiHandler {
  const inFlight = new InFlight(parts.limits, parts.metrics);
  const stages: readonly Stage[] = [
    (context, next) => measured(parts, context, next),
    (context, next) => guardPanics(parts, context, next),
    (context, next) => shutdownGate(parts, context, next),
    (context, next) => deadline(parts, context, next),
    (context, next) => authentication(parts, context, next),
    (context, next) => impersonation(context, next),
    (context, next) => rateLimiting(inFlight, context, next),
    (context, next) => authorization(parts, context, next),
  ];
  const run = stages.reduceRight<Handler>(
    (next, stage) => (context) => stage(context, next),
    router,
  );
  return async (request) => {
    const context = newContext(parts, request);
    const response = await run(context);
    const warnings = context.warnings.headers();
    return withHeaders(response, {
      'audit-id': context.auditId,
      'cache-control': 'no-cache, private',
      ...(warnings.length === 0 ? {} : { warning: warnings }),
    });
  };
}

/** The audit id (a given one is kept) and what the request is about. */
function newContext({ random, limits }: PipelineParts, request: ApiRequest): RequestContext {
  const given = request.headers['audit-id'] ?? '';
  return {
    request,
    info: requestInfoOf(request),
    auditId: /^[\w.-]{1,64}$/.test(given) ? given : newUid(random),
    warnings: new Warnings(limits.warningBytesMax),
    user: NOBODY,
    signal: request.signal,
  };
}

/**
 * One request's bug must not end the watches of all others: here alone a failed assertion becomes
 * an answer. It is logged with its stack; the store's own invariants are checked in its process.
 */
async function guardPanics(
  { logger }: PipelineParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  try {
    return await next(context);
  } catch (error) {
    if (isApiError(error)) return errorResponse(context, error);
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.error('a request failed unexpectedly', {
      method: context.request.method,
      path: context.info.path,
      auditId: context.auditId,
      cause,
    });
    const message = `the request failed unexpectedly, see the log of the API server for audit id ${context.auditId}`;
    return errorResponse(context, internalError(message, error));
  }
}

/** K41: a server that stops takes nothing new, but says until the end how it is. */
function shutdownGate(
  { isShuttingDown }: PipelineParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  const isHealth = /^\/(healthz|livez|readyz|metrics)(\/|$)/.test(context.info.path);
  if (!isShuttingDown() || isHealth) return next(context);
  const text = 'The apiserver is shutting down, please try again later.';
  const headers = { 'retry-after': '5', connection: 'close' };
  return Promise.resolve(textResponse(429, text, headers));
}

/** K41: an answer within the time allowed, or 504; work that goes on is no longer waited for. */
async function deadline(
  { clock, limits, metrics }: PipelineParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  if (isLongRunning(context.info)) return next(context);
  const timeoutMs = Math.min(limits.requestTimeoutMs, requestedTimeoutMs(context) ?? Infinity);
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  context.request.signal.addEventListener('abort', abort, { once: true });
  let cancel: () => void = () => undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(timeoutMs, () => {
      metrics.terminations.increment(terminationLabels(context));
      reject(timeout());
      abort();
    });
  });
  try {
    return await Promise.race([next({ ...context, signal: controller.signal }), expired]);
  } finally {
    cancel();
    context.request.signal.removeEventListener('abort', abort);
  }
}

function terminationLabels({ info }: RequestContext): readonly string[] {
  if (info.kind === 'nonResource') return [info.verb, '', '', '', 'apiserver', '504'];
  return [info.verb, info.group, info.version, info.resource, 'apiserver', '504'];
}

/** K38: `timeout=32s`, `1m30s`, `500ms`; nothing and zero mean the server's own limit. */
function requestedTimeoutMs(context: RequestContext): number | undefined {
  const text = context.request.query.get('timeout') ?? '';
  if (text === '' || text === '0') return undefined;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw badRequest('invalid timeout specified in the request URL');
  }
  let ms = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    ms += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0);
  }
  return ms === 0 ? undefined : ms;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** K67: the first method that knows the credential decides; a wrong one is 401. */
async function authentication(
  { authenticators, allowAnonymous }: PipelineParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  const user = await authenticate(context.request, { authenticators, allowAnonymous });
  if (user === undefined) throw unauthorized();
  return next({ ...context, user });
}

/** K69 is not there yet: acting as oneself instead would be a wrong answer, so it is refused. */
function impersonation(context: RequestContext, next: Handler): Promise<ApiResponse> {
  const asked = Object.keys(context.request.headers).find((name) => /^impersonate-/.test(name));
  if (asked === undefined) return next(context);
  throw notImplemented(`impersonation is not supported yet: received the header ${asked}`);
}

/** K71: readers and writers apart; over the limit 429, at once. */
async function rateLimiting(
  inFlight: InFlight,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  const release = inFlight.enter(context);
  if (release === undefined) {
    const text = 'Too many requests, please try again later.';
    return textResponse(429, text, { 'retry-after': '1' });
  }
  try {
    return await next(context);
  } finally {
    release();
  }
}

/** K72: default deny. */
async function authorization(
  { authorizer }: PipelineParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  const attributes = authorizationAttributes(context);
  const { isAllowed, reason } = await authorizer.authorize(attributes);
  if (isAllowed) return next(context);
  const { resource, name, text } = refusalOf(attributes, reason);
  throw forbidden(resource, name, text);
}
