/**
 * Kinds that are stored as they should be, but by which the API server itself does not go yet
 * (K91). Nothing else shows that, so whoever creates one is told by a Warning header; the list is
 * in docs/compatibility.md too.
 */
import type { ResourceDefinition } from '../../registry';

const ADMISSION = 'no admission webhook or policy is called';
const FLOW = 'requests are limited by their number in flight alone';

const INERT: ReadonlyMap<string, string> = new Map([
  ['apiextensions.k8s.io/customresourcedefinitions', 'no custom resource is served'],
  ['apiregistration.k8s.io/apiservices', 'no request is handed to another server'],
  ['admissionregistration.k8s.io/mutatingwebhookconfigurations', ADMISSION],
  ['admissionregistration.k8s.io/validatingwebhookconfigurations', ADMISSION],
  ['admissionregistration.k8s.io/mutatingadmissionpolicies', ADMISSION],
  ['admissionregistration.k8s.io/mutatingadmissionpolicybindings', ADMISSION],
  ['admissionregistration.k8s.io/validatingadmissionpolicies', ADMISSION],
  ['admissionregistration.k8s.io/validatingadmissionpolicybindings', ADMISSION],
  ['flowcontrol.apiserver.k8s.io/flowschemas', FLOW],
  ['flowcontrol.apiserver.k8s.io/prioritylevelconfigurations', FLOW],
  ['/resourcequotas', 'no quota is enforced'],
  ['/limitranges', 'no limit or default of it is applied'],
]);

/** What to tell the one who creates such an object. */
export function inertWarning({ group, resource }: ResourceDefinition): string | undefined {
  const effect = INERT.get(`${group}/${resource}`);
  if (effect === undefined) return undefined;
  return `${resource} are stored but have no effect in keelson yet: ${effect}`;
}
