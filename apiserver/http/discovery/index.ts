/** Discovery: which resources there are. */
export {
  aggregatedContentType,
  aggregatedDocument,
  aggregatedVersionOf,
  type AggregatedVersion,
} from './aggregated';
export { DiscoveryEndpoint, type DiscoveryRequest } from './discovery-endpoint';
export {
  coreVersions,
  groupDocument,
  groupList,
  resourceList,
  servedGroups,
  type ServedGroup,
  type ServedVersion,
} from './legacy';
