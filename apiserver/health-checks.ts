/** What `/healthz`, `/livez` and `/readyz` ask (K64). */
import { delay, type Clock } from '../base/clock';
import { utf8 } from '../base/bytes';
import type { Kv } from '../store/index';
import type { HealthCheck } from './http';
import type { Storages } from './served-resources';
import type { Shutdown } from './shutdown';

/** What is asked. */
export interface HealthParts {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly storages: Storages;
  readonly shutdown: Shutdown;
  readonly isStarted: () => boolean;
}

/** k8s: the key of the store's health probe, which is never written (K77). */
const HEALTH_KEY = '/registry/health';
const STORE_TIMEOUT_MS = 2_000;

/** The checks of one API server. `etcd` is the store, under the name that probes know. */
export function healthChecks(parts: HealthParts): readonly HealthCheck[] {
  const everywhere = ['healthz', 'livez', 'readyz'] as const;
  const fine = (): Promise<string | undefined> => Promise.resolve(undefined);
  return [
    { name: 'ping', paths: everywhere, check: fine },
    { name: 'log', paths: everywhere, check: fine },
    // Not of livez: a server without its store is not mended by starting it again.
    { name: 'etcd', paths: ['healthz', 'readyz'], check: () => storeProblem(parts) },
    {
      name: 'informer-sync',
      paths: ['readyz'],
      check: () => Promise.resolve(cacheProblem(parts.storages)),
    },
    {
      name: 'poststarthook/bootstrap',
      paths: ['healthz', 'readyz'],
      check: () => Promise.resolve(parts.isStarted() ? undefined : 'not finished'),
    },
    {
      name: 'shutdown',
      paths: ['readyz'],
      check: () =>
        Promise.resolve(parts.shutdown.hasBegun ? 'process is shutting down' : undefined),
    },
  ];
}

async function storeProblem({ kv, clock }: HealthParts): Promise<string | undefined> {
  const end = new AbortController();
  const late = delay(clock, STORE_TIMEOUT_MS, end.signal).then(() => 'no answer in time');
  const read = kv.get(utf8(HEALTH_KEY), { signal: end.signal }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([read, late]);
  end.abort();
  return problem;
}

/** K21, K81: every cache is filled and every key of it could be decoded. */
function cacheProblem(storages: Storages): string | undefined {
  for (const storage of storages.all()) {
    if (!storage.isReady()) return `the cache of ${storage.resource.resource} is not ready`;
    const problem = storage.problem();
    if (problem !== undefined) return problem;
  }
  return undefined;
}
