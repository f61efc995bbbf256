/** The replicated commands, their bytes, and the transactions behind the optimistic forms. */
export type { Command, CommandBody, CommandResult, LeaseCheckpoint, RequestId } from './command';
export { optimisticDeleteTxn, optimisticPutTxn, optimisticResult } from './optimistic';
export { decodeCommand, encodeCommand } from './codec';
