/**
 * What is special about each built-in resource, as tables (K43 to K48, K80, K93); defaults are in
 * `defaults/`. Facts of k8s pkg/registry/…/strategy.go.
 */
import { isJsonObject, sameJson } from '../../machinery/json';
import type { NameRule } from '../../machinery/name-validation';
import type { KubernetesObject } from '../../machinery/object';
import type { BuiltinResource } from '../../schema';
import { strategyOf, type Strategy } from '../strategy';
import { defaultsOf, inFieldOrder } from './defaults';
import { numberAt, textAt, withoutFields } from './fields';
import { selectableFieldsOf } from './selectable-fields';
import { newStatusOf } from './new-status';

const createdOnUpdate: ReadonlySet<string> = new Set([
  'clusterrolebindings',
  'clusterroles',
  'endpoints',
  'events',
  'leases',
  'limitranges',
  'rolebindings',
  'roles',
  'services',
]);

/** A PUT must name the resourceVersion it replaces. */
const neverUnconditional: ReadonlySet<string> = new Set([
  'apiservices',
  'controllerrevisions',
  'csidrivers',
  'csinodes',
  'csistoragecapacities',
  'customresourcedefinitions',
  'flowschemas',
  'leases',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'poddisruptionbudgets',
  'prioritylevelconfigurations',
  'runtimeclasses',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
  'volumeattachments',
]);

const returnedOnDelete: ReadonlySet<string> = new Set([
  'csidrivers',
  'csinodes',
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'storageclasses',
  'volumeattachments',
  'volumeattributesclasses',
]);

/** Resources that count generations, with the fields whose change begins a new one. */
const generationFields: Readonly<Record<string, readonly string[]>> = {
  cronjobs: ['spec'],
  customresourcedefinitions: ['spec'],
  daemonsets: ['spec'],
  deployments: ['spec'],
  deviceclasses: ['spec'],
  endpointslices: ['addressType', 'endpoints', 'ports'],
  flowschemas: ['spec'],
  ingressclasses: ['spec'],
  ingresses: ['spec'],
  jobs: ['spec'],
  mutatingadmissionpolicies: ['spec'],
  mutatingadmissionpolicybindings: ['spec'],
  mutatingwebhookconfigurations: ['webhooks'],
  networkpolicies: ['spec'],
  poddisruptionbudgets: ['spec'],
  pods: ['spec'],
  podtemplates: ['template'],
  priorityclasses: ['description', 'globalDefault', 'preemptionPolicy', 'value'],
  prioritylevelconfigurations: ['spec'],
  replicasets: ['spec'],
  replicationcontrollers: ['spec'],
  resourceslices: ['spec'],
  statefulsets: ['spec'],
  validatingadmissionpolicies: ['spec'],
  validatingadmissionpolicybindings: ['spec'],
  validatingwebhookconfigurations: ['webhooks'],
};

const nameRules: Readonly<Record<string, NameRule>> = {
  clusterrolebindings: 'pathSegment',
  clusterroles: 'pathSegment',
  ipaddresses: 'pathSegment',
  namespaces: 'dnsLabel',
  rolebindings: 'pathSegment',
  roles: 'pathSegment',
  services: 'dns1035Label',
};

/** k8s: --event-ttl */
const eventTtlSeconds = 3600;

/** The strategy of a built-in resource. */
export function builtinStrategy(found: BuiltinResource): Strategy {
  const { resource, verbs } = found;
  const hasStatus = found.subresources.some((each) => each.name === 'status');
  const fields = generationFields[resource];
  const selectable = selectableFieldsOf(found);
  const newStatus = newStatusOf(resource);
  return strategyOf({
    isStored: verbs.includes('watch'),
    allowCreateOnUpdate: createdOnUpdate.has(resource),
    allowUnconditionalUpdate: !neverUnconditional.has(resource),
    hasGeneration: fields !== undefined,
    hasStatus,
    returnsDeletedObject: returnedOnDelete.has(resource),
    nameRule: nameRules[resource] ?? 'dnsSubdomain',
    ttlSeconds: resource === 'events' ? eventTtlSeconds : undefined,
    applyDefaults: defaultsOf(found),
    changesGeneration: changesOf(resource, fields ?? []),
    ...(hasStatus ? withStatus(newStatus) : {}),
    ...(resource === 'secrets' ? { prepareForCreate: mergeStringData } : {}),
    ...(resource === 'secrets' ? { prepareForUpdate: mergeStringData } : {}),
    ...(resource === 'pods' ? { gracePeriodSeconds: podGracePeriod } : {}),
    ...(selectable === undefined ? {} : { selectableFields: selectable }),
  });
}

function changesOf(resource: string, fields: readonly string[]): Strategy['changesGeneration'] {
  return (object, old) => {
    if (fields.some((field) => !sameJson(object[field], old[field]))) return true;
    // k8s: a deployment's annotations are copied to its replica sets, so they count (K45).
    return (
      resource === 'deployments' &&
      !sameJson(object.metadata.annotations ?? {}, old.metadata.annotations ?? {})
    );
  };
}

type StatusHooks = Pick<
  Strategy,
  'prepareForCreate' | 'prepareForUpdate' | 'prepareForStatusUpdate'
>;

/** The status is written through its subresource alone, everything else never through it (K46). */
function withStatus(newStatus: ReturnType<typeof newStatusOf>): StatusHooks {
  return {
    prepareForCreate: (object) => ({ ...object, status: newStatus(object) }),
    prepareForUpdate: (object, old) => replaceStatus(object, old['status']),
    prepareForStatusUpdate: (object, old) => ({
      ...replaceStatus(old, object['status']),
      metadata: object.metadata,
    }),
  };
}

function replaceStatus(
  object: KubernetesObject,
  status: KubernetesObject['status'],
): KubernetesObject {
  if (status !== undefined) return { ...object, status };
  return { ...withoutFields(object, 'status'), metadata: object.metadata };
}

/** `stringData` is a way to write `data`: it is stored encoded and never returned. */
function mergeStringData(secret: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = secret;
  if (!isJsonObject(stringData)) return rest;
  const data = isJsonObject(rest['data']) ? { ...rest['data'] } : {};
  for (const [key, value] of Object.entries(stringData)) {
    if (typeof value === 'string') data[key] = toBase64(value);
  }
  return inFieldOrder({ ...rest, data });
}

function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** k8s: podStrategy.CheckGracefulDelete: nobody can stop what no node runs. */
function podGracePeriod(pod: KubernetesObject, requested: number | undefined): number {
  const phase = textAt(pod, 'status', 'phase');
  if (textAt(pod, 'spec', 'nodeName') === '') return 0;
  if (phase === 'Failed' || phase === 'Succeeded') return 0;
  const wanted = requested ?? numberAt(pod, 'spec', 'terminationGracePeriodSeconds') ?? 30;
  return wanted < 0 ? 1 : wanted;
}
