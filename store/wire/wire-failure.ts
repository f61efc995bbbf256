/** Failures across the wire: code, message and details arrive as they left. */
import { STORE_ERRORS, storeError, type StoreError, type StoreErrorCode } from '../errors';
import type { WireFailure } from './messages';

/** A failure as it travels. Details that are neither text nor a counter stay behind. */
export function toWireFailure(error: StoreError): WireFailure {
  const details: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(error.details)) {
    const isCounter = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    if (typeof value === 'string' || isCounter) details[name] = value;
  }
  return { code: error.code, message: error.message, details };
}

/** The failure that arrived. */
export function fromWireFailure({ code, message, details }: WireFailure): StoreError {
  if (!isStoreErrorCode(code)) {
    // A newer replica: what its code means for a write is not known here, so nothing is promised.
    return storeError(
      'STORE_CONNECTION_LOST',
      `Cannot understand a failure of the replica: received ${code}: ${message}`,
    );
  }
  return storeError(code, message, { details });
}

function isStoreErrorCode(code: string): code is StoreErrorCode {
  return Object.hasOwn(STORE_ERRORS, code);
}
