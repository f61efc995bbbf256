/** The store's contract: `Kv` and its types, error codes, limits. Nothing here does work. */
export type * from './kv';
export {
  isStoreError,
  STORE_ERRORS,
  storeError,
  type StoreError,
  type StoreErrorCode,
} from './errors';
export { STORE_LIMITS } from './limits';
