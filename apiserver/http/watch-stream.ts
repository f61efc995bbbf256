/**
 * Watch events as frames (K33): one JSON object a line, in the negotiated form. The stream pulls
 * from storage only when the socket takes more, so backpressure is the socket's (K20); it always
 * ends between two lines.
 *
 *   {"type":"ADDED","object":{…}}\n
 */
import { stringifyJson } from '../machinery/json';
import { apiVersionOf, type JsonObject } from '../machinery/object';
import { internalError, isApiError } from '../machinery/status';
import { partialObjectMetadata, tableOf, type TableObjectPolicy } from '../machinery/table';
import type { StorageWatchEvent, StoredObject } from '../storage';
import type { Form } from './negotiate';
import {
  isServedAsStored,
  toServed,
  toServedForm,
  type HandlerParts,
  type ServedResource,
} from './served-resource';

/** How the frames of one watch look. */
export interface FrameOptions {
  readonly resource: ServedResource;
  readonly form: Form;
  readonly includeObject: TableObjectPolicy;
}

const encoder = new TextEncoder();

const TYPES = { added: 'ADDED', modified: 'MODIFIED', deleted: 'DELETED' } as const;

/**
 * The frames of events that many watchers get, by event: storage gives all of them the same value,
 * so it is written once (K20). Only for the plain form of the stored version; kept as long as the
 * event is.
 */
const sharedFrames = new WeakMap<StorageWatchEvent, Uint8Array>();

/** The frames of a watch. A failure becomes one ERROR event and a clean end (K10). */
export async function* watchFrames(
  events: AsyncIterable<StorageWatchEvent>,
  options: FrameOptions,
  parts: HandlerParts,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { group, version, resource } = options.resource.definition;
  const labels = [group, version, resource];
  let isFirst = true;
  try {
    for await (const event of events) {
      const frame = frameOf(event, options, { isFirst, nowMs: parts.clock.wallMs() });
      parts.metrics.watchEvents.increment(labels);
      parts.metrics.watchEventSizes.observe(labels, frame.length);
      isFirst = false;
      yield frame;
    }
  } catch (error) {
    const failure = isApiError(error) ? error : internalError('the watch failed', error);
    if (failure !== error) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      parts.logger.error('a watch failed', { resource, cause });
    }
    yield line({ type: 'ERROR', object: failure.status });
  }
}

function frameOf(
  event: StorageWatchEvent,
  options: FrameOptions,
  table: { readonly isFirst: boolean; readonly nowMs: number },
): Uint8Array {
  const { definition } = options.resource;
  if (event.kind === 'bookmark') return bookmarkFrame(event, options, table);
  const isShared = options.form.kind === 'object' && isServedAsStored(definition);
  if (!isShared) return objectFrame(TYPES[event.kind], event.object, options, table);
  const known = sharedFrames.get(event);
  if (known !== undefined) return known;
  const frame = rawFrame(TYPES[event.kind], event.object.json);
  sharedFrames.set(event, frame);
  return frame;
}

function objectFrame(
  type: string,
  stored: StoredObject,
  options: FrameOptions,
  table: { readonly isFirst: boolean; readonly nowMs: number },
): Uint8Array {
  const { definition, printer } = options.resource;
  const { form } = options;
  switch (form.kind) {
    case 'object':
      return rawFrame(type, toServed(definition, stored).json);
    case 'partial': {
      const object = toServedForm(definition, stored.object);
      return line({ type, object: partialObjectMetadata(object, form.version) });
    }
    case 'table': {
      const object = tableOf({
        printer,
        objects: [toServedForm(definition, stored.object)],
        metadata: { resourceVersion: stored.resourceVersion },
        includeObject: options.includeObject,
        version: form.version,
        includeColumns: table.isFirst,
        nowMs: table.nowMs,
      });
      return line({ type, object });
    }
  }
}

/** K15: nothing but kind, apiVersion and metadata; as a Table it is one without rows. */
function bookmarkFrame(
  event: StorageWatchEvent & { readonly kind: 'bookmark' },
  options: FrameOptions,
  table: { readonly isFirst: boolean; readonly nowMs: number },
): Uint8Array {
  const { definition, printer } = options.resource;
  const { resourceVersion } = event;
  const metadata = {
    resourceVersion,
    ...(event.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  const { form } = options;
  switch (form.kind) {
    case 'object': {
      const object = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata };
      return line({ type: 'BOOKMARK', object });
    }
    case 'partial': {
      const object = partialObjectMetadata({ metadata }, form.version);
      return line({ type: 'BOOKMARK', object });
    }
    case 'table': {
      const object = tableOf({
        printer,
        objects: [],
        metadata: { resourceVersion },
        includeObject: options.includeObject,
        version: form.version,
        includeColumns: table.isFirst,
        nowMs: table.nowMs,
      });
      return line({ type: 'BOOKMARK', object });
    }
  }
}

function rawFrame(type: string, json: Uint8Array): Uint8Array {
  const head = `{"type":"${type}","object":`;
  const frame = new Uint8Array(head.length + json.length + 2);
  encoder.encodeInto(head, frame);
  frame.set(json, head.length);
  frame[head.length + json.length] = 0x7d;
  frame[head.length + json.length + 1] = 0x0a;
  return frame;
}

/** Always one line, `pretty` or not: readers split a watch at line ends. */
function line(event: JsonObject): Uint8Array {
  return encoder.encode(`${stringifyJson(event)}\n`);
}
