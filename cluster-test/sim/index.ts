/** Simulated edges: clock, network and disk on virtual time, replayed by a seed. */
export { entry, hardState, LOG_CLUSTER, LOG_MEMBER, LogMachine } from './log-machine';
export { ListMachine, ListStorage, RaftCluster, type MemberLife } from './raft-cluster';
export { SimClock } from './sim-clock';
export { SimDisk, type SimDiskConditions } from './sim-disk';
export { SimNetwork, type SimNetworkConditions } from './sim-network';
export { SimProcess, Simulator } from './simulator';
