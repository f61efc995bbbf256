/** Clusters of cores in memory, for tests of the core. */
export { CoreChecker, type CheckCounts } from './core-checker';
export { CoreMember, testRandom, type CoreMemberOptions, type CoreObserver } from './core-member';
export {
  CoreNetwork,
  type CoreNetworkOptions,
  type InitialMember,
  type MessageFilter,
} from './core-network';
export { entriesByTerm, entry, memberId, memberIds, memberWithLog, ofKind } from './scenarios';
