/**
 * One API server, assembled from injected parts: the only file that knows all of them. There is
 * no socket here: `handle` is the whole API as a function, which `http/server.ts` puts on a
 * socket and which tests, controllers and the embedded mode call directly.
 *
 * Everything an API server keeps is rebuilt from the store (K25), so several run side by side and
 * any may die. `start` fills the caches and creates the bootstrap objects (K73).
 */
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import { MetricsRegistry } from '../base/metrics';
import type { Random } from '../base/random';
import type { Kv } from '../store/index';
import { AdmissionChain, type AdmissionPlugin } from './admission';
import type { Authenticator, Authorizer } from './auth';
import { Background } from './background';
import { bootstrap } from './bootstrap';
import { NamespaceDeletionController } from './controllers';
import { healthChecks } from './health-checks';
import {
  apiMetrics,
  DiscoveryEndpoint,
  discoveryEndpoint,
  healthEndpoint,
  metricsEndpoint,
  OpenapiEndpoint,
  openapiEndpoint,
  OpenWatches,
  pipeline,
  rootEndpoint,
  Router,
  versionEndpoint,
  type ApiMetrics,
} from './http';
import { DEFAULT_API_SERVER_LIMITS, type ApiServerLimits } from './limits';
import { Loopback } from './loopback';
import type { ApiHandler } from './machinery/api-handler';
import type { GroupResource } from './machinery/object';
import { MeteredKv } from './metered-kv';
import { builtinResources, type ResourceDefinition } from './registry';
import { loadBuiltinTypes, type BuiltinTypes } from './schema';
import { routedResources, Storages } from './served-resources';
import { Shutdown } from './shutdown';
import { storageMetrics, type Storage, type StorageMetrics } from './storage';

/** What injected parts (RBAC, admission plugins) may use of the server they become part of. */
export interface ApiServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** The objects of a built-in resource, through the watch cache; fails for an unknown one. */
  readonly storageOf: (resource: GroupResource) => Storage;
}

/** Everything an API server is made of. */
export interface ApiServerOptions {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Reads a generated file of `dist/api/` by name: `resources.json`, `schemas.json`. */
  readonly readApiFile: (name: string) => string;
  /** Tried in order; the first that knows the credential decides (K67). */
  readonly authenticators: (parts: ApiServerParts) => readonly Authenticator[];
  /** Whether a request without a credential is `system:anonymous` (default) or 401. */
  readonly allowAnonymous?: boolean;
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
  readonly limits: ApiServerLimits;
  /** Fills the caches, creates what must exist, starts the controllers; resolves when ready. */
  start(): Promise<void>;
  isReady(): boolean;
  /** Resolves after `close`; rejects if a part that must run always has failed: end the process. */
  run(): Promise<void>;
  /** Refuses new requests, ends watches, waits for requests in flight, stops the caches (K41). */
  close(): Promise<void>;
}

/** Assembles a server; nothing runs before `start`. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const limits = { ...DEFAULT_API_SERVER_LIMITS, ...options.limits };
  const types = loadBuiltinTypes({
    resources: readJson(options, 'resources.json'),
    schemas: () => readJson(options, 'schemas.json'),
  });
  const definitions = builtinResources(types);
  const metrics = new MetricsRegistry();
  const forStorage = storageMetrics(metrics);
  const storages = openStorages(options, { definitions, metrics, forStorage });
  const parts: ApiServerParts = {
    clock: options.clock,
    random: options.random,
    logger: options.logger,
    metrics,
    storageOf: (resource) => storages.of(resource),
  };
  const shutdown = new Shutdown(options.clock, limits);
  const watches = new OpenWatches();
  const loopback = new Loopback();
  const state = { isStarted: false };
  const isReady = (): boolean =>
    state.isStarted && !shutdown.hasBegun && storages.all().every((each) => each.isReady());
  const handle = assemble(options, {
    ...{ definitions, types, limits, parts, storages, shutdown, watches, loopback },
    requestMetrics: apiMetrics(metrics),
    isStarted: () => state.isStarted,
  });
  loopback.connect(handle);
  const running = new AbortController();
  const background = new Background();
  return {
    handle,
    metrics,
    limits,
    isReady,
    run: () => background.run(),
    start: async () => {
      background.add(storages.run(running.signal));
      await storages.whenReady();
      await bootstrap(loopback, running.signal);
      const controller = new NamespaceDeletionController({
        definitions,
        namespaces: storages.of({ group: '', resource: 'namespaces' }),
        send: (request) => loopback.send(request),
        clock: options.clock,
        logger: options.logger,
      });
      background.add(controller.run(running.signal));
      state.isStarted = true;
    },
    close: async () => {
      await shutdown.run(watches);
      running.abort();
      await background.close();
    },
  };
}

/** What the handler is put together from, beyond the options. */
interface Assembly {
  readonly definitions: readonly ResourceDefinition[];
  readonly types: BuiltinTypes;
  readonly limits: ApiServerLimits;
  readonly parts: ApiServerParts;
  readonly storages: Storages;
  readonly shutdown: Shutdown;
  readonly watches: OpenWatches;
  readonly loopback: Loopback;
  readonly requestMetrics: ApiMetrics;
  readonly isStarted: () => boolean;
}

function assemble(options: ApiServerOptions, assembly: Assembly): ApiHandler {
  const { definitions, types, limits, parts, storages, shutdown, requestMetrics } = assembly;
  const { clock, random, logger, kv } = options;
  const admission = new AdmissionChain(options.admissionPlugins(parts));
  const resources = routedResources(definitions, { storages, admission, clock, random, limits });
  const checks = healthChecks({ ...assembly, kv, clock });
  const handlerParts = {
    ...{ clock, random, logger, limits, types },
    metrics: requestMetrics,
    watches: assembly.watches,
  };
  const router = new Router(handlerParts, resources, [
    healthEndpoint(checks),
    metricsEndpoint(requestMetrics.registry),
    versionEndpoint(types.kubernetesVersion),
    discoveryEndpoint(new DiscoveryEndpoint(definitions)),
    openapiEndpoint(new OpenapiEndpoint(types.openapi, options.readApiFile)),
    rootEndpoint(() => ROOT_PATHS),
  ]);
  const run = pipeline(
    {
      ...{ clock, random, logger, limits },
      metrics: requestMetrics,
      authenticators: [assembly.loopback, ...options.authenticators(parts)],
      allowAnonymous: options.allowAnonymous ?? true,
      authorizer: options.authorizer(parts),
      isShuttingDown: () => shutdown.hasBegun,
      isKnown: (info) => router.isKnown(info),
    },
    router.handle,
  );
  return (request) => shutdown.during(() => run(request));
}

const ROOT_PATHS = [
  ...['/api', '/api/v1', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v3'],
  ...['/readyz', '/version'],
];

function openStorages(
  options: ApiServerOptions,
  facts: {
    readonly definitions: readonly ResourceDefinition[];
    readonly metrics: MetricsRegistry;
    readonly forStorage: StorageMetrics;
  },
): Storages {
  const { clock, logger, keyPrefix = '/registry' } = options;
  const kv = new MeteredKv(options.kv, { clock, metrics: facts.metrics, keyPrefix });
  const storages = new Storages(facts.definitions, {
    ...{ kv, clock, logger, keyPrefix },
    withoutCache: options.withoutCache ?? false,
    metrics: facts.forStorage,
  });
  // K65: the name before Kubernetes 1.34, which dashboards still ask for.
  facts.metrics
    .gauge({
      name: 'apiserver_storage_objects',
      help: 'Objects in the watch cache (old name of apiserver_resource_objects).',
      labelNames: ['resource'],
    })
    .onExpose((gauge) => {
      for (const { resource } of storages.all()) {
        gauge.set([resource.resource], facts.forStorage.objects.value([resource.resource]));
      }
    });
  return storages;
}

function readJson(options: ApiServerOptions, name: string): unknown {
  return JSON.parse(options.readApiFile(name)) as unknown;
}
