/** Admission (floor 6): the chain and its plugins. */
export { AdmissionChain } from './chain';
export type { AdmissionAttributes, AdmissionPlugin } from './plugin';
export { NamespaceLifecycle, type NamespaceReader } from './plugins/namespace-lifecycle';
