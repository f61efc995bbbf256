/**
 * Deletes what is in a namespace that is being deleted, and then lets go of it (K87). Every API
 * server runs this: all steps are idempotent, so two that work on one namespace do no harm. It is
 * an ordinary client: all it does goes through the API.
 *
 *   marked, phase Terminating ─► delete the content of every resource ─► anything left?
 *        ▲                                                                │ yes: wait, again
 *        └────────────────────────────────────────────────────────────────┘
 *                                                no: /finalize without `kubernetes` ─► gone
 */
import { delay, type Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import { isJsonObject } from '../machinery/json';
import {
  apiVersionOf,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from '../machinery/object';
import { isApiError } from '../machinery/status';
import { NAMESPACE_FINALIZER, namespaceFinalizers, type ResourceDefinition } from '../registry';
import { everything, type Storage } from '../storage';

/** What the controller is made of. */
export interface NamespaceDeletionOptions {
  readonly definitions: readonly ResourceDefinition[];
  readonly namespaces: Storage;
  /** The API, as a user that may do everything; failures are thrown as `ApiError`s. */
  readonly send: (request: {
    readonly method: string;
    readonly path: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly body?: Json;
    readonly signal: AbortSignal;
  }) => Promise<Json>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Content that is left has finalizers of others: it is looked for in growing intervals. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;

/** The controller; `run` is its whole life. */
export class NamespaceDeletionController {
  readonly #options: NamespaceDeletionOptions;
  readonly #resources: readonly ResourceDefinition[];
  /** Namespaces that are worked on, by uid: a second event about one changes nothing. */
  readonly #working = new Map<string, Promise<void>>();

  constructor(options: NamespaceDeletionOptions) {
    this.#options = options;
    const seen = new Set<string>();
    this.#resources = options.definitions.filter((definition) => {
      const isContent =
        definition.isNamespaced &&
        definition.strategy.isStored &&
        definition.verbs.includes('deletecollection') &&
        !seen.has(definition.keySegment);
      if (isContent) seen.add(definition.keySegment);
      return isContent;
    });
  }

  /** Watches namespaces until the signal aborts; then waits for what it has begun. */
  async run(signal: AbortSignal): Promise<void> {
    const isStopping = (): boolean => signal.aborted;
    while (!isStopping()) {
      try {
        await this.#watch(signal);
      } catch (error) {
        if (isStopping()) break;
        this.#warn('the watch of namespaces failed', error);
        await delay(this.#options.clock, RETRY_MS_MAX, signal);
      }
    }
    await Promise.all(this.#working.values());
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const events = await this.#options.namespaces.watch({
      scope: { namespace: undefined, name: undefined },
      start: { kind: 'initialState', freshness: { kind: 'any' } },
      predicate: everything,
      bookmarks: false,
      initialEventsEnd: false,
      signal,
    });
    for await (const event of events) {
      if (event.kind !== 'added' && event.kind !== 'modified') continue;
      const namespace = event.object.object;
      if (namespace.metadata.deletionTimestamp !== undefined) this.#begin(namespace, signal);
    }
  }

  #begin(namespace: KubernetesObject, signal: AbortSignal): void {
    const { uid = '', name = '' } = namespace.metadata;
    if (this.#working.has(uid) || !namespaceFinalizers(namespace).includes(NAMESPACE_FINALIZER)) {
      return;
    }
    const work = this.#finish(name, uid, signal).finally(() => this.#working.delete(uid));
    this.#working.set(uid, work);
  }

  /** Works on one namespace until it is let go of or somebody else has done it. */
  async #finish(name: string, uid: string, signal: AbortSignal): Promise<void> {
    let pauseMs = RETRY_MS_MIN;
    const isStopping = (): boolean => signal.aborted;
    while (!isStopping()) {
      try {
        const current = await this.#namespace(name, signal);
        if (current?.metadata.uid !== uid) return;
        if (!namespaceFinalizers(current).includes(NAMESPACE_FINALIZER)) return;
        const remaining = await this.#deleteContent(name, signal);
        if (remaining.length === 0) {
          await this.#finalize(current, signal);
          return;
        }
        this.#options.logger.info('a namespace waits for finalizers of its content', {
          namespace: name,
          remaining: remaining.join(', '),
        });
        await this.#report(current, remaining, signal);
      } catch (error) {
        if (isStopping()) return;
        // A conflict is another API server that does the same; what is not found, it has done.
        const isDone = isApiError(error, 'Conflict') || isApiError(error, 'NotFound');
        if (!isDone) this.#warn('a namespace is not deleted yet', error);
      }
      await delay(this.#options.clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX);
    }
  }

  async #namespace(name: string, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    try {
      const path = `/api/v1/namespaces/${name}`;
      return (await this.#options.send({ method: 'GET', path, signal })) as KubernetesObject;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Deletes everything in the namespace; returns what is still there, as `3 pods`. */
  async #deleteContent(namespace: string, signal: AbortSignal): Promise<readonly string[]> {
    const remaining: string[] = [];
    for (const definition of this.#resources) {
      const path = collectionPath(definition, namespace);
      if ((await this.#count(path, signal)) === 0) continue;
      // No node is behind this API: nobody would end a pod's grace but us.
      const query = definition.resource === 'pods' ? { gracePeriodSeconds: '0' } : {};
      await this.#options.send({ method: 'DELETE', path, query, signal });
      const left = await this.#count(path, signal);
      if (left > 0) remaining.push(`${left} ${definition.resource}`);
    }
    return remaining;
  }

  async #count(path: string, signal: AbortSignal): Promise<number> {
    const query = { limit: '1' };
    const list = (await this.#options.send({ method: 'GET', path, query, signal })) as JsonObject;
    const first = Array.isArray(list['items']) ? list['items'].length : 0;
    const more = isJsonObject(list['metadata']) ? list['metadata']['remainingItemCount'] : 0;
    return first + (typeof more === 'number' ? more : 0);
  }

  /** Says in the namespace's status what it waits for (k8s: NamespaceContentRemaining). */
  async #report(
    namespace: KubernetesObject,
    remaining: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const status = isJsonObject(namespace['status']) ? namespace['status'] : {};
    const message = `Some resources are remaining: ${remaining.join(', ')}`;
    const known = Array.isArray(status['conditions']) ? (status['conditions'] as Json[]) : [];
    const others = known.filter((each) => !isJsonObject(each) || each['type'] !== CONDITION);
    const same = known.find((each) => isJsonObject(each) && each['message'] === message);
    if (same !== undefined) return;
    const condition = { type: CONDITION, status: 'True', reason: 'SomeResourcesRemain', message };
    await this.#options.send({
      method: 'PUT',
      path: `/api/v1/namespaces/${namespace.metadata.name ?? ''}/status`,
      body: { ...namespace, status: { ...status, conditions: [...others, condition] } },
      signal,
    });
  }

  async #finalize(namespace: KubernetesObject, signal: AbortSignal): Promise<void> {
    const finalizers = namespaceFinalizers(namespace).filter(
      (each) => each !== NAMESPACE_FINALIZER,
    );
    const path = `/api/v1/namespaces/${namespace.metadata.name ?? ''}/finalize`;
    const spec = isJsonObject(namespace['spec']) ? namespace['spec'] : {};
    const body = { ...namespace, spec: { ...spec, finalizers } };
    await this.#options.send({ method: 'PUT', path, body, signal });
  }

  #warn(message: string, error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn(message, { cause });
  }
}

const CONDITION = 'NamespaceContentRemaining';

function collectionPath(definition: ResourceDefinition, namespace: string): string {
  const root = definition.group === '' ? '/api' : '/apis';
  return `${root}/${apiVersionOf(definition)}/namespaces/${namespace}/${definition.resource}`;
}
