/** Simulated edges: clock, network and disk on virtual time, replayed by a seed. */
export { SimClock } from './sim-clock';
export { SimDisk, type SimDiskConditions } from './sim-disk';
export { SimNetwork, type SimNetworkConditions } from './sim-network';
export { SimProcess, Simulator } from './simulator';
