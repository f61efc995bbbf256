/** Defaults of workloads (K88). k8s: pkg/apis/{apps,batch,autoscaling}/v1/defaults.go. */
import type { JsonObject } from '../../../machinery/object';
import { objectAt, textAt, valueAt } from '../fields';
import { absent, all, each, emptyText, ensured, inside, when, type Fill } from './fill';
import { podTemplate } from './pod';

const template = inside('template', podTemplate);

/** A quarter of the pods may be missing, a quarter too many. */
const rollingUpdate = (...fills: readonly Fill[]): Fill =>
  all(
    emptyText({ type: 'RollingUpdate' }),
    when((strategy) => strategy['type'] === 'RollingUpdate', ensured('rollingUpdate', ...fills)),
  );

const deployments = ensured(
  'spec',
  template,
  absent({ replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 }),
  ensured('strategy', rollingUpdate(absent({ maxSurge: '25%', maxUnavailable: '25%' }))),
);

const daemonSets = ensured(
  'spec',
  template,
  absent({ revisionHistoryLimit: 10 }),
  ensured('updateStrategy', rollingUpdate(absent({ maxSurge: 0, maxUnavailable: 1 }))),
);

/** The fields of a claim that its own resource would default. */
const claimTemplate = all(
  inside('spec', emptyText({ volumeMode: 'Filesystem' })),
  emptyText({ apiVersion: 'v1', kind: 'PersistentVolumeClaim' }),
  (claim) => ({ ...claim, status: { ...objectAt(claim, 'status'), phase: 'Pending' } }),
);

const statefulSets = ensured(
  'spec',
  template,
  absent({ replicas: 1, revisionHistoryLimit: 10 }),
  emptyText({ podManagementPolicy: 'OrderedReady' }),
  ensured('updateStrategy', rollingUpdate(absent({ partition: 0 }))),
  ensured(
    'persistentVolumeClaimRetentionPolicy',
    emptyText({ whenDeleted: 'Retain', whenScaled: 'Retain' }),
  ),
  each('volumeClaimTemplates', claimTemplate),
);

/** Labels and selector of old kinds come from the template where they are left out. */
const labelsFromTemplate: Fill = (object) => {
  const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels');
  const metadata = objectAt(object, 'metadata');
  const hasLabels = Object.keys(objectAt(metadata, 'labels')).length > 0;
  if (hasLabels || Object.keys(labels).length === 0) return object;
  return { ...object, metadata: { ...metadata, labels } };
};

const replicaSets = all(labelsFromTemplate, ensured('spec', template, absent({ replicas: 1 })));

const replicationControllers = all(
  labelsFromTemplate,
  ensured('spec', template, absent({ replicas: 1 }), (spec) => {
    const labels = objectAt(spec, 'template', 'metadata', 'labels');
    const isOpen = Object.keys(objectAt(spec, 'selector')).length === 0;
    return isOpen && Object.keys(labels).length > 0 ? { ...spec, selector: labels } : spec;
  }),
);

const jobSpec = all(
  template,
  when(
    (spec) =>
      valueAt(spec, 'completions') === undefined && valueAt(spec, 'parallelism') === undefined,
    absent({ completions: 1, parallelism: 1 }),
  ),
  absent({ parallelism: 1, suspend: false }),
  // With a limit for each index the limit for the whole job is as good as none.
  (spec) =>
    absent({ backoffLimit: spec['backoffLimitPerIndex'] === undefined ? 6 : 2147483647 })(spec),
  emptyText({ completionMode: 'NonIndexed' }),
  (spec) => {
    const hasFailurePolicy = valueAt(spec, 'podFailurePolicy') !== undefined;
    const podReplacementPolicy = hasFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
    return emptyText({ podReplacementPolicy })(spec);
  },
  inside('podFailurePolicy', each('rules', each('onPodConditions', emptyText({ status: 'True' })))),
);

const jobs = all(labelsFromTemplate, ensured('spec', jobSpec));

const cronJobs = ensured(
  'spec',
  emptyText({ concurrencyPolicy: 'Allow' }),
  absent({ failedJobsHistoryLimit: 1, successfulJobsHistoryLimit: 3, suspend: false }),
  inside('jobTemplate', inside('spec', inside('template', podTemplate))),
);

const cpuMetric: JsonObject = {
  resource: { name: 'cpu', target: { averageUtilization: 80, type: 'Utilization' } },
  type: 'Resource',
};

const autoscalers: Fill = (object) => {
  const isFirst = textAt(object, 'apiVersion') === 'autoscaling/v1';
  const fills = [absent({ minReplicas: 1 })];
  if (!isFirst) fills.push(absent({ metrics: [cpuMetric] }));
  return ensured('spec', ...fills)(object);
};

/** Defaults by resource. */
export const workloadDefaults: Readonly<Record<string, Fill>> = {
  cronjobs: cronJobs,
  daemonsets: daemonSets,
  deployments,
  horizontalpodautoscalers: autoscalers,
  jobs,
  podtemplates: template,
  replicasets: replicaSets,
  replicationcontrollers: replicationControllers,
  statefulsets: statefulSets,
};
