/** A state store on a memory engine with a counter of entries, for the tests of this folder. */
import { utf8, fromUtf8, keyAfter } from '../../base/bytes';
import { NO_ID } from '../../base/hex-id';
import type { CommandBody, CommandResult } from '../command';
import { MemoryEngine } from '../engine';
import type { Operation, Revision } from '../kv';
import { StateStore, type StateStoreOptions } from './state-store';
import type { ApplyOutcome, StateEntry } from './apply-outcome';

/** The cluster of all test stores. */
export const CLUSTER = '00000000000000c1';
/** A lease id. */
export const LEASE = '00000000000000aa';
/** A membership. */
export const CONF = {
  voters: ['0000000000000001', '0000000000000002'],
  votersOutgoing: [],
  learners: ['0000000000000003'],
  learnersNext: [],
  autoLeave: true,
};
/** All keys. */
export const ALL = { start: new Uint8Array(0), end: undefined };
/** A revision of a number. */
export const at = (revision: number): Revision => revision as Revision;

/** A store with a counter of entries. */
export class Bench {
  readonly engine: MemoryEngine;
  readonly store: StateStore;
  term = 1;

  constructor(engine: MemoryEngine, store: StateStore) {
    this.engine = engine;
    this.store = store;
  }

  static async open(
    engine = new MemoryEngine(),
    options: Partial<StateStoreOptions> = {},
  ): Promise<Bench> {
    return new Bench(engine, await StateStore.open({ engine, clusterId: CLUSTER, ...options }));
  }

  entries(bodies: readonly CommandBody[]): StateEntry[] {
    const first = this.store.applied().index + 1;
    return bodies.map((body, i) => {
      const requestId = { memberId: CLUSTER, incarnation: 1, counter: first + i };
      return { index: first + i, term: this.term, command: { ...body, requestId } };
    });
  }

  apply(...bodies: readonly CommandBody[]): Promise<ApplyOutcome> {
    return this.store.apply(this.entries(bodies), CONF);
  }

  async one(body: CommandBody): Promise<CommandResult> {
    return (await this.apply(body)).results[0] as CommandResult;
  }

  async keys(): Promise<string> {
    const { keyValues } = await this.store.ranges.list(ALL);
    return keyValues.map(({ key, value }) => `${fromUtf8(key)}=${fromUtf8(value)}`).join(' ');
  }
}

/** A put that asks for the previous state. */
export const put = (key: string, value: string, leaseId = NO_ID): CommandBody & Operation => ({
  kind: 'put',
  key: utf8(key),
  value: utf8(value),
  leaseId,
  withPrevious: true,
});
/** A deletion of one key, or of a range. */
export const remove = (start: string, end?: string): CommandBody & Operation => ({
  kind: 'deleteRange',
  range: { start: utf8(start), end: end === undefined ? keyAfter(utf8(start)) : utf8(end) },
  withPrevious: true,
});

/** A store in which a was put twice and b once: revision 4. */
export async function seeded(): Promise<Bench> {
  const bench = await Bench.open();
  await bench.apply(put('a', '1'), put('b', '2'), put('a', '3'));
  return bench;
}
