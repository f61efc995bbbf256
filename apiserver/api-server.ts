/**
 * One API server, assembled from injected parts: the only file that knows all of them. There is
 * no socket here: `handle` is the whole API as a function, which `http/server.ts` puts on a
 * socket and which tests, controllers and the embedded mode call directly.
 *
 * Everything an API server keeps is rebuilt from the store (K25), so several run side by side and
 * any may die. `start` fills the caches and creates the bootstrap namespaces (K73).
 */
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { MetricsRegistry } from '../base/metrics';
import type { Random } from '../base/random';
import type { Kv } from '../store/index';
import type { AdmissionPlugin } from './admission/plugin';
import type { Authenticator } from './auth/authenticator';
import type { Authorizer } from './auth/authorizer';
import type { ApiServerLimits } from './limits';
import type { ApiHandler } from './machinery/api-handler';
import type { GroupResource } from './machinery/object';
import type { Storage } from './storage/storage';

/** What injected parts (RBAC, admission plugins) may use of the server they become part of. */
export interface ApiServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** The objects of a built-in resource, through the watch cache; fails for an unknown one. */
  storageOf(resource: GroupResource): Storage;
}

/** Everything an API server is made of. */
export interface ApiServerOptions {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Reads a generated file of `dist/api/` by name: `resources.json`, `schemas.json`. */
  readonly readApiFile: (name: string) => string;
  /** Tried in order; the first that knows the credential decides. None: 401 (K67). */
  readonly authenticators: (parts: ApiServerParts) => readonly Authenticator[];
  readonly authorizer: (parts: ApiServerParts) => Authorizer;
  /** In admission's order (K74). */
  readonly admissionPlugins: (parts: ApiServerParts) => readonly AdmissionPlugin[];
  readonly limits?: Partial<ApiServerLimits>;
  /** Key prefix of all objects (K76); `/registry` by default. */
  readonly keyPrefix?: string;
  /** Serve reads without a watch cache, straight from the store; false by default. */
  readonly withoutCache?: boolean;
}

/** A running API server. */
export interface ApiServer {
  readonly handle: ApiHandler;
  readonly metrics: MetricsRegistry;
  /** Fills the caches, creates what must exist, starts the controllers; resolves when ready. */
  start(): Promise<void>;
  isReady(): boolean;
  /** Refuses new requests, ends watches, waits for writes in flight, stops the caches (K41). */
  close(): Promise<void>;
}
