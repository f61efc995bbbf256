/** Sizes of the wire, the same at both ends, and how a watch's events are counted against them. */
import type { WatchEvent } from '../kv';

/** Wire limits, in bytes unless the name says otherwise. */
export const WIRE_LIMITS = {
  /** Events of one watch on their way or not yet taken by its consumer; one batch may exceed it. */
  watchWindowBytes: 1024 * 1024,
  /** A batch above this travels in parts, so that others are not kept waiting behind it. */
  eventsPartBytes: 512 * 1024,
  /** A frame is sent once it is this large, whatever else the turn may bring. */
  frameBytesSoft: 256 * 1024,
  /** What a link may hold before watches pause and no further requests are read from it. */
  linkBufferedBytesMax: 8 * 1024 * 1024,
  /** A request above this is refused by the client: the store's own limit is well below. */
  requestBytesMax: 4 * 1024 * 1024,
  /** An answer above this is refused: its frame would exceed what links carry. */
  answerBytesMax: 14 * 1024 * 1024,
  /** Requests of one connection being worked on; beyond it the link is not read. */
  requestsPerConnectionMax: 8192,
  /** Watches of one connection. */
  watchesPerConnectionMax: 65_536,
} as const;

/** What an event costs beside its bytes: numbers and lengths. */
const EVENT_OVERHEAD_BYTES = 32;

/** What `events` count for in a watch's window: about their size on the wire. */
export function eventsBytes(events: readonly WatchEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += eventBytes(event);
  return bytes;
}

/** What one event counts for. */
export function eventBytes(event: WatchEvent): number {
  const { keyValue, previous } = event;
  const before = previous === undefined ? 0 : previous.key.length + previous.value.length;
  return EVENT_OVERHEAD_BYTES + keyValue.key.length + keyValue.value.length + before;
}
