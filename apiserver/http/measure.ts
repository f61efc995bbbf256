/** The outermost stage: every answer is counted and timed, whatever stage gave it (K65). */
import type { Clock } from '../../base/clock';
import type { ApiResponse } from '../machinery/api-handler';
import type { ApiMetrics } from './metrics';
import type { Handler, RequestContext } from './request-context';
import { isLongRunning, type RequestInfo } from './request-info';
import { bodyLength } from './respond';

/** What measuring needs. */
export interface MeasureParts {
  readonly clock: Clock;
  readonly metrics: ApiMetrics;
  readonly isKnown: (info: RequestInfo) => boolean;
}

/** Runs the rest of the way and counts it. */
export async function measured(
  { clock, metrics, isKnown }: MeasureParts,
  context: RequestContext,
  next: Handler,
): Promise<ApiResponse> {
  const labels = targetLabels(context.info, isKnown(context.info));
  const startMs = clock.monotonicMs();
  const response = await next(context);
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  const dryRun = context.request.query.get('dryRun') === 'All' ? 'All' : '';
  metrics.requests.increment([...labels, dryRun, String(response.status)]);
  metrics.durations.observe(labels, seconds);
  if (!isLongRunning(context.info)) metrics.sliDurations.observe(labels, seconds);
  const bytes = bodyLength(response);
  if (bytes !== undefined) metrics.responseSizes.observe(labels, bytes);
  return response;
}

/** Labels of a request; clients choose paths, so what is not served gets no label of its own. */
export function targetLabels(info: RequestInfo, isKnown: boolean): readonly string[] {
  const verb = VERBS.has(info.verb) ? info.verb.toUpperCase() : 'OTHER';
  if (info.kind === 'nonResource' || !isKnown) return [verb, '', '', '', '', '', 'apiserver'];
  const scope = info.isNamed ? 'resource' : info.namespace === '' ? 'cluster' : 'namespace';
  const { group, version, resource, subresource } = info;
  return [verb, group, version, resource, subresource, scope, 'apiserver'];
}

const VERBS = new Set([
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'head',
  'post',
  'put',
]);
