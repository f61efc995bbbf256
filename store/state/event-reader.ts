/** Events of the past out of the revision log. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Revision } from '../kv';
import type { RevisionEvents } from '../watch';

/** A part of the history. */
export interface EventSlice {
  /** All events up to and with this revision are in `changes`. */
  readonly throughRevision: Revision;
  readonly changes: readonly RevisionEvents[];
}

/** Reads events with their previous values (S31), beside writes. */
export class EventReader {
  /**
   * Events from `fromRevision` on, whole revisions, until about `bytesMax` or `eventsMax`.
   * `STORE_COMPACTED` if `fromRevision` is below the compact revision.
   */
  read(
    _fromRevision: Revision,
    _limits?: { readonly bytesMax?: number; readonly eventsMax?: number },
  ): Promise<EventSlice> {
    return unreachable('being written');
  }
}
