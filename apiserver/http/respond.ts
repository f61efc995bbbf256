/**
 * Answers: bytes, texts, objects and Status bodies with their headers (K38, K39). A list is
 * written item by item from stored bytes, never as one string.
 */
import type { ApiResponse } from '../machinery/api-handler';
import { encodeJson, parseTrustedJson, stringifyJson } from '../machinery/json';
import type { JsonObject } from '../machinery/object';
import { notAcceptable, type ApiError, type Status } from '../machinery/status';
import { stringifyYaml } from '../machinery/yaml';
import {
  isPretty,
  JSON_OBJECT,
  negotiate,
  PLAIN,
  type Representation,
  type Servable,
} from './negotiate';
import type { RequestContext } from './request-context';

const encoder = new TextEncoder();

/** The representation of this answer; 406 if the client accepts none of ours. */
export function representationFor(context: RequestContext, servable: Servable): Representation {
  const representation = negotiate(context.request.headers['accept'], servable);
  if (representation === undefined) throw notAcceptable();
  return representation;
}

/** A short text in plain words. */
export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: encoder.encode(text),
  };
}

/** A document given as JSON bytes, in the negotiated media type. */
export function bytesResponse(
  context: RequestContext,
  representation: Representation,
  { status, json }: { readonly status: number; readonly json: Uint8Array },
): ApiResponse {
  const { query, headers } = context.request;
  const pretty = isPretty(query, headers['user-agent']);
  if (representation.mediaType === 'application/yaml') {
    return respond(
      status,
      'application/yaml',
      encoder.encode(stringifyYaml(parseTrustedJson(json))),
    );
  }
  if (!pretty) return respond(status, 'application/json', json);
  const text = stringifyJson(parseTrustedJson(json), 2);
  return respond(status, 'application/json', encoder.encode(`${text}\n`));
}

/** A document given as a value. */
export function documentResponse(
  context: RequestContext,
  representation: Representation,
  { status, document }: { readonly status: number; readonly document: JsonObject },
): ApiResponse {
  return bytesResponse(context, representation, { status, json: encodeJson(document) });
}

/** A Status, in the negotiated media type or JSON if none fits (K39). */
export function statusResponse(
  context: Pick<RequestContext, 'request'>,
  code: number,
  status: Status,
): ApiResponse {
  const representation = negotiate(context.request.headers['accept'], PLAIN) ?? JSON_OBJECT;
  const isYaml = representation.mediaType === 'application/yaml';
  const body = isYaml ? encoder.encode(stringifyYaml(status)) : encodeJson(status);
  return respond(code, representation.mediaType, body);
}

/** The answer to a request that failed. */
export function errorResponse(
  context: Pick<RequestContext, 'request'>,
  error: ApiError,
): ApiResponse {
  const response = statusResponse(context, error.code, error.status);
  const seconds = error.retryAfterSeconds;
  if (seconds === undefined) return response;
  return { ...response, headers: { ...response.headers, 'retry-after': String(seconds) } };
}

/** The same answer with more headers; those that are there stay. */
export function withHeaders(
  response: ApiResponse,
  headers: Readonly<Record<string, string | readonly string[]>>,
): ApiResponse {
  return { ...response, headers: { ...headers, ...response.headers } };
}

/** The size of a body that is written whole; undefined for a stream. */
export function bodyLength({ body }: ApiResponse): number | undefined {
  return body instanceof Uint8Array ? body.length : undefined;
}

function respond(status: number, mediaType: string, body: Uint8Array): ApiResponse {
  return { status, headers: { 'content-type': mediaType }, body };
}
