/** A cacher of pods over a model of the store, running and ready, for tests. */
import type { FaultPoint } from '../../../base/fault-point';
import { MetricsRegistry } from '../../../base/metrics';
import { POD_FIELDS, type Subject } from '../../storage/conformance/harness';
import { KvStorage, ObjectLeases, storageMetrics, type StorageMetrics } from '../../storage/index';
import { ManualClock } from '../../storage/testing/manual-clock';
import { ModelKv } from '../../storage/testing/model-kv';
import { Cacher } from '../cacher';
import type { CacherLimits } from '../limits';

/** A subject whose storage is a cacher. */
export interface CachedSubject extends Subject {
  readonly storage: Cacher;
  readonly metrics: StorageMetrics;
  readonly registry: MetricsRegistry;
  /** A cacher that is not started. */
  readonly cacher: (options?: { readonly faultPoint?: FaultPoint }) => Cacher;
  /** Runs a cacher until the subject is closed. */
  readonly run: (cacher: Cacher) => void;
}

/** Makes a running subject; `start` false leaves the cache unfilled. */
export async function makeCached(
  options: {
    readonly limits?: Partial<CacherLimits>;
    readonly start?: boolean;
    readonly faultPoint?: FaultPoint;
  } = {},
): Promise<CachedSubject> {
  const clock = new ManualClock();
  const kv = new ModelKv({ clock });
  const registry = new MetricsRegistry();
  const metrics = storageMetrics(registry);
  const abort = new AbortController();
  const runs: Promise<void>[] = [];
  const cacher: CachedSubject['cacher'] = ({ faultPoint } = {}) =>
    new Cacher({
      storage: new KvStorage({
        kv,
        clock,
        resource: { group: '', resource: 'pods' },
        kind: 'Pod',
        isNamespaced: true,
        keySegment: 'pods',
        selectable: POD_FIELDS,
        leases: new ObjectLeases({ kv, clock }),
        metrics,
      }),
      clock,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(faultPoint === undefined ? {} : { faultPoint }),
    });
  const run = (started: Cacher): void => {
    runs.push(started.run(abort.signal));
  };
  const { faultPoint } = options;
  const storage = cacher(faultPoint === undefined ? {} : { faultPoint });
  if (options.start !== false) {
    run(storage);
    await storage.whenReady();
  }
  return {
    storage,
    kv,
    clock,
    metrics,
    registry,
    cacher,
    run,
    another: async () => {
      const other = cacher();
      run(other);
      await other.whenReady();
      return other;
    },
    close: async () => {
      abort.abort();
      await Promise.all(runs);
    },
  };
}

/** The factory of the suite. */
export function makeSubject(): Promise<CachedSubject> {
  return makeCached();
}
