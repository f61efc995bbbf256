/**
 * LIST (K5, K9, K11): from stored bytes, item by item, in pieces of a size that sockets like. The
 * objects are parsed only for Tables and for metadata alone.
 */
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson, stringifyJson } from '../../machinery/json';
import { parseListOptions, selectList } from '../../machinery/list-options';
import { apiVersionOf, type JsonObject } from '../../machinery/object';
import { partialObjectMetadata, tableOf } from '../../machinery/table';
import { withoutKind, type StoredList } from '../../storage';
import { isPretty, type Representation, type Servable } from '../negotiate';
import type { ResourceRequestContext } from '../request-context';
import { bytesResponse, representationFor } from '../respond';
import {
  isServedAsStored,
  toServed,
  toServedForm,
  type HandlerParts,
  type ServedResource,
} from '../served-resource';
import { selectionOf } from './selection';
import { includeObjectOf, listMetadata } from './show';

/** What a list can be turned into. */
export const SERVABLE_LIST: Servable = {
  table: true,
  partial: 'PartialObjectMetadataList',
  yaml: true,
};

/** Answers with the selected objects. */
export async function handleList(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const representation = representationFor(context, SERVABLE_LIST);
  const options = parseListOptions(context.request.query);
  const selected = selectList(options);
  const list = await resource.store.list({
    ...selectionOf(context, resource, options),
    ...selected,
    signal: context.signal,
  });
  return showList(context, representation, { list, resource, parts });
}

/** Answers with a list in the negotiated form. */
export function showList(
  context: ResourceRequestContext,
  representation: Representation,
  answer: {
    readonly list: StoredList;
    readonly resource: ServedResource;
    readonly parts: HandlerParts;
  },
): ApiResponse {
  const { list, resource } = answer;
  const { form, mediaType } = representation;
  if (form.kind === 'object') {
    const { query, headers } = context.request;
    const body = listChunks(list, resource);
    if (mediaType === 'application/json' && !isPretty(query, headers['user-agent'])) {
      return { status: 200, headers: { 'content-type': mediaType }, body: wholeOrStream(body) };
    }
    return bytesResponse(context, representation, { status: 200, json: Buffer.concat([...body]) });
  }
  const { definition } = resource;
  const objects = list.items.map((item) => toServedForm(definition, item.object));
  const document: JsonObject =
    form.kind === 'table'
      ? tableOf({
          printer: resource.printer,
          objects,
          metadata: listMetadata(list),
          includeObject: includeObjectOf(context.request.query),
          version: form.version,
          includeColumns: true,
          nowMs: answer.parts.clock.wallMs(),
        })
      : {
          kind: 'PartialObjectMetadataList',
          apiVersion: `meta.k8s.io/${form.version}`,
          metadata: listMetadata(list),
          items: objects.map((object) => partialObjectMetadata(object, form.version)),
        };
  return bytesResponse(context, representation, { status: 200, json: encodeJson(document) });
}

/** Pieces of about this many bytes: one write of a socket, not one per object. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');
const OPEN = encoder.encode('{');
const END = encoder.encode(']}');

/** The bytes of a list; items of built-in types leave out kind and apiVersion (K9). */
function* listChunks(
  list: StoredList,
  { definition }: ServedResource,
): Generator<Uint8Array, undefined> {
  const { listKind } = definition;
  const metadata = stringifyJson(listMetadata(list));
  const apiVersion = apiVersionOf(definition);
  let pending: Uint8Array[] = [
    encoder.encode(
      `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${metadata},"items":[`,
    ),
  ];
  let pendingBytes = 0;
  const isStoredForm = isServedAsStored(definition);
  for (const [i, item] of list.items.entries()) {
    const json = withoutKind(isStoredForm ? item.json : toServed(definition, item).json);
    if (i > 0) pending.push(COMMA);
    pending.push(OPEN, json);
    pendingBytes += json.length + 2;
    if (pendingBytes >= CHUNK_BYTES) {
      yield Buffer.concat(pending);
      pending = [];
      pendingBytes = 0;
    }
  }
  yield Buffer.concat([...pending, END]);
  return undefined;
}

/** A short list is written whole, with its length; a long one as the stream the socket pulls. */
function wholeOrStream(chunks: Generator<Uint8Array, undefined>): ApiResponse['body'] {
  const first = chunks.next();
  let next = chunks.next();
  if (first.done === true) return new Uint8Array();
  if (next.done === true) return first.value;
  let isFirst = true;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const result = isFirst ? first : next;
        if (!isFirst) next = chunks.next();
        isFirst = false;
        return Promise.resolve(result);
      },
      return: () => Promise.resolve({ value: undefined, done: true }),
    }),
  };
}
