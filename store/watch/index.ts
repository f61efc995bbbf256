/** Watches: pure scheduling of events to bounded queues. */
export type { RevisionEvents, WatchSink } from './event';
export { WatchHub, type CatchUp, type HubRevisions, type WatchRequest } from './watch-hub';
export type { Watcher } from './watcher';
