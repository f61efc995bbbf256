/** Leases: what they are, and the leader's clock over them. */
export type { Lease } from './lease';
export { Lessor, type Renewal } from './lessor';
