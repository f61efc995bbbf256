/**
 * Every bound of the API server's outer floors, with its unit. Nothing above the store waits or
 * grows without one of these; a test may pass smaller ones.
 */

/** The limits of one API server. */
export interface ApiServerLimits {
  /** The largest request body (K30). */
  readonly requestBodyBytesMax: number;
  /** Reads served at once; long-running requests do not count (K71). */
  readonly readRequestsInFlightMax: number;
  /** Writes served at once (K71). */
  readonly writeRequestsInFlightMax: number;
  /** How long a request that is not long-running may take; `timeout=` may ask for less (K41). */
  readonly requestTimeoutMs: number;
  /** The shortest life of a watch without `timeoutSeconds`; the longest is twice as long (K34). */
  readonly watchTimeoutMsMin: number;
  /** Operations of one JSON patch (K52). */
  readonly jsonPatchOperationsMax: number;
  /** How often a patch without resourceVersion is computed anew after a lost race (K52). */
  readonly patchAttemptsMax: number;
  /** How often `generateName` draws another suffix (K42). */
  readonly generateNameAttemptsMax: number;
  /** Objects read at a time by deletecollection (K49). */
  readonly deleteCollectionPageSize: number;
  /** Bytes of all `Warning` headers of an answer together (K38). */
  readonly warningBytesMax: number;
  /** Watches end within this time after shutdown began, spread evenly (K41). */
  readonly shutdownWatchSpreadMs: number;
  /** How long shutdown waits for requests in flight before their sockets are cut. */
  readonly shutdownGraceMs: number;
  /** Open streams of one HTTP/2 connection (K40: at least 250). */
  readonly http2StreamsMax: number;
}

/** The limits of Kubernetes, where it has them. */
export const DEFAULT_API_SERVER_LIMITS: ApiServerLimits = {
  requestBodyBytesMax: 3 * 1024 * 1024,
  readRequestsInFlightMax: 400,
  writeRequestsInFlightMax: 200,
  requestTimeoutMs: 60_000,
  watchTimeoutMsMin: 1_800_000,
  jsonPatchOperationsMax: 10_000,
  patchAttemptsMax: 5,
  generateNameAttemptsMax: 8,
  deleteCollectionPageSize: 10_000,
  warningBytesMax: 4096,
  shutdownWatchSpreadMs: 1_000,
  shutdownGraceMs: 10_000,
  http2StreamsMax: 1_000,
};
