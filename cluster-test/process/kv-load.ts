/**
 * Clients that write, read and watch a running store through its own wire, and note all they see,
 * for `check/revision-order` to judge afterwards. Half of the writes are unconditional: nothing but
 * the store keeps those from being applied twice.
 */
import { fromUtf8, keyAfter, utf8 } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import { RealClock, systemRandom } from '../../base/node';
import type { Random } from '../../base/random';
import { openStoreAccess } from '../../bin/store-access';
import { isStoreError, type KeyRange, type KeyValue, type Revision } from '../../store';
import { createKvClient, type KvClient } from '../../store/wire';
import type { History, KeyState, ReadCall, WatchedEvent, WriteCall } from '../check';

const KEYS = 20;
const PREFIX = '/load/';
const EVERYTHING: KeyRange = { start: new Uint8Array([0]), end: undefined };

/** How many clients do what. */
export interface KvLoadOptions {
  readonly dataDir: string;
  readonly writers: number;
  readonly readers: number;
  /** Chooses keys and operations. */
  readonly random: Random;
  /** Added to every value, so that it weighs something. */
  readonly padding?: string;
}

/** Load on a store, from the moment it is made until {@link KvLoad.stop}. */
export class KvLoad {
  readonly writes: WriteCall[] = [];
  readonly reads: ReadCall[] = [];
  readonly events: WatchedEvent[] = [];
  /** What no client should ever see. */
  readonly problems: string[] = [];
  readonly #options: KvLoadOptions;
  readonly #clients: KvClient[] = [];
  readonly #lanes: Promise<void>[] = [];
  readonly #watchEnd = new AbortController();
  readonly #watching: Promise<void>;
  #isRunning = true;

  constructor(options: KvLoadOptions) {
    this.#options = options;
    for (let i = 0; i < options.writers; i++) this.#lanes.push(this.#write(`w${i}`, this.client()));
    for (let i = 0; i < options.readers; i++) this.#lanes.push(this.#read(i, this.client()));
    this.#watching = this.#watch(this.client());
  }

  /** A further client of the store; closed with the load. */
  client(): KvClient {
    const { network, endpoints } = openStoreAccess({ dataDir: this.#options.dataDir });
    const { random } = systemRandom();
    const client = createKvClient({ network, endpoints, random, clock: new RealClock() });
    this.#clients.push(client);
    return client;
  }

  /** Writes that were acknowledged until now. */
  get acknowledged(): number {
    return this.writes.filter(({ outcome }) => outcome.kind === 'done').length;
  }

  /** Ends the load; when the watch has come to the end, resolves with all that was seen. */
  async stop(): Promise<History> {
    this.#isRunning = false;
    await Promise.all(this.#lanes);
    const last = await this.client().currentRevision();
    const deadline = Date.now() + 30_000;
    while ((this.events.at(-1)?.revision ?? 1) < last && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#watchEnd.abort();
    await this.#watching;
    const { writes, reads, events } = this;
    return { writes, reads, events, finalStates: [await this.#everything()] };
  }

  close(): void {
    this.#isRunning = false;
    this.#watchEnd.abort();
    for (const client of this.#clients) client.close();
  }

  async #write(name: string, client: KvClient): Promise<void> {
    const random = this.#options.random.fork(name);
    const known = new Map<string, number>();
    for (let i = 0; this.#isRunning; i++) {
      const key = `${PREFIX}${random.below(KEYS)}`;
      const dice = random.unit();
      const isPut = dice < 0.9;
      const expected = dice < 0.5 ? undefined : (known.get(key) ?? 0);
      if (!isPut && expected === 0) continue;
      const value = isPut ? `${name}-${i}${this.#options.padding ?? ''}` : '';
      const startMs = performance.now();
      const outcome = await this.#attempt(client, key, isPut ? value : undefined, expected);
      const isUnknown = outcome.kind === 'unknown';
      const endMs = isUnknown ? Infinity : performance.now();
      const kind = isPut ? 'put' : 'delete';
      this.writes.push({ kind, key, value, expected, startMs, endMs, outcome });
      if (outcome.kind === 'done') known.set(key, isPut ? outcome.revision : 0);
      else if (outcome.kind === 'conflict') known.set(key, outcome.found);
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #attempt(
    client: KvClient,
    key: string,
    value: string | undefined,
    expected: number | undefined,
  ): Promise<WriteCall['outcome']> {
    try {
      if (expected === undefined) {
        const { revision } = await client.txn({
          compare: [],
          success: [
            {
              kind: 'put',
              key: utf8(key),
              value: utf8(value ?? ''),
              leaseId: NO_ID,
              withPrevious: false,
            },
          ],
          failure: [],
        });
        return { kind: 'done', revision };
      }
      const result = await (value === undefined
        ? client.optimisticDelete(utf8(key), expected as Revision)
        : client.optimisticPut(utf8(key), utf8(value), expected as Revision));
      if (result.succeeded) return { kind: 'done', revision: result.revision };
      const found = result.keyValue?.modRevision ?? 0;
      return { kind: 'conflict', revision: result.revision, found };
    } catch (error) {
      return { kind: this.#outcomeOf(error) };
    }
  }

  async #read(lane: number, client: KvClient): Promise<void> {
    for (let i = lane; this.#isRunning; i++) {
      const key = `${PREFIX}${i % KEYS}`;
      const startMs = performance.now();
      try {
        const { revision, keyValue } = await client.get(utf8(key));
        const found = keyValue === undefined ? undefined : stateOf(keyValue);
        this.reads.push({ key, startMs, endMs: performance.now(), revision, found });
      } catch (error) {
        this.#outcomeOf(error);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async #watch(client: KvClient): Promise<void> {
    const options = { startRevision: 2 as Revision, signal: this.#watchEnd.signal };
    try {
      for await (const batch of client.watch(EVERYTHING, options)) {
        if (batch.kind !== 'events') continue;
        for (const { kind, keyValue, previous } of batch.events) {
          this.events.push({
            kind,
            key: fromUtf8(keyValue.key),
            revision: keyValue.modRevision,
            state: kind === 'put' ? stateOf(keyValue) : undefined,
            previous: previous === undefined ? undefined : stateOf(previous),
          });
        }
      }
    } catch (error) {
      this.problems.push(`the watch ended: ${String(error)}`);
    }
  }

  async #everything(): Promise<Map<string, KeyState>> {
    const client = this.client();
    const { revision } = await client.list(EVERYTHING, { limit: 1 });
    const all = new Map<string, KeyState>();
    let { start } = EVERYTHING;
    for (;;) {
      const page = await client.list({ start, end: undefined }, { revision });
      for (const keyValue of page.keyValues) all.set(fromUtf8(keyValue.key), stateOf(keyValue));
      const last = page.keyValues.at(-1);
      if (!page.more || last === undefined) return all;
      start = keyAfter(last.key);
    }
  }

  #outcomeOf(error: unknown): 'refused' | 'unknown' {
    if (!isStoreError(error)) this.problems.push(`a client failed: ${String(error)}`);
    else if (!error.retriable) this.problems.push(`a client was told: ${error.message}`);
    return isStoreError(error) && error.outcome === 'none' ? 'refused' : 'unknown';
  }
}

function stateOf(keyValue: KeyValue): KeyState {
  const { createRevision, modRevision, version } = keyValue;
  return { value: fromUtf8(keyValue.value), createRevision, modRevision, version };
}
