/** Defaults of everything that runs no pods (K88). k8s: pkg/apis/…/defaults.go. */
import { isJsonArray } from '../../../machinery/json';
import type { JsonObject } from '../../../machinery/object';
import { listAt, objectAt, textAt, valueAt } from '../fields';
import { absent, all, each, emptyText, ensured, inside, when, type Fill } from './fill';

const servicePort = all(emptyText({ protocol: 'TCP' }), (port) => {
  const target = port['targetPort'];
  const isUnset = target === undefined || target === 0 || target === '';
  return isUnset && port['port'] !== undefined ? { ...port, targetPort: port['port'] } : port;
});

const isExternal = (spec: JsonObject): boolean =>
  spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';

const services = ensured(
  'spec',
  emptyText({ sessionAffinity: 'None', type: 'ClusterIP' }),
  each('ports', servicePort),
  when(
    (spec) => spec['sessionAffinity'] === 'ClientIP',
    ensured('sessionAffinityConfig', ensured('clientIP', absent({ timeoutSeconds: 10_800 }))),
  ),
  when((spec) => spec['type'] !== 'ExternalName', absent({ internalTrafficPolicy: 'Cluster' })),
  when(isExternal, emptyText({ externalTrafficPolicy: 'Cluster' })),
  when((spec) => spec['type'] === 'LoadBalancer', absent({ allocateLoadBalancerNodePorts: true })),
  // clusterIP and clusterIPs say the same; addresses are not given out yet.
  (spec) => {
    const address = textAt(spec, 'clusterIP');
    if (address !== '' && spec['clusterIPs'] === undefined)
      return { ...spec, clusterIPs: [address] };
    const first = textAt(listAt(spec, 'clusterIPs')[0]);
    return address === '' && first !== '' ? { ...spec, clusterIP: first } : spec;
  },
);

const endpoints = each('subsets', each('ports', emptyText({ protocol: 'TCP' })));

const endpointSlices = each('ports', all(emptyText({ protocol: 'TCP' }), absent({ name: '' })));

const ingresses = inside(
  'spec',
  each('rules', inside('http', each('paths', emptyText({ pathType: 'ImplementationSpecific' })))),
);

/** Egress counts as a policy's type only where there are rules for it. */
const networkPolicies = ensured(
  'spec',
  (spec) => {
    if (listAt(spec, 'policyTypes').length > 0) return spec;
    const hasEgress = listAt(spec, 'egress').length > 0;
    return { ...spec, policyTypes: hasEgress ? ['Ingress', 'Egress'] : ['Ingress'] };
  },
  ...['ingress', 'egress'].map((name) => each(name, each('ports', emptyText({ protocol: 'TCP' })))),
);

const secrets = emptyText({ type: 'Opaque' });

const persistentVolumes = all(
  inside(
    'spec',
    emptyText({ persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
    inside('hostPath', absent({ type: '' })),
    inside('iscsi', emptyText({ iscsiInterface: 'default' })),
    inside('rbd', emptyText({ keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' })),
  ),
);

const persistentVolumeClaims = inside('spec', emptyText({ volumeMode: 'Filesystem' }));

const storageClasses = emptyText({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });

const csiDrivers = ensured(
  'spec',
  absent({
    attachRequired: true,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    podInfoOnMount: false,
    requiresRepublish: false,
    seLinuxMount: false,
    storageCapacity: false,
    volumeLifecycleModes: ['Persistent'],
  }),
);

const limitRanges = inside(
  'spec',
  each(
    'limits',
    when(
      (limit) => limit['type'] === 'Container',
      (limit) => {
        const fallback = { ...objectAt(limit, 'max'), ...objectAt(limit, 'default') };
        const request = {
          ...objectAt(limit, 'min'),
          ...fallback,
          ...objectAt(limit, 'defaultRequest'),
        };
        return {
          ...limit,
          ...(Object.keys(fallback).length === 0 ? {} : { default: fallback }),
          ...(Object.keys(request).length === 0 ? {} : { defaultRequest: request }),
        };
      },
    ),
  ),
);

const rbacGroup = 'rbac.authorization.k8s.io';

const roleBindings = all(
  inside('roleRef', emptyText({ apiGroup: rbacGroup })),
  each('subjects', (subject) => {
    const kind = textAt(subject, 'kind');
    const isNamed = kind === 'User' || kind === 'Group';
    return isNamed ? emptyText({ apiGroup: rbacGroup })(subject) : subject;
  }),
);

const webhook = all(
  absent({
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  }),
  inside('clientConfig', inside('service', absent({ port: 443 }))),
  each('rules', absent({ scope: '*' })),
);

const validatingWebhooks = each('webhooks', webhook);
const mutatingWebhooks = each('webhooks', webhook, absent({ reinvocationPolicy: 'Never' }));

const matchResources = all(
  absent({ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }),
  each('resourceRules', absent({ scope: '*' })),
  each('excludeResourceRules', absent({ scope: '*' })),
);

const admissionPolicies = inside(
  'spec',
  absent({ failurePolicy: 'Fail' }),
  inside('matchConstraints', matchResources),
);

const admissionBindings = inside('spec', inside('matchResources', matchResources));

const definitions = ensured(
  'spec',
  (spec) => {
    const kind = textAt(spec, 'names', 'kind');
    const names = emptyText({ listKind: `${kind}List`, singular: kind.toLowerCase() });
    return kind === '' ? spec : ensured('names', names)(spec);
  },
  ensured('conversion', emptyText({ strategy: 'None' })),
);

const apiServices = inside('spec', inside('service', absent({ port: 443 })));

const priorityClasses = all(
  absent({ value: 0 }),
  emptyText({ preemptionPolicy: 'PreemptLowerPriority' }),
);

const flowSchemas = inside('spec', absent({ matchingPrecedence: 1000 }));

const priorityLevels = inside(
  'spec',
  when(
    (spec) => spec['type'] === 'Exempt',
    ensured('exempt', absent({ lendablePercent: 0, nominalConcurrencyShares: 0 })),
  ),
  inside(
    'limited',
    absent({ lendablePercent: 0, nominalConcurrencyShares: 30 }),
    inside(
      'limitResponse',
      inside('queuing', absent({ handSize: 8, queueLengthLimit: 50, queues: 64 })),
    ),
  ),
);

const deviceRequest = all(
  inside('exactly', emptyText({ allocationMode: 'ExactCount' }), (request) =>
    request['allocationMode'] === 'ExactCount' ? absent({ count: 1 })(request) : request,
  ),
  each('firstAvailable', emptyText({ allocationMode: 'ExactCount' }), (request) =>
    request['allocationMode'] === 'ExactCount' ? absent({ count: 1 })(request) : request,
  ),
);

const claimSpec = inside('spec', inside('devices', each('requests', deviceRequest)));

const nodes: Fill = (node) => {
  const status = objectAt(node, 'status');
  // What a node can hold it also offers, unless its kubelet says otherwise.
  const isKnown = valueAt(status, 'capacity') !== undefined && !isJsonArray(status['capacity']);
  return isKnown ? { ...node, status: absent({ allocatable: status['capacity'] })(status) } : node;
};

/** Defaults by resource. */
export const otherDefaults: Readonly<Record<string, Fill>> = {
  apiservices: apiServices,
  clusterrolebindings: roleBindings,
  csidrivers: csiDrivers,
  customresourcedefinitions: definitions,
  endpoints,
  endpointslices: endpointSlices,
  flowschemas: flowSchemas,
  ingresses,
  limitranges: limitRanges,
  mutatingadmissionpolicies: admissionPolicies,
  mutatingadmissionpolicybindings: admissionBindings,
  mutatingwebhookconfigurations: mutatingWebhooks,
  networkpolicies: networkPolicies,
  nodes,
  persistentvolumeclaims: persistentVolumeClaims,
  persistentvolumes: persistentVolumes,
  priorityclasses: priorityClasses,
  prioritylevelconfigurations: priorityLevels,
  resourceclaims: claimSpec,
  resourceclaimtemplates: inside('spec', claimSpec),
  rolebindings: roleBindings,
  secrets,
  services,
  storageclasses: storageClasses,
  validatingadmissionpolicies: admissionPolicies,
  validatingadmissionpolicybindings: admissionBindings,
  validatingwebhookconfigurations: validatingWebhooks,
};
