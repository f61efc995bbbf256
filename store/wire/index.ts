/** The wire between API servers and replicas: `TxnKv` over a `Network`. */
export { createKvClient, type KvClient, type KvClientOptions } from './kv-client';
export type { EndpointStatus } from './endpoint-status';
export { KvServer, type KvServerOptions, type LeaderHealth } from './kv-server';
export type { ServedStore, WatchHandle, WatchSink, WatchSource } from './watch-source';
