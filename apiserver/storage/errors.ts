/**
 * What the store's failures become for clients of the API: the one table (style: errors, 5).
 * Bugs (`InvariantError`) pass through untouched. A write whose outcome is unknown is a 504 and is
 * never tried again here.
 */
import { isStoreError, type StoreErrorCode } from '../../store/index';
import {
  ApiError,
  expired,
  internalError,
  requestEntityTooLarge,
  serviceUnavailable,
  timeout,
  tooManyRequests,
} from '../machinery/status';

/** K13: an unpaged read at a compacted revision. */
export const LIST_TOO_OLD = 'The resourceVersion for the provided list is too old.';
/** K14: a watch from a compacted revision, straight from the store. */
export const WATCH_TOO_OLD = 'The resourceVersion for the provided watch is too old.';
/** K13: a page at a compacted revision. */
export const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start ' +
  'a new list without the continue parameter, or use the continue token in this response to ' +
  'retrieve the remainder of the results. Continuing with the provided token results in an ' +
  'inconsistent list - objects that were created, modified, or deleted between the time the first ' +
  'chunk was returned and now may show up in the list.';

type Mapping = (message: string, cause: unknown) => ApiError;

const unavailable: Mapping = (message, cause) => serviceUnavailable(message, 1, cause);
const internal: Mapping = (message, cause) => internalError(message, cause);
const unknownOutcome: Mapping = (_message, cause) => timeout(undefined, 0, cause);

const MAPPINGS: Readonly<Record<StoreErrorCode, Mapping>> = {
  STORE_COMPACTED: () => expired(LIST_TOO_OLD),
  STORE_FUTURE_REVISION: unavailable,
  STORE_TOO_LARGE: (message) => requestEntityTooLarge(message),
  STORE_TOO_MANY_OPERATIONS: internal,
  STORE_INVALID: internal,
  STORE_NO_SPACE: internal,
  STORE_CORRUPT: internal,
  STORE_LEASE_NOT_FOUND: internal,
  STORE_LEASE_EXISTS: internal,
  STORE_OVERLOADED: (message) => tooManyRequests(message),
  STORE_TIMEOUT: unknownOutcome,
  STORE_STOPPED: unavailable,
  STORE_UNREACHABLE: unavailable,
  STORE_CONNECTION_LOST: unknownOutcome,
  RAFT_NO_LEADER: unavailable,
  RAFT_NOT_LEADER: unavailable,
  RAFT_PROPOSAL_DROPPED: unavailable,
  RAFT_LEADER_CHANGED: unknownOutcome,
};

/** The failure a client gets for `error`; anything but a store failure is returned as it is. */
export function toApiError(error: unknown): unknown {
  if (error instanceof ApiError || !isStoreError(error)) return error;
  return MAPPINGS[error.code](error.message, error);
}

/** Waits for a call of the store; its failures come out in the API's terms. */
export async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toApiError(error);
  }
}
