/** The store's answers in the words of the checkers. */
import { fromUtf8 } from '../../base/bytes';
import type { KeyValue, WatchEvent } from '../../store/kv';
import type { KeyState, WatchedEvent } from '../check/revision-order';

/** A key's state as the checkers know it. */
export function seenState(keyValue: KeyValue): KeyState;
/** Nothing stays nothing. */
export function seenState(keyValue: KeyValue | undefined): KeyState | undefined;
export function seenState(keyValue: KeyValue | undefined): KeyState | undefined {
  if (keyValue === undefined) return undefined;
  const { value, createRevision, modRevision, version } = keyValue;
  return { value: fromUtf8(value), createRevision, modRevision, version };
}

/** Events as the checkers know them. */
export function seenEvents(events: readonly WatchEvent[]): WatchedEvent[] {
  return events.map(({ kind, keyValue, previous }) => ({
    kind,
    key: fromUtf8(keyValue.key),
    revision: keyValue.modRevision,
    state: kind === 'put' ? seenState(keyValue) : undefined,
    previous: seenState(previous),
  }));
}
