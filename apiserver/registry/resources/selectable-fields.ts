/** Which fields of which resource a field selector may name, beyond metadata's (K23, K24). */
import type { Json, KubernetesObject } from '../../machinery/object';
import type { BuiltinResource } from '../../schema';
import { metadataFields } from '../strategy';
import { listAt, selectableText, valueAt } from './fields';

/** Paths by resource. A path's value is printed as text; absent is the value after the colon. */
const paths: Readonly<Record<string, readonly string[]>> = {
  certificatesigningrequests: ['spec.signerName'],
  jobs: ['status.successful'],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  pods: [
    'spec.hostNetwork',
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.nominatedNodeName',
    'status.phase',
    'status.podIP',
  ],
  replicasets: ['status.replicas'],
  replicationcontrollers: ['status.replicas'],
  resourceslices: ['spec.driver', 'spec.nodeName'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
};

/** What an absent value of a field that is no string reads as. */
const zeroValues: Readonly<Record<string, string>> = {
  'spec.hostNetwork': 'false',
  'spec.unschedulable': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

/** Fields of the object an event is about: `involvedObject` in core, else `regarding`. */
const referenceFields: readonly string[] = [
  'apiVersion',
  'fieldPath',
  'kind',
  'name',
  'namespace',
  'resourceVersion',
  'uid',
];

/** The function that reads them; undefined where metadata's two fields are all. */
export function selectableFieldsOf(
  found: BuiltinResource,
): ((object: KubernetesObject) => ReadonlyMap<string, string>) | undefined {
  const { resource } = found;
  if (resource === 'events') return eventFields;
  const names = paths[resource];
  if (names === undefined) return undefined;
  return (object) => {
    const fields = new Map(metadataFields(object));
    for (const name of names) fields.set(name, fieldText(object, name));
    if (resource === 'pods') fields.set('status.podIPs', podAddresses(object));
    return fields;
  };
}

function fieldText(object: KubernetesObject, path: string): string {
  // k8s: jobs are selected by how many pods succeeded, under another name.
  const stored = path === 'status.successful' ? 'status.succeeded' : path;
  const text = selectableText(valueAt(object, ...stored.split('.')));
  return text === '' ? (zeroValues[path] ?? '') : text;
}

function podAddresses(pod: KubernetesObject): string {
  const addresses = listAt(pod, 'status', 'podIPs').map((each) =>
    selectableText(valueAt(each, 'ip')),
  );
  return addresses.join(',');
}

/** Events are stored in core's form and selected in both, so both names are always there. */
function eventFields(event: KubernetesObject): ReadonlyMap<string, string> {
  const fields = new Map(metadataFields(event));
  const reference: Json | undefined = event['involvedObject'] ?? event['regarding'];
  for (const name of referenceFields) {
    const text = selectableText(valueAt(reference, name));
    fields.set(`involvedObject.${name}`, text);
    fields.set(`regarding.${name}`, text);
  }
  const component = event['reportingComponent'] ?? event['reportingController'];
  const source = selectableText(valueAt(event, 'source', 'component'));
  fields.set('reason', selectableText(event['reason']));
  fields.set('type', selectableText(event['type']));
  fields.set('reportingComponent', selectableText(component));
  fields.set('reportingController', selectableText(component));
  fields.set('source', source === '' ? selectableText(component) : source);
  return fields;
}
