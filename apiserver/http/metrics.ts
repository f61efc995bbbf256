/** What is counted about requests, under Kubernetes' names (K65). */
import type { Counter, Gauge, Histogram, MetricsRegistry } from '../../base/metrics';

/** The request metrics of one API server. */
export interface ApiMetrics {
  readonly registry: MetricsRegistry;
  readonly requests: Counter;
  readonly durations: Histogram;
  readonly sliDurations: Histogram;
  readonly inFlight: Gauge;
  readonly longRunning: Gauge;
  readonly responseSizes: Histogram;
  readonly watchEvents: Counter;
  readonly watchEventSizes: Histogram;
  readonly terminations: Counter;
}

/** Labels that name a request's target, in the order of {@link ApiMetrics.durations}. */
const TARGET_LABELS = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'];

const DURATION_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const EVENT_SIZE_BUCKETS = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** Declares the metrics in a registry; once per API server. */
export function apiMetrics(registry: MetricsRegistry): ApiMetrics {
  const targetHistogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    registry.histogram({ name: `apiserver_${name}`, help, labelNames: TARGET_LABELS, buckets });
  const eventLabels = ['group', 'version', 'resource'];
  return {
    registry,
    requests: registry.counter({
      name: 'apiserver_request_total',
      help: 'Requests answered, by target and HTTP code.',
      labelNames: [...TARGET_LABELS, 'dry_run', 'code'],
    }),
    durations: targetHistogram(
      'request_duration_seconds',
      'Time to the answer; of watches and other long requests to their headers.',
      DURATION_BUCKETS,
    ),
    sliDurations: targetHistogram(
      'request_sli_duration_seconds',
      'The same, without long-running requests.',
      DURATION_BUCKETS,
    ),
    inFlight: registry.gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests being served that count against the limits.',
      labelNames: ['request_kind'],
    }),
    longRunning: registry.gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Open watches and other long-running requests.',
      labelNames: TARGET_LABELS,
    }),
    responseSizes: targetHistogram('response_sizes', 'Bytes of whole answers.', SIZE_BUCKETS),
    watchEvents: registry.counter({
      name: 'apiserver_watch_events_total',
      help: 'Events sent to watchers.',
      labelNames: eventLabels,
    }),
    watchEventSizes: registry.histogram({
      name: 'apiserver_watch_events_sizes',
      help: 'Bytes of events sent to watchers.',
      labelNames: eventLabels,
      buckets: EVENT_SIZE_BUCKETS,
    }),
    terminations: registry.counter({
      name: 'apiserver_request_terminations_total',
      help: 'Requests the server gave up in self-defence.',
      labelNames: ['verb', 'group', 'version', 'resource', 'component', 'code'],
    }),
  };
}
