/**
 * Counts and times the calls of the store under the name that dashboards know (K65). By it one
 * sees what a request really cost: a list by label that the watch cache answers adds no `list`.
 */
import type { Clock } from '../base/clock';
import type { Histogram, MetricsRegistry } from '../base/metrics';
import type { Kv, KvWatch } from '../store/index';

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A `Kv` that passes every call on. */
export class MeteredKv implements Kv {
  readonly #kv: Kv;
  readonly #clock: Clock;
  readonly #keyPrefix: string;
  readonly #durations: Histogram;

  constructor(
    kv: Kv,
    parts: {
      readonly clock: Clock;
      readonly metrics: MetricsRegistry;
      readonly keyPrefix: string;
    },
  ) {
    this.#kv = kv;
    this.#clock = parts.clock;
    this.#keyPrefix = parts.keyPrefix;
    this.#durations = parts.metrics.histogram({
      name: 'etcd_request_duration_seconds',
      help: 'Time of calls of the store, by operation and resource.',
      labelNames: ['operation', 'type'],
      buckets: BUCKETS,
    });
  }

  readonly get: Kv['get'] = (key, options) =>
    this.#timed('get', key, () => this.#kv.get(key, options));

  readonly list: Kv['list'] = (range, options) =>
    this.#timed('list', range.start, () => this.#kv.list(range, options));

  readonly count: Kv['count'] = (range, options) =>
    this.#timed('listOnlyCount', range.start, () => this.#kv.count(range, options));

  readonly optimisticPut: Kv['optimisticPut'] = (key, value, expected, options) =>
    this.#timed(expected === 0 ? 'create' : 'update', key, () =>
      this.#kv.optimisticPut(key, value, expected, options),
    );

  readonly optimisticDelete: Kv['optimisticDelete'] = (key, expected) =>
    this.#timed('delete', key, () => this.#kv.optimisticDelete(key, expected));

  watch(...[range, options]: Parameters<Kv['watch']>): KvWatch {
    return this.#kv.watch(range, options);
  }

  readonly grantLease: Kv['grantLease'] = (ttlSeconds) =>
    this.#timed('grantLease', undefined, () => this.#kv.grantLease(ttlSeconds));

  readonly compact: Kv['compact'] = (revision) =>
    this.#timed('compact', undefined, () => this.#kv.compact(revision));

  readonly currentRevision: Kv['currentRevision'] = () =>
    this.#timed('currentRevision', undefined, () => this.#kv.currentRevision());

  async #timed<T>(
    operation: string,
    key: Uint8Array | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    try {
      return await call();
    } finally {
      const seconds = (this.#clock.monotonicMs() - startMs) / 1000;
      this.#durations.observe([operation, this.#typeOf(key)], seconds);
    }
  }

  /** The resource's key segment: what follows the prefix. */
  #typeOf(key: Uint8Array | undefined): string {
    if (key === undefined) return '';
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8');
    const [segment = '', next = ''] = text.slice(this.#keyPrefix.length + 1).split('/');
    // The two kinds of objects below `services/` (K77).
    return segment === 'services' ? `${segment}/${next}` : segment;
  }
}
