/**
 * The Kubernetes API without HTTP: `http/server.ts` puts it on a socket, tests and controllers
 * call it directly.
 */

/** A client certificate that the TLS layer verified against the cluster's CA. */
export interface VerifiedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** A request as it arrived. */
export interface ApiRequest {
  readonly method: string;
  /** Path as sent, percent-encoding kept, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly certificate: VerifiedCertificate | undefined;
  readonly remoteAddress: string;
  /** Reads the whole body, at most `bytesMax`; beyond that rejects with the 413 error (K30). */
  readBody(bytesMax: number): Promise<Uint8Array>;
  /** Aborted when the client goes away or the server shuts down. */
  readonly signal: AbortSignal;
}

/** An answer: either whole, or a stream whose chunks are written as the socket takes them. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case; several values become several headers. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** The whole API as a function; failures become Status answers, it never rejects. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;
