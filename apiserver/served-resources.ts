/**
 * The built-in resources with their storage: each key segment has one storage (and one watch
 * cache), which all served versions of a resource share (K77, K78).
 */
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { Random } from '../base/random';
import type { Kv } from '../store/index';
import type { AdmissionChain } from './admission';
import { Cacher } from './cacher';
import { DEFAULT_PRINTER, type ServedResource } from './http';
import type { RoutedResource } from './http';
import type { ApiServerLimits } from './limits';
import { selectableFieldsOf } from './machinery/field-selector';
import { groupResourceName, type GroupResource } from './machinery/object';
import { RegistryStore, type ResourceDefinition } from './registry';
import {
  KvStorage,
  ObjectLeases,
  type SelectableField,
  type Storage,
  type StorageMetrics,
} from './storage';

/** What storages are made of. */
export interface StoragesOptions {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keyPrefix: string;
  readonly withoutCache: boolean;
  readonly metrics: StorageMetrics;
}

/** All storages of one API server. */
export class Storages {
  readonly #bySegment = new Map<string, Storage>();
  readonly #byName = new Map<string, Storage>();
  readonly #cachers: Cacher[] = [];

  constructor(definitions: readonly ResourceDefinition[], options: StoragesOptions) {
    const leases = new ObjectLeases({ kv: options.kv, clock: options.clock });
    for (const definition of definitions) {
      const { keySegment } = definition;
      if (!definition.strategy.isStored) continue;
      const storage =
        this.#bySegment.get(keySegment) ??
        this.#open(definition, definitions, { ...options, leases });
      this.#bySegment.set(keySegment, storage);
      this.#byName.set(groupResourceName(definition), storage);
    }
  }

  /** The storage of a resource; fails for one that is not built in. */
  of(resource: GroupResource): Storage {
    const storage = this.#byName.get(groupResourceName(resource));
    if (storage === undefined) {
      throw new Error(`Cannot find a storage as unknown: received ${groupResourceName(resource)}`);
    }
    return storage;
  }

  /** All of them, each once. */
  all(): readonly Storage[] {
    return [...this.#bySegment.values()];
  }

  /** Resolves when every cache is filled; rejects if they are stopped before. */
  async whenReady(): Promise<void> {
    await Promise.all(this.all().map((storage) => storage.whenReady()));
  }

  /** Keeps all caches current until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    // One signal with a listener for each cache would look like a leak, to node and to readers.
    const own = this.#cachers.map(() => new AbortController());
    const stop = (): void => own.forEach((each) => each.abort());
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await Promise.all(
      this.#cachers.map((cacher, i) => cacher.run((own[i] ?? new AbortController()).signal)),
    );
  }

  #open(
    definition: ResourceDefinition,
    definitions: readonly ResourceDefinition[],
    options: StoragesOptions & { readonly leases: ObjectLeases },
  ): Storage {
    const { resource, kind, isNamespaced, keySegment } = definition;
    const group = definition.storageGroup ?? definition.group;
    const { kv, clock, logger, keyPrefix, metrics, leases } = options;
    const storage = new KvStorage({
      kv,
      clock,
      resource: { group, resource },
      kind,
      isNamespaced,
      keySegment,
      keyPrefix,
      selectable: sharedFields(definitions.filter((each) => each.keySegment === keySegment)),
      leases,
      metrics,
    });
    if (options.withoutCache) return storage;
    const cacher = new Cacher({ storage, clock, logger: logger.with({ resource }) });
    this.#cachers.push(cacher);
    return cacher;
  }
}

/** The fields that any served version of a resource can be selected by. */
function sharedFields(definitions: readonly ResourceDefinition[]): readonly SelectableField[] {
  const fields = new Map<string, SelectableField>();
  for (const definition of definitions) {
    for (const field of selectableFieldsOf(definition, definition)) fields.set(field.name, field);
  }
  return [...fields.values()];
}

/** The resources as the router serves them. */
export function routedResources(
  definitions: readonly ResourceDefinition[],
  parts: {
    readonly storages: Storages;
    readonly admission: AdmissionChain;
    readonly clock: Clock;
    readonly random: Random;
    readonly limits: ApiServerLimits;
  },
): readonly RoutedResource[] {
  return definitions.map((definition): RoutedResource => {
    if (!definition.strategy.isStored) return { definition };
    const storage = parts.storages.of(definition);
    const served: ServedResource = {
      definition,
      store: new RegistryStore({ ...parts, definition, storage }),
      printer: definition.printer ?? DEFAULT_PRINTER,
      selectable: selectableFieldsOf(definition, definition),
    };
    return served;
  });
}
