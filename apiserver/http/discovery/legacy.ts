/**
 * Discovery as old clients and `kubectl auth can-i` read it: one document per level (K58). Pure
 * functions of the resources that are served, so custom resources appear by being in the list.
 */
import { apiVersionOf, type JsonObject } from '../../machinery/object';
import type { ResourceDefinition, SubresourceDefinition } from '../../registry';

type Resources = readonly ResourceDefinition[];

/** A group with its versions, the preferred one first. */
export interface ServedGroup {
  readonly name: string;
  readonly versions: readonly ServedVersion[];
}

/** A version of a group with its resources, sorted by name. */
export interface ServedVersion {
  readonly version: string;
  readonly resources: Resources;
}

/** The groups of a list of definitions, in the order in which they first occur. */
export function servedGroups(resources: Resources): readonly ServedGroup[] {
  const groups = new Map<string, Map<string, ResourceDefinition[]>>();
  for (const resource of resources) {
    const versions = groups.get(resource.group) ?? new Map<string, ResourceDefinition[]>();
    groups.set(resource.group, versions);
    const found = versions.get(resource.version);
    if (found === undefined) versions.set(resource.version, [resource]);
    else found.push(resource);
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions].map(([version, members]) => ({
      version,
      resources: members.sort((a, b) => (a.resource < b.resource ? -1 : 1)),
    })),
  }));
}

/** `/api`: the versions of the core group. `serverAddress` is where this server listens. */
export function coreVersions(resources: Resources, serverAddress: string): JsonObject {
  const core = servedGroups(resources).find((group) => group.name === '');
  return {
    kind: 'APIVersions',
    versions: core?.versions.map((each) => each.version) ?? [],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `/apis`: all groups but core. */
export function groupList(resources: Resources): JsonObject {
  const groups = servedGroups(resources).filter((group) => group.name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupFields) };
}

/** `/apis/<group>`; undefined if it is not served. */
export function groupDocument(resources: Resources, name: string): JsonObject | undefined {
  const group = servedGroups(resources).find((each) => each.name === name && name !== '');
  if (group === undefined) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupFields(group) };
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined if it is not served. */
export function resourceList(
  resources: Resources,
  group: string,
  version: string,
): JsonObject | undefined {
  const served = servedGroups(resources)
    .find((each) => each.name === group)
    ?.versions.find((each) => each.version === version);
  if (served === undefined) return undefined;
  return {
    kind: 'APIResourceList',
    // k8s: the core list alone carries no apiVersion.
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: served.resources.flatMap((each) => [
      resourceFields(each),
      ...each.subresources.map((subresource) => subresourceFields(each, subresource)),
    ]),
  };
}

function groupFields(group: ServedGroup): JsonObject {
  const versions = group.versions.map(({ version }) => ({
    groupVersion: apiVersionOf({ group: group.name, version }),
    version,
  }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

function resourceFields(resource: ResourceDefinition): JsonObject {
  const { shortNames, categories, storageVersionHash } = resource;
  return {
    name: resource.resource,
    singularName: resource.singular,
    namespaced: resource.isNamespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(storageVersionHash === undefined ? {} : { storageVersionHash }),
  };
}

function subresourceFields(
  parent: ResourceDefinition,
  subresource: SubresourceDefinition,
): JsonObject {
  const { kind } = subresource;
  const isForeign = kind.group !== parent.group || kind.version !== parent.version;
  return {
    name: `${parent.resource}/${subresource.name}`,
    singularName: '',
    namespaced: parent.isNamespaced,
    ...(isForeign ? { group: kind.group, version: kind.version } : {}),
    kind: kind.kind,
    verbs: subresource.verbs,
  };
}
