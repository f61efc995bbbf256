/**
 * OpenAPI v3: an index with a digest per group version, and the documents themselves (K60). They
 * were made and digested at build time; a client that asks with the right digest may keep the
 * answer for a year, one that asks with a stale digest is sent to the right one.
 */
import type { ApiResponse } from '../machinery/api-handler';
import { encodeJson } from '../machinery/json';
import type { JsonObject } from '../machinery/object';
import type { BuiltinOpenapiDocument } from '../schema';

/** Reads a generated file by name. */
export type ReadApiFile = (name: string) => string;

/** What matters of a request for OpenAPI. */
export interface OpenapiRequest {
  /** Decoded, one leading slash, none at the end. */
  readonly path: string;
  /** The `hash` parameter; null if absent. */
  readonly hash: string | null;
  readonly ifNoneMatch: string | undefined;
}

const root = '/openapi/v3';
const yearSeconds = 31_536_000;

/** The OpenAPI documents of one API server. */
export class OpenapiEndpoint {
  readonly #documents: ReadonlyMap<string, BuiltinOpenapiDocument>;
  readonly #index: Uint8Array;
  readonly #readApiFile: ReadApiFile;

  constructor(documents: readonly BuiltinOpenapiDocument[], readApiFile: ReadApiFile) {
    this.#documents = new Map(documents.map((each) => [each.path, each]));
    this.#index = encodeJson(indexOf(documents));
    this.#readApiFile = readApiFile;
  }

  /** The answer; undefined if there is nothing at this path (404). */
  answer(request: OpenapiRequest): ApiResponse | undefined {
    if (request.path === root) {
      return { status: 200, headers: { 'content-type': 'application/json' }, body: this.#index };
    }
    if (!request.path.startsWith(`${root}/`)) return undefined;
    const document = this.#documents.get(request.path.slice(root.length + 1));
    return document === undefined ? undefined : this.#answerDocument(document, request);
  }

  #answerDocument(document: BuiltinOpenapiDocument, request: OpenapiRequest): ApiResponse {
    const etag = `"${document.hash}"`;
    if (request.hash !== null && request.hash !== '' && request.hash !== document.hash) {
      return { status: 301, headers: { location: urlOf(document) }, body: new Uint8Array(0) };
    }
    const isPinned = request.hash === document.hash;
    const headers = {
      etag,
      vary: 'Accept',
      'content-type': 'application/json',
      'cache-control': isPinned
        ? `public, immutable, max-age=${String(yearSeconds)}`
        : 'no-cache, private',
    };
    if (request.ifNoneMatch === etag) return { status: 304, headers, body: new Uint8Array(0) };
    const body = new TextEncoder().encode(this.#readApiFile(document.file));
    return { status: 200, headers, body };
  }
}

function urlOf(document: BuiltinOpenapiDocument): string {
  return `${root}/${document.path}?hash=${document.hash}`;
}

function indexOf(documents: readonly BuiltinOpenapiDocument[]): JsonObject {
  const paths = documents.map((each) => [each.path, { serverRelativeURL: urlOf(each) }] as const);
  return { paths: Object.fromEntries(paths) };
}
