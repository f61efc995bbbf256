import t from 'tap';
import { readApiFile } from '../../../base/node';
import { stringifyJson } from '../../machinery/json';
import type { JsonObject, KubernetesObject } from '../../machinery/object';
import { decodeTyped, loadBuiltinTypes } from '../../schema';
import type { ResourceDefinition } from '../resource';
import { builtinResources } from './index';

const types = loadBuiltinTypes({
  resources: JSON.parse(readApiFile('resources.json')) as unknown,
  schemas: () => JSON.parse(readApiFile('schemas.json')) as unknown,
});
const resources = builtinResources(types);
const created = '2026-01-01T00:00:00Z';

function find(name: string): ResourceDefinition {
  const [resource = '', group] = name.split('/');
  const found = resources.find((each) => {
    return each.resource === resource && (group === undefined || each.group === group);
  });
  if (found === undefined) throw new Error(`no resource ${name}`);
  return found;
}

/** Group versions and their resources in Kubernetes 1.36 with default settings. */
const expected: Readonly<Record<string, string>> = {
  v1:
    'bindings componentstatuses configmaps endpoints events limitranges namespaces nodes ' +
    'persistentvolumeclaims persistentvolumes pods podtemplates replicationcontrollers ' +
    'resourcequotas secrets serviceaccounts services',
  'admissionregistration.k8s.io/v1':
    'mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations ' +
    'validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations',
  'apiextensions.k8s.io/v1': 'customresourcedefinitions',
  'apiregistration.k8s.io/v1': 'apiservices',
  'apps/v1': 'controllerrevisions daemonsets deployments replicasets statefulsets',
  'authentication.k8s.io/v1': 'selfsubjectreviews tokenreviews',
  'authorization.k8s.io/v1':
    'localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews ' +
    'subjectaccessreviews',
  'autoscaling/v1': 'horizontalpodautoscalers',
  'autoscaling/v2': 'horizontalpodautoscalers',
  'batch/v1': 'cronjobs jobs',
  'certificates.k8s.io/v1': 'certificatesigningrequests',
  'coordination.k8s.io/v1': 'leases',
  'discovery.k8s.io/v1': 'endpointslices',
  'events.k8s.io/v1': 'events',
  'flowcontrol.apiserver.k8s.io/v1': 'flowschemas prioritylevelconfigurations',
  'networking.k8s.io/v1': 'ingressclasses ingresses ipaddresses networkpolicies servicecidrs',
  'node.k8s.io/v1': 'runtimeclasses',
  'policy/v1': 'poddisruptionbudgets',
  'rbac.authorization.k8s.io/v1': 'clusterrolebindings clusterroles rolebindings roles',
  'resource.k8s.io/v1': 'deviceclasses resourceclaims resourceclaimtemplates resourceslices',
  'scheduling.k8s.io/v1': 'priorityclasses',
  'storage.k8s.io/v1':
    'csidrivers csinodes csistoragecapacities storageclasses volumeattachments ' +
    'volumeattributesclasses',
};

t.test('every stable built-in resource of Kubernetes 1.36 is there, and nothing else', (t) => {
  t.equal(types.kubernetesVersion, '1.36');
  const found: Record<string, string[]> = {};
  for (const { group, version, resource } of resources) {
    const name = group === '' ? version : `${group}/${version}`;
    (found[name] ??= []).push(resource);
  }
  for (const [name, list] of Object.entries(expected)) {
    t.equal(found[name]?.sort().join(' '), list, name);
  }
  t.strictSame(Object.keys(found).sort(), Object.keys(expected).sort());
  t.end();
});

t.test('key segments: the plural, and the exceptions (K77)', (t) => {
  const exceptions: Readonly<Record<string, string>> = {
    services: 'services/specs',
    endpoints: 'services/endpoints',
    nodes: 'minions',
    replicationcontrollers: 'controllers',
    ingresses: 'ingress',
    customresourcedefinitions: 'apiextensions.k8s.io/customresourcedefinitions',
    apiservices: 'apiregistration.k8s.io/apiservices',
  };
  for (const each of resources) {
    t.equal(each.keySegment, exceptions[each.resource] ?? each.resource, each.resource);
  }
  t.equal(find('events/events.k8s.io').keySegment, find('events').keySegment);
  t.end();
});

t.test('short names, categories and singulars (K59)', (t) => {
  const shortNames = resources.flatMap((each) =>
    each.shortNames.map((name) => `${name}=${each.resource}`),
  );
  const unique = [...new Set(shortNames)].sort();
  t.equal(
    unique.join(' '),
    'cj=cronjobs cm=configmaps crd=customresourcedefinitions crds=customresourcedefinitions ' +
      'cs=componentstatuses csr=certificatesigningrequests deploy=deployments ds=daemonsets ' +
      'ep=endpoints ev=events hpa=horizontalpodautoscalers ing=ingresses ip=ipaddresses ' +
      'limits=limitranges netpol=networkpolicies no=nodes ns=namespaces pc=priorityclasses ' +
      'pdb=poddisruptionbudgets po=pods pv=persistentvolumes pvc=persistentvolumeclaims ' +
      'quota=resourcequotas rc=replicationcontrollers rs=replicasets sa=serviceaccounts ' +
      'sc=storageclasses sts=statefulsets svc=services vac=volumeattributesclasses',
  );
  const all = resources.filter((each) => each.categories.includes('all'));
  t.equal(all.length, 11, 'ten kinds, the autoscaler in two versions');
  t.equal(find('endpoints').singular, 'endpoints');
  t.equal(find('ingresses').singular, 'ingress');
  t.end();
});

t.test('verbs, scopes, subresources', (t) => {
  const usual = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  t.strictSame(find('pods').verbs, usual);
  t.strictSame(
    find('namespaces').verbs,
    usual.filter((verb) => verb !== 'deletecollection'),
  );
  t.strictSame(find('componentstatuses').verbs, ['get', 'list']);
  t.strictSame(find('tokenreviews').verbs, ['create']);
  for (const each of resources) {
    const isUsual = usual.every((verb) => each.verbs.includes(verb as 'get'));
    const isException = !each.strategy.isStored || each.resource === 'namespaces';
    t.not(isUsual, isException, `${each.group}/${each.resource}`);
  }
  const clusterScoped = resources.filter((each) => !each.isNamespaced).map((each) => each.resource);
  for (const name of [
    'nodes',
    'namespaces',
    'persistentvolumes',
    'clusterroles',
    'storageclasses',
  ]) {
    t.ok(clusterScoped.includes(name), name);
  }
  t.notOk(clusterScoped.includes('pods'));
  t.equal(
    find('pods')
      .subresources.map(({ name, kind }) => `${name}:${kind.kind}`)
      .join(' '),
    'attach:PodAttachOptions binding:Binding ephemeralcontainers:Pod eviction:Eviction ' +
      'exec:PodExecOptions log:Pod portforward:PodPortForwardOptions proxy:PodProxyOptions ' +
      'resize:Pod status:Pod',
  );
  const scale = find('deployments').subresources.find((each) => each.name === 'scale');
  t.strictSame(scale?.kind, { group: 'autoscaling', version: 'v1', kind: 'Scale' });
  t.equal(find('pods').storageVersionHash, 'xPOwRZ+Yhw8=', 'as a real cluster shows it');
  t.end();
});

t.test('strategies: create on update, unconditional update, answers to DELETE (K43, K47)', (t) => {
  const having = (test: (each: ResourceDefinition) => boolean): string =>
    [...new Set(resources.filter(test).map((each) => each.resource))].sort().join(' ');
  t.equal(
    having((each) => each.strategy.allowCreateOnUpdate),
    'clusterrolebindings clusterroles endpoints events leases limitranges rolebindings roles services',
  );
  for (const name of [
    'leases',
    'poddisruptionbudgets',
    'customresourcedefinitions',
    'apiservices',
  ]) {
    t.notOk(find(name).strategy.allowUnconditionalUpdate, name);
  }
  t.ok(find('pods').strategy.allowUnconditionalUpdate);
  t.ok(find('pods').strategy.returnsDeletedObject);
  t.notOk(find('configmaps').strategy.returnsDeletedObject);
  t.notOk(find('configmaps').strategy.hasGeneration);
  t.equal(find('events').strategy.ttlSeconds, 3600);
  t.end();
});

/** What a create stores: decoded, defaulted, prepared. */
function createdObject(name: string, object: JsonObject): KubernetesObject {
  const definition = find(name);
  const { strategy } = definition;
  const decoded = decodeTyped(types, definition, object);
  if (decoded.kind === 'invalid') throw new Error(decoded.message);
  const complete = strategy.applyDefaults(decoded.object as KubernetesObject);
  return strategy.prepareForCreate(complete, { now: created });
}

const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] },
};
const selector = { matchLabels: { a: 'b' } };
const metadata = { name: 'x', creationTimestamp: created };
const samples: Readonly<Record<string, JsonObject>> = {
  deployments: { metadata, spec: { selector, template } },
  replicasets: { metadata, spec: { selector, template } },
  statefulsets: { metadata, spec: { selector, template, serviceName: 's' } },
  daemonsets: { metadata, spec: { selector, template } },
  jobs: { metadata, spec: { template } },
  cronjobs: { metadata, spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } },
  pods: { metadata, spec: template.spec },
  services: { metadata, spec: { clusterIP: 'None', ports: [{ port: 80 }] } },
  secrets: { metadata, stringData: { b: 'x' }, data: { a: 'eA==' } },
  persistentvolumeclaims: { metadata, spec: { accessModes: ['ReadWriteOnce'] } },
  networkpolicies: { metadata, spec: { egress: [{ ports: [{ port: 53 }] }] } },
  clusterrolebindings: { metadata, roleRef: { kind: 'ClusterRole', name: 'r' } },
  validatingwebhookconfigurations: { metadata, webhooks: [{ name: 'w' }] },
  customresourcedefinitions: { metadata, spec: { names: { kind: 'Foo', plural: 'foos' } } },
};

t.test('defaults that controllers rely on (K88)', (t) => {
  const spec = (name: string): unknown => createdObject(name, samples[name] ?? {})['spec'];
  t.match(spec('deployments'), {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: {
      spec: {
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
        terminationGracePeriodSeconds: 30,
        schedulerName: 'default-scheduler',
        securityContext: {},
        containers: [
          {
            imagePullPolicy: 'Always',
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            ports: [{ protocol: 'TCP' }],
          },
        ],
      },
    },
  });
  t.match(spec('replicasets'), { replicas: 1 });
  t.match(spec('statefulsets'), {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate' },
  });
  t.match(spec('daemonsets'), {
    revisionHistoryLimit: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
  });
  t.match(spec('pods'), { enableServiceLinks: true });
  t.match(spec('services'), {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    clusterIPs: ['None'],
    ports: [{ protocol: 'TCP', targetPort: 80 }],
  });
  t.match(spec('jobs'), {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
  });
  t.match(spec('networkpolicies'), { policyTypes: ['Ingress', 'Egress'] });
  t.match(spec('customresourcedefinitions'), {
    names: { singular: 'foo', listKind: 'FooList' },
    conversion: { strategy: 'None' },
  });
  t.match(createdObject('secrets', samples['secrets'] ?? {}), {
    type: 'Opaque',
    data: { a: 'eA==', b: 'eA==' },
    stringData: undefined,
  });
  t.match(createdObject('pods', samples['pods'] ?? {}), {
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  });
  t.end();
});

t.test('what was stored and is sent back unchanged has the same bytes (K44, T11)', (t) => {
  for (const [name, sample] of Object.entries(samples)) {
    const definition = find(name);
    const stored = createdObject(name, sample);
    const again = decodeTyped(types, definition, stored);
    if (again.kind === 'invalid') throw new Error(again.message);
    t.strictSame(again.unknownFields, [], `${name}: the server adds no unknown field`);
    const { strategy } = definition;
    const complete = strategy.applyDefaults(again.object as KubernetesObject);
    const updated = strategy.prepareForUpdate(complete, stored, { now: created });
    t.equal(stringifyJson(updated), stringifyJson(stored), name);
    t.notOk(strategy.changesGeneration(updated, stored), name);
  }
  t.end();
});

t.test('generation grows with the spec, not with labels or status (K45, K46, T17)', (t) => {
  const { strategy } = find('deployments');
  const old = createdObject('deployments', samples['deployments'] ?? {});
  const more = { ...old, spec: { ...(old['spec'] as JsonObject), replicas: 2 } };
  const labelled = { ...old, metadata: { ...old.metadata, labels: { x: 'y' } } };
  const annotated = { ...old, metadata: { ...old.metadata, annotations: { x: 'y' } } };
  t.ok(strategy.changesGeneration(more, old));
  t.notOk(strategy.changesGeneration(labelled, old));
  t.ok(strategy.changesGeneration(annotated, old), 'annotations of deployments count');
  const written = strategy.prepareForStatusUpdate({ ...more, status: { replicas: 2 } }, old);
  t.strictSame(written['spec'], old['spec'], 'a status write keeps the spec');
  t.strictSame(written['status'], { replicas: 2 });
  const plain = strategy.prepareForUpdate({ ...more, status: { replicas: 9 } }, old, { now: '' });
  t.strictSame(plain['status'], old['status'], 'a plain write keeps the status');
  t.end();
});

t.test('events and autoscalers have one stored form and two served ones (K78)', (t) => {
  const event = find('events/events.k8s.io');
  t.equal(event.storageGroup, '');
  const newer: KubernetesObject = {
    kind: 'Event',
    apiVersion: 'events.k8s.io/v1',
    metadata: { name: 'e' },
    note: 'n',
    regarding: { kind: 'Pod', name: 'p' },
    deprecatedCount: 2,
  };
  const stored = event.conversion?.toStored(newer);
  t.match(stored, { apiVersion: 'v1', message: 'n', involvedObject: { name: 'p' }, count: 2 });
  t.strictSame(event.conversion?.fromStored(stored ?? newer), newer);
  const fields = find('events').strategy.selectableFields(stored ?? newer);
  t.equal(fields.get('involvedObject.name'), 'p');
  t.equal(fields.get('regarding.name'), 'p');

  const v1 = resources.find((each) => each.group === 'autoscaling' && each.version === 'v1');
  t.equal(v1?.storageVersion, 'v2');
  const memory = {
    resource: { name: 'memory', target: { type: 'Value', value: '1' } },
    type: 'Resource',
  };
  const v2: KubernetesObject = {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { name: 'h' },
    spec: {
      maxReplicas: 3,
      metrics: [
        memory,
        {
          resource: { name: 'cpu', target: { averageUtilization: 50, type: 'Utilization' } },
          type: 'Resource',
        },
      ],
    },
    status: { desiredReplicas: 0 },
  };
  const served = v1?.conversion?.fromStored(v2);
  t.match(served, { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } });
  t.strictSame(v1?.conversion?.toStored(served ?? v2), v2, 'what v1 cannot say is not lost');
  t.end();
});

t.test('pods: grace of a deletion, selectable fields (K23, K48)', (t) => {
  const { strategy } = find('pods');
  const pod = (spec: JsonObject, status: JsonObject = {}): KubernetesObject => {
    return { metadata: { name: 'p', namespace: 'n' }, spec, status };
  };
  t.equal(strategy.gracePeriodSeconds(pod({}), undefined), 0, 'no node runs it');
  t.equal(strategy.gracePeriodSeconds(pod({ nodeName: 'n' }), undefined), 30);
  t.equal(strategy.gracePeriodSeconds(pod({ nodeName: 'n' }), 5), 5);
  const done = pod({ nodeName: 'n' }, { phase: 'Succeeded' });
  t.equal(strategy.gracePeriodSeconds(done, undefined), 0);
  t.equal(find('configmaps').strategy.gracePeriodSeconds(pod({}), 5), undefined);
  const fields = strategy.selectableFields(pod({ nodeName: 'n' }, { phase: 'Running' }));
  t.equal(fields.get('spec.nodeName'), 'n');
  t.equal(fields.get('status.phase'), 'Running');
  t.equal(fields.get('metadata.namespace'), 'n');
  t.end();
});
