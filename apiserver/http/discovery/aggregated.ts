/**
 * Discovery as clients since 1.26 read it: everything under `/api` or `/apis` in one document
 * (K57). It says the same as the legacy documents; a test compares them (T20).
 */
import type { JsonObject } from '../../machinery/object';
import type { ResourceDefinition, SubresourceDefinition } from '../../registry';
import { servedGroups, type ServedGroup, type ServedVersion } from './legacy';

/** Versions of `apidiscovery.k8s.io` that are served; they differ in name only. */
export type AggregatedVersion = 'v2' | 'v2beta1';

/** The Content-Type must say which document it is: without, clients read the legacy one. */
export function aggregatedContentType(version: AggregatedVersion): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

/** The version that the first fitting clause of `Accept` asks for; undefined means legacy. */
export function aggregatedVersionOf(accept: string | undefined): AggregatedVersion | undefined {
  for (const clause of (accept ?? '').split(',')) {
    const [type = '', ...parts] = clause.split(';').map((part) => part.trim());
    const parameters = new Set(parts);
    const isJson = type === 'application/json';
    if (isJson && !parts.some((part) => part.startsWith('as='))) return undefined;
    if (!isJson || !parameters.has('g=apidiscovery.k8s.io')) continue;
    if (!parameters.has('as=APIGroupDiscoveryList')) continue;
    if (parameters.has('v=v2')) return 'v2';
    if (parameters.has('v=v2beta1')) return 'v2beta1';
  }
  return undefined;
}

/** The document of `/api` (the core group) or `/apis` (all others). */
export function aggregatedDocument(
  resources: readonly ResourceDefinition[],
  root: 'api' | 'apis',
  version: AggregatedVersion,
): JsonObject {
  const groups = servedGroups(resources).filter(
    (group) => (group.name === '') === (root === 'api'),
  );
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(groupItem),
  };
}

function groupItem(group: ServedGroup): JsonObject {
  return {
    metadata: group.name === '' ? {} : { name: group.name },
    versions: group.versions.map(versionItem),
  };
}

function versionItem({ version, resources }: ServedVersion): JsonObject {
  return { version, resources: resources.map(resourceItem), freshness: 'Current' };
}

function resourceItem(resource: ResourceDefinition): JsonObject {
  const { group, version, kind, shortNames, categories, subresources } = resource;
  return {
    resource: resource.resource,
    responseKind: { group, version, kind },
    scope: resource.isNamespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources: subresources.map(subresourceItem) }),
  };
}

function subresourceItem(subresource: SubresourceDefinition): JsonObject {
  const { group, version, kind } = subresource.kind;
  return {
    subresource: subresource.name,
    responseKind: { group, version, kind },
    verbs: subresource.verbs,
  };
}
