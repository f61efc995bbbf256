/** The wire between API servers and replicas: `TxnKv` over a `Network`. */
export {
  createKvClient,
  type EndpointStatus,
  type KvClient,
  type KvClientOptions,
} from './kv-client';
export type { WatchHandle, WatchSink, WatchSource } from './watch-source';
