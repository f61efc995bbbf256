/** The replicated state on an engine: apply, reads, old events. */
export type {
  AppliedPosition,
  ApplyOutcome,
  Configuration,
  StateEntry,
  StateStoreOptions,
} from './state-store';
export { StateStore } from './state-store';
export { RangeReader, type RangeRead } from './range-reader';
export { EventReader, type EventSlice } from './event-reader';
