/** A watch as tests read it. */
import { fromUtf8 } from '../../base/bytes';
import type { KvWatch, Revision, WatchBatch, WatchEvent } from '../kv';

/** All events of one revision, as text. */
export interface ShownRevision {
  readonly revision: number;
  readonly events: string[];
}

/**
 * Reads a watch revision by revision: a batch may hold several whole ones. Fails on what no watch
 * may deliver: a revision out of order, twice, or split between batches (S32).
 */
export function readWatch(watch: KvWatch) {
  const iterator = watch[Symbol.asyncIterator]();
  const ready: ShownRevision[] = [];
  let last = 0;
  const take = (batch: WatchBatch & { readonly kind: 'events' }): void => {
    for (const event of batch.events) {
      const revision = event.keyValue.modRevision;
      if (ready.at(-1)?.revision === revision) ready.at(-1)?.events.push(shownEvent(event));
      else {
        if (revision <= last) throw new Error(`Cannot take ${revision} after ${last}`);
        ready.push({ revision, events: [shownEvent(event)] });
      }
      if (revision > batch.revision) throw new Error('Cannot take an event above its batch');
    }
    last = batch.revision;
  };
  const pull = async (): Promise<WatchBatch> => {
    const step = await iterator.next();
    if (step.done === true) throw new Error('Cannot read a watch that ended');
    if (step.value.kind === 'events') take(step.value);
    return step.value;
  };
  return {
    async next(): Promise<ShownRevision> {
      while (ready.length === 0) await pull();
      return ready.shift() as ShownRevision;
    },
    async untilProgress(revision: Revision): Promise<ShownRevision[]> {
      for (;;) {
        const batch = await pull();
        if (batch.kind === 'progress' && batch.revision >= revision) return ready.splice(0);
      }
    },
    async end(): Promise<boolean> {
      return (await iterator.next()).done === true;
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}

function shownEvent({ kind, keyValue, previous }: WatchEvent): string {
  const before = previous === undefined ? 'undefined' : fromUtf8(previous.value);
  return `${kind} ${fromUtf8(keyValue.key)}=${fromUtf8(keyValue.value)} was ${before}`;
}
