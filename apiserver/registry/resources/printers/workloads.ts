/** The columns of what runs pods. k8s: pkg/printers/internalversion/printers.go. */
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TableCells, TablePrinter } from '../../../machinery/table';
import { humanDuration, parseTime } from '../../../machinery/time';
import { listAt, numberAt, objectAt, textAt, valueAt } from '../fields';
import {
  between,
  column,
  conditionOf,
  containerCells,
  countAt,
  joined,
  labelsText,
  none,
  printer,
  scalarText,
  selectorText,
  since,
  unknown,
  wide,
} from './columns';
import { podPrinter } from './pod';

const imageColumns = [wide('Containers'), wide('Images')];
const templateColumns = [...imageColumns, wide('Selector')];

function templateCells(object: KubernetesObject): TableCells {
  const selector = selectorText(valueAt(object, 'spec', 'selector'));
  return [...containerCells(object, 'spec', 'template', 'spec'), selector];
}

function replicaCells(object: KubernetesObject): TableCells {
  const names = ['replicas', 'readyReplicas'];
  const counts = names.map((name) => countAt(object, 'status', name));
  return [countAt(object, 'spec', 'replicas'), ...counts];
}

const replicaColumns = ['Desired', 'Current', 'Ready'].map((name) => column(name, 'integer'));

const replicaSets = printer(replicaColumns, replicaCells, templateColumns, templateCells);

const replicationControllers = printer(replicaColumns, replicaCells, templateColumns, (object) => [
  ...containerCells(object, 'spec', 'template', 'spec'),
  labelsText(valueAt(object, 'spec', 'selector')),
]);

const deployments = printer(
  [column('Ready'), column('Up-to-date', 'integer'), column('Available', 'integer')],
  (object) => [
    readyText(object),
    countAt(object, 'status', 'updatedReplicas'),
    countAt(object, 'status', 'availableReplicas'),
  ],
  templateColumns,
  templateCells,
);

const statefulSets = printer(
  [column('Ready')],
  (object) => [readyText(object)],
  imageColumns,
  (object) => containerCells(object, 'spec', 'template', 'spec'),
);

function readyText(object: KubernetesObject): string {
  const desired = countAt(object, 'spec', 'replicas');
  return `${String(countAt(object, 'status', 'readyReplicas'))}/${String(desired)}`;
}

const daemonSetCounts: readonly (readonly [string, string])[] = [
  ['Desired', 'desiredNumberScheduled'],
  ['Current', 'currentNumberScheduled'],
  ['Ready', 'numberReady'],
  ['Up-to-date', 'updatedNumberScheduled'],
  ['Available', 'numberAvailable'],
];

const daemonSets = printer(
  [...daemonSetCounts.map(([name]) => column(name, 'integer')), column('Node Selector')],
  (object) => [
    ...daemonSetCounts.map(([, field]) => countAt(object, 'status', field)),
    labelsText(objectAt(object, 'spec', 'template', 'spec', 'nodeSelector')),
  ],
  templateColumns,
  templateCells,
);

const jobs = printer(
  [column('Status'), column('Completions'), column('Duration')],
  (job, nowMs) => [jobStatus(job), completionsText(job), durationText(job, nowMs)],
  templateColumns,
  templateCells,
);

function jobStatus(job: KubernetesObject): string {
  const has = (type: string): boolean => textAt(conditionOf(job, type), 'status') === 'True';
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const others = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];
  return others.find(has) ?? 'Running';
}

function completionsText(job: KubernetesObject): string {
  const succeeded = String(countAt(job, 'status', 'succeeded'));
  const completions = numberAt(job, 'spec', 'completions');
  if (completions !== undefined) return `${succeeded}/${String(completions)}`;
  const parallelism = countAt(job, 'spec', 'parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${String(parallelism)}` : `${succeeded}/1`;
}

function durationText(job: KubernetesObject, nowMs: number): string {
  const start = textAt(job, 'status', 'startTime');
  const end = textAt(job, 'status', 'completionTime');
  if (start === '') return '';
  if (end !== '') return between(start, end);
  const startMs = parseTime(start);
  return startMs === undefined ? unknown : humanDuration(nowMs - startMs);
}

const cronJobs = printer(
  [
    column('Schedule'),
    column('Timezone'),
    column('Suspend', 'boolean'),
    column('Active', 'integer'),
    column('Last Schedule'),
  ],
  (object, nowMs) => {
    const last = textAt(object, 'status', 'lastScheduleTime');
    return [
      textAt(object, 'spec', 'schedule'),
      textAt(object, 'spec', 'timeZone') || none,
      booleanText(valueAt(object, 'spec', 'suspend')),
      listAt(object, 'status', 'active').length,
      last === '' ? none : since(last, nowMs),
    ];
  },
  templateColumns,
  (object) => [
    ...containerCells(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec'),
    selectorText(valueAt(object, 'spec', 'jobTemplate', 'spec', 'selector')),
  ],
);

function booleanText(value: Json | undefined): string {
  if (value === undefined) return '<unset>';
  return value === true ? 'True' : 'False';
}

const podTemplates: TablePrinter = {
  columns: [
    column('Name', 'string', { format: 'name' }),
    column('Containers'),
    column('Images'),
    column('Pod Labels'),
  ],
  cells: (object) => [
    object.metadata.name ?? '',
    ...containerCells(object, 'template', 'spec'),
    labelsText(valueAt(object, 'template', 'metadata', 'labels')),
  ],
};

const controllerRevisions = printer(
  [column('Controller'), column('Revision', 'integer')],
  (object) => {
    const owners = listAt(object.metadata, 'ownerReferences');
    const owner = owners.find((each) => valueAt(each, 'controller') === true);
    const kind = textAt(owner, 'kind').toLowerCase();
    const group = textAt(owner, 'apiVersion').split('/')[0] ?? '';
    const name = `${kind}.${group}/${textAt(owner, 'name')}`;
    return [owner === undefined ? none : name, countAt(object, 'revision')];
  },
);

const autoscalers = printer(
  [
    column('Reference'),
    column('Targets'),
    column('MinPods'),
    column('MaxPods'),
    column('Replicas', 'integer'),
  ],
  (object) => {
    const target = objectAt(object, 'spec', 'scaleTargetRef');
    const least = numberAt(object, 'spec', 'minReplicas');
    return [
      `${textAt(target, 'kind')}/${textAt(target, 'name')}`,
      metricsText(object),
      least === undefined ? '<unset>' : String(least),
      String(countAt(object, 'spec', 'maxReplicas')),
      countAt(object, 'status', 'currentReplicas'),
    ];
  },
);

/** k8s: formatHPAMetrics: the first two, the rest as a number. */
function metricsText(object: KubernetesObject): string {
  const v1Target = numberAt(object, 'spec', 'targetCPUUtilizationPercentage');
  if (v1Target !== undefined) {
    const current = numberAt(object, 'status', 'currentCPUUtilizationPercentage');
    const shown = current === undefined ? unknown : `${String(current)}%`;
    return `cpu: ${shown}/${String(v1Target)}%`;
  }
  const metrics = listAt(object, 'spec', 'metrics');
  const current = listAt(object, 'status', 'currentMetrics');
  const texts = metrics.map((metric, index) => metricText(metric, current[index]));
  if (texts.length <= 2) return joined(texts).replaceAll(',', ', ');
  return `${texts.slice(0, 2).join(', ')} + ${String(texts.length - 2)} more...`;
}

const metricSources: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

function metricText(metric: Json, status: Json | undefined): string {
  const source = metricSources[textAt(metric, 'type')] ?? '';
  const target = objectAt(metric, source, 'target');
  const current = objectAt(status, source, 'current');
  const name = textAt(metric, source, 'name');
  const prefix = name === '' ? '' : `${name}: `;
  const utilization = numberAt(target, 'averageUtilization');
  if (utilization !== undefined) {
    const used = numberAt(current, 'averageUtilization');
    const shown = used === undefined ? unknown : `${String(used)}%`;
    return `${prefix}${shown}/${String(utilization)}%`;
  }
  const field = target['averageValue'] === undefined ? 'value' : 'averageValue';
  const average = field === 'averageValue' && source !== 'resource' && source !== 'pods';
  const suffix = average ? ' (avg)' : '';
  return `${prefix}${scalarText(current[field]) || unknown}/${scalarText(target[field])}${suffix}`;
}

/** Printers by resource. */
export const workloadPrinters: Readonly<Record<string, TablePrinter>> = {
  controllerrevisions: controllerRevisions,
  cronjobs: cronJobs,
  daemonsets: daemonSets,
  deployments,
  horizontalpodautoscalers: autoscalers,
  jobs,
  pods: podPrinter,
  podtemplates: podTemplates,
  replicasets: replicaSets,
  replicationcontrollers: replicationControllers,
  statefulsets: statefulSets,
};
