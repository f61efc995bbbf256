/** The replicated state on an engine: apply, reads, old events. */
export type { Configuration } from '../mvcc';
export type { AppliedPosition, ApplyOutcome, StateEntry } from './apply-outcome';
export { checkGrant } from './evaluate';
export { EventReader, type EventLimits, type EventSlice } from './event-reader';
export { RangeReader, type RangeRead } from './range-reader';
export { StateStore, type StateStoreOptions } from './state-store';
