/**
 * The built-in resources: generated names, scopes and verbs joined with the hand tables (K93).
 * One definition per served version; versions that share storage share the key segment.
 */
import type { BuiltinResource, BuiltinTypes } from '../../schema';
import type { ResourceDefinition } from '../resource';
import { conversionOf, storageOf } from './conversion';
import { categoriesOf, keySegmentOf, shortNamesOf } from './names';
import { printerOf } from './printers';
import { builtinStrategy } from './strategies';

/** All built-in resources in discovery order: by group preference, version, name. */
export function builtinResources(types: BuiltinTypes): readonly ResourceDefinition[] {
  const hashes = new Map(types.resources.map((each) => [idOf(each), each.storageVersionHash]));
  return types.resources
    .map((resource) => definitionOf(resource, hashes))
    .sort((a, b) => rankOf(a) - rankOf(b));
}

function definitionOf(
  found: BuiltinResource,
  hashes: ReadonlyMap<string, string>,
): ResourceDefinition {
  const { group, version, resource, kind } = found;
  const storage = storageOf(found);
  const conversion = conversionOf(found);
  const printer = printerOf(found);
  const strategy = builtinStrategy(found);
  const hash = hashes.get(idOf({ ...storage, resource }));
  return {
    group,
    version,
    resource,
    kind,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    isNamespaced: found.isNamespaced,
    verbs: found.verbs,
    shortNames: shortNamesOf(resource),
    categories: categoriesOf(resource),
    subresources: found.subresources,
    storageVersion: storage.version,
    ...(storage.group === group ? {} : { storageGroup: storage.group }),
    ...(hash === undefined || !strategy.isStored ? {} : { storageVersionHash: hash }),
    keySegment: keySegmentOf(resource),
    strategy,
    ...(conversion === undefined ? {} : { conversion }),
    ...(printer === undefined ? {} : { printer }),
  };
}

interface ResourceId {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

function idOf({ group, version, resource }: ResourceId): string {
  return `${group}/${version}/${resource}`;
}

/** k8s: the order in which a cluster lists its groups; `kubectl get x` takes the first match. */
const groupOrder: readonly string[] = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

function rankOf({ group, version }: ResourceDefinition): number {
  const index = groupOrder.indexOf(group);
  const ofGroup = index === -1 ? groupOrder.length : index;
  // The newest version comes first: it is the group's preferred one.
  return ofGroup * 100 - Number(version.slice(1));
}
