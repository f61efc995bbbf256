/** WATCH (K6, K10, K33, K34): options are checked, then the answer is a stream of frames. */
import type { ApiResponse } from '../../machinery/api-handler';
import { parseListOptions, selectWatch } from '../../machinery/list-options';
import { targetLabels } from '../measure';
import type { Servable } from '../negotiate';
import type { ResourceRequestContext } from '../request-context';
import { representationFor } from '../respond';
import type { HandlerParts, ServedResource } from '../served-resource';
import { watchFrames } from '../watch-stream';
import { selectionOf } from './selection';
import { includeObjectOf } from './show';

/** What watch events can be turned into; the frames are always JSON. */
const SERVABLE_WATCH: Servable = { table: true, partial: 'PartialObjectMetadata', yaml: false };

/** Answers with the stream; failures from here on are ERROR events (K10). */
export async function handleWatch(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const { form } = representationFor(context, SERVABLE_WATCH);
  const options = parseListOptions(context.request.query);
  const selected = selectWatch(options);
  const selection = selectionOf(context, resource, options);
  const includeObject = includeObjectOf(context.request.query);
  const timeoutMs = lifetimeMs(options.timeoutSeconds, parts);

  const end = new AbortController();
  const abort = (): void => end.abort();
  const cancelTimeout = parts.clock.after(timeoutMs, abort);
  const forget = parts.watches.add(abort);
  const labels = targetLabels(context.info, true);
  parts.metrics.longRunning.add(labels, 1);
  context.signal.addEventListener('abort', abort, { once: true });
  if (context.signal.aborted) abort();
  const release = (): void => {
    cancelTimeout();
    forget();
    parts.metrics.longRunning.add(labels, -1);
    context.signal.removeEventListener('abort', abort);
  };
  // However the watch ends, its signal is aborted at its end: nothing is left behind.
  end.signal.addEventListener('abort', release, { once: true });
  try {
    const events = await resource.store.watch({
      ...selection,
      ...selected,
      timeoutMs,
      signal: end.signal,
    });
    const frames = watchFrames(events, { resource, form, includeObject }, parts);
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: endedBy(frames, abort),
    };
  } catch (error) {
    abort();
    throw error;
  }
}

/** K34: what the client asks for, else a random time: clients must not all come back at once. */
function lifetimeMs(timeoutSeconds: number | undefined, parts: HandlerParts): number {
  if (timeoutSeconds !== undefined && timeoutSeconds > 0) return timeoutSeconds * 1000;
  const least = parts.limits.watchTimeoutMsMin;
  return least + parts.random.below(least);
}

/** The frames; `done` is called when the consumer has them all or walks away, also before any. */
function endedBy(
  frames: AsyncGenerator<Uint8Array, void, undefined>,
  done: () => void,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const result = await frames.next();
        if (result.done === true) done();
        return result;
      },
      return: async () => {
        // First the signal: a generator that waits for an event cannot be returned from.
        done();
        await frames.return();
        return { value: undefined, done: true };
      },
    }),
  };
}
