/** Watches: pure scheduling of events to bounded queues. */
export type { RevisionEvents, WatchSink } from './event';
export { WatchHub, type CatchUp, type Watcher } from './watch-hub';
