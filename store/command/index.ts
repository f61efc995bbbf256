/** The replicated commands, their bytes, and the transactions behind the optimistic forms. */
export type { Command, CommandBody, CommandResult, LeaseCheckpoint, RequestId } from './command';
export { decodeCommand, decodeRequestId, encodeCommand, writeCommand } from './codec';
export { optimisticDeleteTxn, optimisticPutTxn, optimisticResult } from './optimistic';
export { readRange, readTxn, writeRange, writeTxn } from './txn-codec';
