/**
 * The query parameters of GET, LIST and WATCH: parsing (K3), the checks that come before any read
 * (K4) and what they ask of storage (K5, K6) as values. Pure; `registry/` turns the results into
 * `ListRequest` and `WatchRequest` of `storage/storage.ts`.
 */
import { badRequest, invalid, type StatusCause } from './status';

/** How fresh an answer must be (K5). */
export type Freshness =
  /** `resourceVersion` empty: linearizable. */
  | { readonly kind: 'consistent' }
  /** `"0"`: anything the cache has. */
  | { readonly kind: 'any' }
  /** N: at least as new; waits up to 3 s, then fails as `ResourceVersionTooLarge` (K8). */
  | { readonly kind: 'notOlderThan'; readonly resourceVersion: string }
  /** Exactly N; lists only. */
  | { readonly kind: 'exact'; readonly resourceVersion: string };

/** Where a watch begins; `from` N delivers what follows N. */
export type WatchStart =
  | { readonly kind: 'initialState'; readonly freshness: Freshness }
  | { readonly kind: 'from'; readonly resourceVersion: string }
  /** What follows the present, without initial state. */
  | { readonly kind: 'now'; readonly freshness: Freshness };

/** The parameters as sent; absent text is empty. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly isWatch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeoutSeconds: number | undefined;
  readonly limit: number;
  readonly continueToken: string;
  readonly sendInitialEvents: boolean | undefined;
}

/** What a valid list asks for. */
export interface ListSelection {
  readonly freshness: Freshness;
  /** 0 means no limit. The cache ignores it for freshness `any` (K5). */
  readonly limit: number;
  readonly continueToken: string | undefined;
}

/** What a valid watch asks for. */
export interface WatchSelection {
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  readonly initialEventsEnd: boolean;
}

/** A boolean parameter: present and neither `0` nor `false` (K27). */
export function booleanParameter(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== '0' && value.toLowerCase() !== 'false';
}

function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return value;
}

/** Reads the parameters without judging them. Throws a 400 for a number that is none. */
export function parseListOptions(query: URLSearchParams): ListOptions {
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    isWatch: booleanParameter(query, 'watch') ?? false,
    allowWatchBookmarks: booleanParameter(query, 'allowWatchBookmarks') ?? false,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: integerParameter(query, 'timeoutSeconds'),
    limit: Math.max(0, integerParameter(query, 'limit') ?? 0),
    continueToken: query.get('continue') ?? '',
    sendInitialEvents: booleanParameter(query, 'sendInitialEvents'),
  };
}

const UINT64_MAX = 2n ** 64n - 1n;

/** Whether a resourceVersion can be read as a number; empty is allowed. Throws K3's 400. */
export function checkResourceVersion(text: string): void {
  if (text === '') return;
  const isNumber = /^[0-9]+$/.test(text);
  if (isNumber && BigInt(text) <= UINT64_MAX) return;
  const why = isNumber ? 'value out of range' : 'invalid syntax';
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ` +
      `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
  );
}

/** Whether a resourceVersion means "any": zero in any spelling. */
function isZero(resourceVersion: string): boolean {
  return /^0+$/.test(resourceVersion);
}

/** The freshness a GET asks for by its `resourceVersion` (K5). */
export function getFreshness(resourceVersion: string): Freshness {
  checkResourceVersion(resourceVersion);
  if (resourceVersion === '') return { kind: 'consistent' };
  if (isZero(resourceVersion)) return { kind: 'any' };
  return { kind: 'notOlderThan', resourceVersion };
}

const MATCH = 'resourceVersionMatch';

function forbidden(field: string, text: string): StatusCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${text}`, field };
}

function unsupportedMatch(value: string, supported: readonly string[]): StatusCause {
  const list = supported.map((item) => JSON.stringify(item)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: 'FieldValueNotSupported', message, field: MATCH };
}

function refuse(causes: readonly StatusCause[]): void {
  if (causes.length === 0) return;
  throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
}

function listFaults(options: ListOptions): StatusCause[] {
  const { resourceVersion, resourceVersionMatch: match } = options;
  const causes: StatusCause[] = [];
  if (match !== '') {
    if (resourceVersion === '') {
      causes.push(
        forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    }
    if (options.continueToken !== '') {
      causes.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      causes.push(unsupportedMatch(match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && resourceVersion === '0') {
      causes.push(
        forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
      );
    }
  }
  if (options.sendInitialEvents !== undefined) {
    causes.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return causes;
}

/** What a LIST asks for; throws K4's 422, then K3's and K5's 400. */
export function selectList(options: ListOptions): ListSelection {
  refuse(listFaults(options));
  const { resourceVersion, resourceVersionMatch: match, limit, continueToken } = options;
  if (continueToken !== '') {
    if (resourceVersion !== '' && resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    return { freshness: { kind: 'consistent' }, limit, continueToken };
  }
  const freshness = getFreshness(resourceVersion);
  // The legacy rule: a limit with N and without a match means exactly N.
  const isExact = match === 'Exact' || (match === '' && limit > 0);
  if (isExact && freshness.kind === 'notOlderThan') {
    return { freshness: { kind: 'exact', resourceVersion }, limit, continueToken: undefined };
  }
  return { freshness, limit, continueToken: undefined };
}

function watchFaults(options: ListOptions, isWatchListEnabled: boolean): StatusCause[] {
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const causes: StatusCause[] = [];
  if (match !== '') {
    if (sendInitialEvents === undefined) {
      causes.push(
        forbidden(
          MATCH,
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    }
    if (options.continueToken !== '') {
      causes.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'NotOlderThan') causes.push(unsupportedMatch(match, ['NotOlderThan']));
  }
  if (sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      causes.push(
        forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      );
    }
    if (!isWatchListEnabled) {
      causes.push(
        forbidden(
          'sendInitialEvents',
          'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        ),
      );
    }
  }
  return causes;
}

/** What a WATCH asks for (K6); throws K4's 422, then K3's 400. */
export function selectWatch(
  options: ListOptions,
  server: { readonly isWatchListEnabled: boolean } = { isWatchListEnabled: true },
): WatchSelection {
  refuse(watchFaults(options, server.isWatchListEnabled));
  const { resourceVersion, sendInitialEvents, allowWatchBookmarks: bookmarks } = options;
  const freshness = getFreshness(resourceVersion);
  if (sendInitialEvents === true) {
    return { start: { kind: 'initialState', freshness }, bookmarks, initialEventsEnd: bookmarks };
  }
  if (freshness.kind === 'notOlderThan') {
    return { start: { kind: 'from', resourceVersion }, bookmarks, initialEventsEnd: false };
  }
  if (sendInitialEvents === false) {
    return { start: { kind: 'now', freshness }, bookmarks, initialEventsEnd: false };
  }
  // A bare watch is rewritten to one with initial events (K6), so a client that allows bookmarks
  // gets the annotated one too.
  const initialEventsEnd = bookmarks && server.isWatchListEnabled;
  return { start: { kind: 'initialState', freshness }, bookmarks, initialEventsEnd };
}
