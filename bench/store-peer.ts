/** A store under measurement: three servers that somebody started, and a way to ask them. */

/** One running cluster of three servers and a client to it. */
export interface StorePeer {
  readonly name: string;
  readonly version: string;
  /** The servers' processes; the load generator is not among them. */
  readonly pids: readonly number[];
  /** Writes a key, acknowledged when it is durable on a majority. */
  put(key: Uint8Array, value: Uint8Array): Promise<void>;
  /** A linearizable read of one key. */
  get(key: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
