/** The verbs of resources (floor 6): definitions, strategies, stores. */
export { NAMESPACE_NAME_LABEL } from './before-create';
export type { UpdateTarget } from './before-update';
export { BOOTSTRAP_NAMESPACES, createMissing, type BootstrapStore } from './bootstrap/objects';
export type { CollectionDeletion } from './delete-collection';
export type { DeletionRequest, DeletionResult } from './delete-object';
export { NAMESPACE_FINALIZER, namespaceFinalizers } from './finalizers';
export { newUid } from './generate-name';
export { withMetadata, type MetaChanges } from './object-meta';
export { RegistryStore } from './registry-store';
export type {
  ResourceDefinition,
  SubresourceDefinition,
  TableColumn,
  Verb,
  VersionConversion,
} from './resource';
export { builtinResources } from './resources';
export { applyScale, SCALE_KIND, scaleOf, scaleProblem } from './scale';
export type { StoreParts, WriteContext } from './store-parts';
export { strategyOf, type Strategy, type StrategyContext } from './strategy';
export type { ObjectChange, UpdateResult } from './update-object';
