/** Defaults of pods and pod templates (K88). k8s: pkg/apis/core/v1/defaults.go. */
import { isJsonObject } from '../../../machinery/json';
import type { JsonObject } from '../../../machinery/object';
import { objectAt, textAt, valueAt, withoutFields } from '../fields';
import { absent, all, each, emptyText, ensured, inside, when, type Fill } from './fill';

const probe = all(
  absent({ failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 }),
  inside('httpGet', emptyText({ path: '/', scheme: 'HTTP' })),
  inside('grpc', absent({ service: '' })),
);

const handler = inside('httpGet', emptyText({ path: '/', scheme: 'HTTP' }));

const fieldReference = inside('fieldRef', emptyText({ apiVersion: 'v1' }));

/** `Always` for `:latest` and for no tag, as nothing says that the image stays the same. */
const pullPolicy: Fill = (container) => {
  if (textAt(container, 'imagePullPolicy') !== '') return container;
  const image = textAt(container, 'image');
  if (image === '') return container;
  const name = image.slice(image.lastIndexOf('/') + 1);
  const isPinned = name.includes('@') || (name.includes(':') && !name.endsWith(':latest'));
  return { ...container, imagePullPolicy: isPinned ? 'IfNotPresent' : 'Always' };
};

/** What is limited and not requested is requested in full. */
const requestsFromLimits = inside('resources', (resources) => {
  const limits = objectAt(resources, 'limits');
  if (Object.keys(limits).length === 0) return resources;
  const requests = objectAt(resources, 'requests');
  const merged = { ...limits, ...requests };
  const sorted = Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1));
  const isSame = Object.keys(requests).length === sorted.length;
  return isSame ? resources : { ...resources, requests: Object.fromEntries(sorted) };
});

const container = all(
  pullPolicy,
  emptyText({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  }),
  absent({ resources: {} }),
  each('ports', emptyText({ protocol: 'TCP' })),
  each('env', inside('valueFrom', fieldReference)),
  inside('livenessProbe', probe),
  inside('readinessProbe', probe),
  inside('startupProbe', probe),
  inside('lifecycle', inside('postStart', handler), inside('preStop', handler)),
);

const volumeSources = [
  'awsElasticBlockStore',
  'azureDisk',
  'azureFile',
  'cephfs',
  'cinder',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'gitRepo',
  'glusterfs',
  'hostPath',
  'image',
  'iscsi',
  'nfs',
  'persistentVolumeClaim',
  'photonPersistentDisk',
  'portworxVolume',
  'projected',
  'quobyte',
  'rbd',
  'scaleIO',
  'secret',
  'storageos',
  'vsphereVolume',
];

const fileMode = absent({ defaultMode: 0o644 });

const volume = all(
  when(
    (object) => volumeSources.every((name) => object[name] === undefined),
    (object) => ({
      ...object,
      emptyDir: {},
    }),
  ),
  inside('secret', fileMode),
  inside('configMap', fileMode),
  inside('downwardAPI', fileMode, each('items', fieldReference)),
  inside(
    'projected',
    fileMode,
    each(
      'sources',
      inside('serviceAccountToken', absent({ expirationSeconds: 3600 })),
      inside('downwardAPI', each('items', fieldReference)),
    ),
  ),
  inside('hostPath', absent({ type: '' })),
  inside('iscsi', emptyText({ iscsiInterface: 'default' })),
  inside('rbd', emptyText({ keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' })),
  inside(
    'azureDisk',
    emptyText({ cachingMode: 'ReadWrite', fsType: 'ext4', kind: 'Shared' }),
    absent({ readOnly: false }),
  ),
  inside('scaleIO', emptyText({ fsType: 'xfs', storageMode: 'ThinProvisioned' })),
  inside(
    'ephemeral',
    inside('volumeClaimTemplate', inside('spec', absent({ volumeMode: 'Filesystem' }))),
  ),
  inside('image', imagePullPolicyOfVolume),
);

function imagePullPolicyOfVolume(source: JsonObject): JsonObject {
  const policy = textAt(
    pullPolicy({
      image: textAt(source, 'reference'),
      imagePullPolicy: textAt(source, 'pullPolicy'),
    }),
    'imagePullPolicy',
  );
  return policy === '' ? source : { ...source, pullPolicy: policy };
}

/** Host ports follow container ports where the pod uses the host's network. */
const hostPorts = when(
  (spec) => valueAt(spec, 'hostNetwork') === true,
  ...['containers', 'initContainers'].map((name) =>
    each(
      name,
      each('ports', (port) => {
        const hasHostPort = port['hostPort'] !== undefined && port['hostPort'] !== 0;
        const number = port['containerPort'];
        return hasHostPort || number === undefined ? port : { ...port, hostPort: number };
      }),
    ),
  ),
);

/** Old and new name of the service account say the same. */
const serviceAccount: Fill = (spec) => {
  const name = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  return name === '' ? spec : { ...spec, serviceAccount: name, serviceAccountName: name };
};

/** The defaults of a pod's spec, in pods and in templates. */
export const podSpec = all(
  emptyText({
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
  }),
  absent({ securityContext: {}, terminationGracePeriodSeconds: 30 }),
  each('containers', container),
  each('initContainers', container),
  each('ephemeralContainers', container),
  each('volumes', volume),
  each('topologySpreadConstraints', (constraint) => constraint),
  hostPorts,
  serviceAccount,
);

/** A template as workloads carry it: its metadata has no time of creation. */
export const podTemplate = all(
  (template) => ({ ...template, metadata: withoutCreationTime(template['metadata']) }),
  ensured('spec', podSpec),
);

function withoutCreationTime(metadata: JsonObject['metadata']): JsonObject {
  return isJsonObject(metadata) ? withoutFields(metadata, 'creationTimestamp') : {};
}

/** What only a pod itself gets, not a template. */
export const pod = ensured(
  'spec',
  podSpec,
  absent({ enableServiceLinks: true }),
  each('containers', requestsFromLimits),
  each('initContainers', requestsFromLimits),
);
