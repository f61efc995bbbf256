/**
 * What lists cost, by who answered them (K23, K65): a list by label that the watch cache answers
 * raises the cache's counters and leaves the store's as they are.
 */
import type { Counter, Gauge, MetricsRegistry } from '../../base/metrics';

/** The counters of all resources of one API server; the label is the resource, `pods`. */
export interface StorageMetrics {
  /** Lists answered by a range read of the store. */
  readonly storeLists: Counter;
  readonly storeFetched: Counter;
  readonly storeEvaluated: Counter;
  readonly storeReturned: Counter;
  /** Lists answered by the watch cache; the second label is the index used, empty for none. */
  readonly cacheLists: Counter;
  readonly cacheFetched: Counter;
  readonly cacheReturned: Counter;
  readonly eventsReceived: Counter;
  readonly eventsDispatched: Counter;
  readonly initializations: Counter;
  /** Consistent reads by outcome (`success`: the cache was fresh in time) and fallback (K7). */
  readonly consistentReads: Counter;
  /** Watchers that were too slow (K20). */
  readonly terminatedWatchers: Counter;
  readonly initialEvents: Counter;
  readonly objects: Gauge;
  readonly historyCapacity: Gauge;
  readonly cacheRevision: Gauge;
}

/** Declares the metrics in a registry; once per API server. */
export function storageMetrics(registry: MetricsRegistry): StorageMetrics {
  const counter = (name: string, help: string, ...more: string[]): Counter =>
    registry.counter({ name: `apiserver_${name}`, help, labelNames: ['resource', ...more] });
  const gauge = (name: string, help: string): Gauge =>
    registry.gauge({ name: `apiserver_${name}`, help, labelNames: ['resource'] });
  return {
    storeLists: counter('storage_list_total', 'Lists answered by the store.'),
    storeFetched: counter('storage_list_fetched_objects_total', 'Objects read from the store.'),
    storeEvaluated: counter('storage_list_evaluated_objects_total', 'Objects a selector tested.'),
    storeReturned: counter('storage_list_returned_objects_total', 'Objects returned to clients.'),
    cacheLists: counter('cache_list_total', 'Lists answered by the watch cache.', 'index'),
    cacheFetched: counter(
      'cache_list_fetched_objects_total',
      'Objects looked at in the watch cache.',
      'index',
    ),
    cacheReturned: counter(
      'cache_list_returned_objects_total',
      'Objects returned from the watch cache.',
    ),
    eventsReceived: counter('watch_cache_events_received_total', 'Events taken from the store.'),
    eventsDispatched: counter('watch_cache_events_dispatched_total', 'Events sent to watchers.'),
    initializations: counter('watch_cache_initializations_total', 'Times a cache was filled.'),
    consistentReads: counter(
      'watch_cache_consistent_read_total',
      'Consistent reads from the cache.',
      'success',
      'fallback',
    ),
    terminatedWatchers: counter('terminated_watchers_total', 'Watchers cut for being slow.'),
    initialEvents: counter('init_events_total', 'Initial events sent to watchers.'),
    objects: gauge('resource_objects', 'Objects in the watch cache.'),
    historyCapacity: gauge('watch_cache_capacity', 'Events the history can hold.'),
    cacheRevision: gauge('watch_cache_resource_version', 'Revision of the watch cache.'),
  };
}
