/**
 * Answers the discovery paths: which document, in which form, with ETag and 304 (K57, K58). The
 * documents are made when they are first asked for and kept until the list of resources changes.
 */
import { crc32 } from '../../../base/crc32';
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson } from '../../machinery/json';
import type { JsonObject } from '../../machinery/object';
import type { ResourceDefinition } from '../../registry';
import { aggregatedContentType, aggregatedDocument, aggregatedVersionOf } from './aggregated';
import { coreVersions, groupDocument, groupList, resourceList } from './legacy';

/** What matters of a discovery request. */
export interface DiscoveryRequest {
  /** Decoded, one leading slash, none at the end: `/api`, `/apis/apps/v1`. */
  readonly path: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** `host:port` as the client reached this server. */
  readonly serverAddress: string;
}

interface Document {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** The discovery documents of one API server. */
export class DiscoveryEndpoint {
  #resources: readonly ResourceDefinition[];
  readonly #documents = new Map<string, Document>();

  constructor(resources: readonly ResourceDefinition[]) {
    this.#resources = resources;
  }

  /** Serves another list from now on: a custom resource came or went. */
  replaceResources(resources: readonly ResourceDefinition[]): void {
    this.#resources = resources;
    this.#documents.clear();
  }

  /** The answer; undefined if this is no discovery path or nothing is served there (404). */
  answer(request: DiscoveryRequest): ApiResponse | undefined {
    const [, root, group, version, more] = request.path.split('/');
    if (more !== undefined) return undefined;
    if (root === 'api') return this.#answerCore(request, group, version);
    if (root !== 'apis') return undefined;
    if (group === undefined) return this.#answerRoot(request, 'apis', () => this.#groupList());
    const resources = this.#resources;
    return this.#answerLegacy(request.path, () => {
      if (version === undefined) return groupDocument(resources, group);
      return resourceList(resources, group, version);
    });
  }

  #answerCore(
    request: DiscoveryRequest,
    version: string | undefined,
    more: string | undefined,
  ): ApiResponse | undefined {
    if (more !== undefined) return undefined;
    const resources = this.#resources;
    if (version !== undefined) {
      return this.#answerLegacy(request.path, () => resourceList(resources, '', version));
    }
    return this.#answerRoot(request, 'api', () => coreVersions(resources, request.serverAddress));
  }

  #answerRoot(
    request: DiscoveryRequest,
    root: 'api' | 'apis',
    legacy: () => JsonObject,
  ): ApiResponse {
    const vary = { vary: 'Accept' };
    const version = aggregatedVersionOf(request.accept);
    // Not kept: the core document names the address that this client used.
    if (version === undefined) return jsonAnswer(encodeJson(legacy()), 'application/json', vary);
    const document = this.#document(`${root} ${version}`, () => {
      return aggregatedDocument(this.#resources, root, version);
    });
    const headers = {
      ...vary,
      etag: document?.etag ?? '',
      'cache-control': 'public',
      'content-type': aggregatedContentType(version),
    };
    if (document === undefined || isMatch(request.ifNoneMatch, document.etag)) {
      return { status: 304, headers, body: new Uint8Array(0) };
    }
    return { status: 200, headers, body: document.bytes };
  }

  #answerLegacy(path: string, make: () => JsonObject | undefined): ApiResponse | undefined {
    const document = this.#document(path, make);
    if (document === undefined) return undefined;
    return jsonAnswer(document.bytes, 'application/json', {});
  }

  #groupList(): JsonObject {
    return groupList(this.#resources);
  }

  #document(key: string, make: () => JsonObject | undefined): Document | undefined {
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (value === undefined) return undefined;
    const bytes = encodeJson(value);
    const digest = crc32(bytes).toString(16).padStart(8, '0').toUpperCase();
    // Length and checksum: enough to tell one set of resources from another.
    const document = { bytes, etag: `"${digest}${bytes.length.toString(16).toUpperCase()}"` };
    this.#documents.set(key, document);
    return document;
  }
}

function jsonAnswer(
  body: Uint8Array,
  type: string,
  headers: Readonly<Record<string, string>>,
): ApiResponse {
  return { status: 200, headers: { ...headers, 'content-type': type }, body };
}

function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
