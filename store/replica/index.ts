/** One replica of the store: the only folder that joins raft and store. */
export type { Leadership, Proposer } from './proposer';
export { openLocalStore, type LocalStore, type LocalStoreOptions } from './local-store';
export { Replica, type ReplicaConfig, type ReplicaOptions, type ReplicaPeer } from './replica';
