/** What the suites of `Storage` share: the subject under test, requests, objects, streams read. */
import type { KubernetesObject } from '../../machinery/object';
import type { ModelKv } from '../testing/model-kv';
import type { ManualClock } from '../testing/manual-clock';
import {
  everything,
  parseSelection,
  type SelectableField,
  type SelectionPredicate,
} from '../selection-predicate';
import type {
  Freshness,
  ListRequest,
  Preconditions,
  Storage,
  StorageWatchEvent,
  StoredList,
  StoredObject,
  WatchRequest,
} from '../storage';
import { pathField } from '../../machinery/field-selector';

/** A `Storage` of pods over a model of the store. */
export interface Subject {
  readonly storage: Storage;
  readonly kv: ModelKv;
  readonly clock: ManualClock;
  /** Another API server over the same store. */
  readonly another: () => Promise<Storage>;
  readonly close: () => Promise<void>;
}

/** Makes a fresh subject. */
export type SubjectFactory = () => Promise<Subject>;

/** The fields that the suites select by. */
export const POD_FIELDS: readonly SelectableField[] = [
  pathField('metadata.name'),
  pathField('metadata.namespace'),
  pathField('spec.nodeName', { isIndexed: true }),
  pathField('status.phase'),
];

/** No precondition. */
export const ANY_STATE: Preconditions = { uid: undefined, resourceVersion: undefined };

/** Linearizable. */
export const CONSISTENT: Freshness = { kind: 'consistent' };

/** A pod in canonical field order. */
export function pod(
  path: string,
  extra: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly node?: string;
    readonly phase?: string;
    readonly uid?: string;
  } = {},
): KubernetesObject {
  const [namespace = '', name = ''] = path.split('/');
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace,
      uid: extra.uid ?? `uid-${path}`,
      ...(extra.labels === undefined ? {} : { labels: extra.labels }),
    },
    spec: extra.node === undefined ? {} : { nodeName: extra.node },
    ...(extra.phase === undefined ? {} : { status: { phase: extra.phase } }),
  };
}

/** A predicate of both selectors' text. */
export function selecting(labelSelector: string, fieldSelector = ''): SelectionPredicate {
  return parseSelection({ labelSelector, fieldSelector }, POD_FIELDS);
}

/** Not older than N, or exactly N. */
export function at(kind: 'notOlderThan' | 'exact', resourceVersion: string): Freshness {
  return { kind, resourceVersion };
}

/** A list of everything, unless said otherwise. */
export function listing(request: Partial<ListRequest> = {}): ListRequest {
  return {
    scope: { namespace: undefined, name: undefined },
    freshness: CONSISTENT,
    predicate: everything,
    limit: 0,
    continueToken: undefined,
    ...request,
  };
}

/** The paths of a list. */
export function pathsOf(list: StoredList): string[] {
  return list.items.map(({ path }) => path);
}

/** Creates pods one after the other; returns the last one's resourceVersion. */
export async function createPods(storage: Storage, ...paths: readonly string[]): Promise<string> {
  let last: StoredObject | undefined;
  for (const path of paths) last = await storage.create(path, pod(path));
  return last?.resourceVersion ?? '';
}

/** Changes a pod by replacing it. */
export function replacePod(
  storage: Storage,
  path: string,
  extra: Parameters<typeof pod>[1],
): Promise<StoredObject> {
  return storage.guaranteedUpdate(path, ANY_STATE, () =>
    Promise.resolve({ object: pod(path, extra) }),
  );
}

/** Deletes whatever is there. */
export function deletePod(storage: Storage, path: string): Promise<StoredObject> {
  return storage.delete(path, ANY_STATE, () => Promise.resolve());
}

/** The failure of a promise; fails the test if there is none. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('Cannot find the expected failure: received a result');
}

/** An event in a form that compares well: `added ns/a 5`, `bookmark 7 initialEventsEnd`. */
export function eventText(event: StorageWatchEvent): string {
  if (event.kind === 'bookmark') {
    return `bookmark ${event.resourceVersion}${event.initialEventsEnd ? ' end' : ''}`;
  }
  return `${event.kind} ${event.object.path} ${event.object.resourceVersion}`;
}

/** A watch being read by a test. */
export class WatchReader {
  readonly #iterator: AsyncIterator<StorageWatchEvent>;
  readonly #abort: AbortController;
  #pending: Promise<IteratorResult<StorageWatchEvent>> | undefined;

  constructor(stream: AsyncIterable<StorageWatchEvent>, abort: AbortController) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#abort = abort;
  }

  /** Opens a watch that begins with the consistent state, unless said otherwise. */
  static async open(storage: Storage, request: Partial<WatchRequest> = {}): Promise<WatchReader> {
    const abort = new AbortController();
    const stream = await storage.watch({
      scope: { namespace: undefined, name: undefined },
      start: { kind: 'initialState', freshness: CONSISTENT },
      predicate: everything,
      bookmarks: false,
      initialEventsEnd: false,
      ...request,
      signal: abort.signal,
    });
    return new WatchReader(stream, abort);
  }

  /** Opens a watch of what follows N. */
  static from(
    storage: Storage,
    resourceVersion: string,
    request: Partial<WatchRequest> = {},
  ): Promise<WatchReader> {
    return WatchReader.open(storage, { start: { kind: 'from', resourceVersion }, ...request });
  }

  /** The next event; undefined at the end. */
  async next(): Promise<StorageWatchEvent | undefined> {
    const pending = this.#pending ?? this.#iterator.next();
    this.#pending = undefined;
    const result = await pending;
    return result.done === true ? undefined : result.value;
  }

  /** The next events as text. */
  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) {
      const event = await this.next();
      texts.push(event === undefined ? 'end' : eventText(event));
    }
    return texts;
  }

  /** Begins to read, so that a lazy stream starts. */
  start(): void {
    this.#pending ??= this.#iterator.next();
    // The test reads the outcome later; until then it is nobody's failure.
    this.#pending.catch(() => undefined);
  }

  /** What has arrived by the time everything that can happen now has happened. */
  async arrived(): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      this.start();
      const pending = this.#pending as Promise<IteratorResult<StorageWatchEvent>>;
      const result = await Promise.race([pending, settled().then(() => undefined)]);
      if (result === undefined) return texts;
      this.#pending = undefined;
      if (result.done === true) return [...texts, 'end'];
      texts.push(eventText(result.value));
    }
  }

  /** Ends the watch as a client that goes away does. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#iterator.return?.(undefined);
  }
}

/** Lets all promises finish: a few turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    // eslint-disable-next-line no-restricted-globals -- a turn of the event loop, not a time
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
