/** The log on disk. */
export { type Save } from './group-commit';
export { openWal, Wal, type WalIdentity, type WalOptions } from './wal';
