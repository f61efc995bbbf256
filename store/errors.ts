/** The closed table of the store's failures (spec: store 9.2), shared by all implementations of `Kv`. */
import { KeelsonError, type KeelsonErrorOptions, type Outcome } from '../base/error';

/** What each code means: whether a retry may help, and what is then known about a write. */
export const STORE_ERRORS = {
  STORE_COMPACTED: { retriable: false, outcome: 'none' },
  STORE_FUTURE_REVISION: { retriable: true, outcome: 'none' },
  STORE_TOO_LARGE: { retriable: false, outcome: 'none' },
  STORE_TOO_MANY_OPERATIONS: { retriable: false, outcome: 'none' },
  STORE_INVALID: { retriable: false, outcome: 'none' },
  STORE_NO_SPACE: { retriable: false, outcome: 'none' },
  STORE_CORRUPT: { retriable: false, outcome: 'none' },
  STORE_LEASE_NOT_FOUND: { retriable: false, outcome: 'none' },
  STORE_LEASE_EXISTS: { retriable: false, outcome: 'none' },
  STORE_OVERLOADED: { retriable: true, outcome: 'none' },
  STORE_TIMEOUT: { retriable: true, outcome: 'unknown' },
  STORE_STOPPED: { retriable: true, outcome: 'none' },
  STORE_UNREACHABLE: { retriable: true, outcome: 'none' },
  STORE_CONNECTION_LOST: { retriable: true, outcome: 'unknown' },
  RAFT_NO_LEADER: { retriable: true, outcome: 'none' },
  RAFT_NOT_LEADER: { retriable: true, outcome: 'none' },
  RAFT_PROPOSAL_DROPPED: { retriable: true, outcome: 'none' },
  RAFT_LEADER_CHANGED: { retriable: true, outcome: 'unknown' },
} as const satisfies Record<string, { readonly retriable: boolean; readonly outcome: Outcome }>;

/** A code of the table. */
export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** A failure of the store. */
export type StoreError = KeelsonError<StoreErrorCode>;

/** Makes a failure; retriable and outcome come from the table. */
export function storeError(
  code: StoreErrorCode,
  message: string,
  options: Pick<KeelsonErrorOptions, 'cause' | 'details'> = {},
): StoreError {
  return new KeelsonError(code, message, { ...STORE_ERRORS[code], ...options });
}

/** Whether `error` is one of the store's, with any code of the table. */
export function isStoreError(error: unknown): error is StoreError {
  return error instanceof KeelsonError && Object.hasOwn(STORE_ERRORS, String(error.code));
}
