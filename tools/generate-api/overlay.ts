/**
 * Facts that neither package states, about what came after the swagger's release: which new lists
 * of objects are merged by which key, and which new strings are quantities (K92).
 */
import type { SchemaJson } from './schema-json';

/** Lists that are merged by key: definition and field, then the keys. */
const mapLists: Readonly<Record<string, readonly string[]>> = {
  'core.v1.PodSpec.resourceClaims': ['name'],
  'core.v1.PodStatus.resourceClaimStatuses': ['name'],
  'core.v1.NodeStatus.runtimeHandlers': [],
  'core.v1.ContainerStatus.allocatedResourcesStatus': ['name'],
  'core.v1.ContainerStatus.volumeMounts': ['mountPath'],
  'networking.v1.ServiceCIDRStatus.conditions': ['type'],
  'admissionregistration.v1.MatchResources.excludeResourceRules': [],
  'admissionregistration.v1.MatchResources.resourceRules': [],
  'admissionregistration.v1.MutatingAdmissionPolicySpec.matchConditions': ['name'],
  'admissionregistration.v1.ValidatingAdmissionPolicySpec.matchConditions': ['name'],
  'resource.v1.AllocatedDeviceStatus.conditions': ['type'],
  'resource.v1.ResourceClaimStatus.devices': ['driver', 'device', 'pool', 'shareID'],
  'resource.v1.ResourceClaimStatus.reservedFor': ['uid'],
};

/** Of the lists above, those that strategic merge merges by the first key. */
const strategicLists: ReadonlySet<string> = new Set([
  'core.v1.PodSpec.resourceClaims',
  'core.v1.PodStatus.resourceClaimStatuses',
  'core.v1.ContainerStatus.volumeMounts',
  'networking.v1.ServiceCIDRStatus.conditions',
  'admissionregistration.v1.MutatingAdmissionPolicySpec.matchConditions',
  'admissionregistration.v1.ValidatingAdmissionPolicySpec.matchConditions',
  'resource.v1.ResourceClaimStatus.reservedFor',
]);

/** Fields whose text is a quantity; client-node shows them as strings. */
const quantities: ReadonlySet<string> = new Set([
  'resource.v1.CapacityRequestPolicy.default',
  'resource.v1.CapacityRequestPolicy.validValues',
  'resource.v1.CapacityRequestPolicyRange.max',
  'resource.v1.CapacityRequestPolicyRange.min',
  'resource.v1.CapacityRequestPolicyRange.step',
  'resource.v1.CapacityRequirements.requests',
  'resource.v1.Counter.value',
  'resource.v1.DeviceCapacity.value',
  'resource.v1.DeviceRequestAllocationResult.consumedCapacity',
  'core.v1.ContainerStatus.allocatedResources',
  'core.v1.PodStatus.allocatedResources',
]);

/** Fields that hold any JSON object of their own. */
const rawExtensions: ReadonlySet<string> = new Set([
  'resource.v1.OpaqueDeviceConfiguration.parameters',
  'resource.v1.AllocatedDeviceStatus.data',
]);

const quantity = '#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity';
const rawExtension = '#/definitions/io.k8s.apimachinery.pkg.runtime.RawExtension';

/** Adds to a new field what only this file knows. `definition` is the short form `core.v1.Pod`. */
export function overlayField(definition: string, field: string, schema: SchemaJson): SchemaJson {
  const name = `${definition}.${field}`;
  const { description, ...rest } = schema;
  const text = description === undefined ? {} : { description };
  if (rawExtensions.has(name)) return { ...text, $ref: rawExtension };
  if (quantities.has(name)) return { ...text, ...asQuantity(rest) };
  const keys = mapLists[name];
  if (keys === undefined || keys.length === 0) return schema;
  const strategic = strategicLists.has(name)
    ? { 'x-kubernetes-patch-merge-key': keys[0], 'x-kubernetes-patch-strategy': 'merge' }
    : {};
  return {
    ...schema,
    'x-kubernetes-list-map-keys': [...keys],
    'x-kubernetes-list-type': 'map',
    ...strategic,
  };
}

function asQuantity(schema: SchemaJson): SchemaJson {
  if (schema.items !== undefined) return { ...schema, items: { $ref: quantity } };
  if (schema.additionalProperties !== undefined) {
    return { ...schema, additionalProperties: { $ref: quantity } };
  }
  return { $ref: quantity };
}
