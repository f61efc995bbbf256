/** The columns of namespaces, nodes, events, configuration. k8s: pkg/printers/internalversion. */
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TableCells, TablePrinter } from '../../../machinery/table';
import { eventToCore } from '../event-conversion';
import { isTrueAt, listAt, numberAt, objectAt, textAt, valueAt } from '../fields';
import {
  ageColumn,
  ageOf,
  column,
  conditionOf,
  countAt,
  joined,
  nameColumn,
  none,
  printer,
  scalarText,
  since,
  unknown,
  wide,
} from './columns';

const namespaces = printer([column('Status')], (object) => [textAt(object, 'status', 'phase')]);

const nodes: TablePrinter = {
  columns: [
    nameColumn,
    column('Status'),
    column('Roles'),
    ageColumn,
    column('Version'),
    ...['Internal-IP', 'External-IP', 'OS-Image', 'Kernel-Version', 'Container-Runtime'].map(wide),
  ],
  cells: (node, nowMs) => {
    const info = objectAt(node, 'status', 'nodeInfo');
    return [
      node.metadata.name ?? '',
      nodeStatus(node),
      joined(nodeRoles(node)),
      ageOf(node, nowMs),
      textAt(info, 'kubeletVersion'),
      nodeAddress(node, 'InternalIP'),
      nodeAddress(node, 'ExternalIP'),
      textAt(info, 'osImage') || unknown,
      textAt(info, 'kernelVersion') || unknown,
      textAt(info, 'containerRuntimeVersion') || unknown,
    ];
  },
};

function nodeStatus(node: KubernetesObject): string {
  const ready = textAt(conditionOf(node, 'Ready'), 'status');
  const parts = [ready === '' ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady'];
  if (isTrueAt(node, 'spec', 'unschedulable')) parts.push('SchedulingDisabled');
  return parts.join(',');
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: KubernetesObject): readonly string[] {
  const roles = Object.entries(node.metadata.labels ?? {}).map(([label, value]) => {
    if (label.startsWith(rolePrefix)) return label.slice(rolePrefix.length);
    return label === 'kubernetes.io/role' ? value : '';
  });
  return [...new Set(roles.filter(Boolean))].sort();
}

function nodeAddress(node: KubernetesObject, type: string): string {
  const found = listAt(node, 'status', 'addresses').find((each) => textAt(each, 'type') === type);
  return textAt(found, 'address') || none;
}

const events: TablePrinter = {
  columns: [
    column('Last Seen'),
    column('Type'),
    column('Reason'),
    column('Object'),
    wide('Subobject'),
    wide('Source'),
    column('Message'),
    wide('First Seen'),
    column('Count', 'integer', { wide: true }),
    column('Name', 'string', { wide: true, format: 'name' }),
  ],
  cells: (object, nowMs) => eventCells(eventToCore(object), nowMs),
};

function eventCells(event: KubernetesObject, nowMs: number): TableCells {
  const first = since(event['firstTimestamp'] ?? event['eventTime'] ?? undefined, nowMs);
  const last = event['lastTimestamp'];
  const series = objectAt(event, 'series');
  const hasSeries = numberAt(series, 'count') !== undefined;
  const lastSeen = hasSeries ? since(series['lastObservedTime'], nowMs) : undefined;
  const about = objectAt(event, 'involvedObject');
  const kind = textAt(about, 'kind').toLowerCase();
  const name = textAt(about, 'name');
  return [
    lastSeen ?? (typeof last === 'string' ? since(last, nowMs) : first),
    textAt(event, 'type'),
    textAt(event, 'reason'),
    name === '' ? kind : `${kind}/${name}`,
    textAt(about, 'fieldPath'),
    eventSource(event),
    textAt(event, 'message').trim(),
    first,
    hasSeries ? countAt(series, 'count') : (numberAt(event, 'count') ?? 1),
    event.metadata.name ?? '',
  ];
}

function eventSource(event: KubernetesObject): string {
  const component = textAt(event, 'source', 'component') || textAt(event, 'reportingComponent');
  const host = textAt(event, 'source', 'host') || textAt(event, 'reportingInstance');
  return host === '' ? component : `${component}, ${host}`;
}

const configMaps = printer([column('Data', 'integer')], (object) => [
  sizeOf(object, 'data') + sizeOf(object, 'binaryData'),
]);

const secrets = printer([column('Type'), column('Data', 'integer')], (object) => [
  textAt(object, 'type'),
  sizeOf(object, 'data'),
]);

function sizeOf(object: KubernetesObject, field: string): number {
  return Object.keys(objectAt(object, field)).length;
}

const serviceAccounts = printer([column('Secrets', 'integer')], (object) => [
  listAt(object, 'secrets').length,
]);

const resourceQuotas = printer([column('Request'), column('Limit')], (object) => {
  const used = objectAt(object, 'status', 'used');
  const hard = Object.entries(objectAt(object, 'status', 'hard')).sort();
  const text = ([name, most]: [string, Json | undefined]): string =>
    `${name}: ${scalarText(used[name]) || '0'}/${scalarText(most)}`;
  const isLimit = ([name]: [string, unknown]): boolean => name.startsWith('limits.');
  return [
    hard
      .filter((each) => !isLimit(each))
      .map(text)
      .join(', '),
    hard.filter(isLimit).map(text).join(', '),
  ];
});

const componentStatuses: TablePrinter = {
  columns: [nameColumn, column('Status'), column('Message'), column('Error')],
  cells: (object) => {
    const healthy = listAt(object, 'conditions').find((each) => textAt(each, 'type') === 'Healthy');
    const isHealthy = textAt(healthy, 'status') === 'True';
    return [
      object.metadata.name ?? '',
      isHealthy ? 'Healthy' : 'Unhealthy',
      textAt(healthy, 'message'),
      textAt(healthy, 'error'),
    ];
  },
};

const leases = printer([column('Holder')], (object) => [textAt(object, 'spec', 'holderIdentity')]);

const disruptionBudgets = printer(
  [column('Min Available'), column('Max Unavailable'), column('Allowed Disruptions', 'integer')],
  (object) => [
    scalarText(valueAt(object, 'spec', 'minAvailable')) || 'N/A',
    scalarText(valueAt(object, 'spec', 'maxUnavailable')) || 'N/A',
    countAt(object, 'status', 'disruptionsAllowed'),
  ],
);

const priorityClasses: TablePrinter = {
  columns: [
    nameColumn,
    column('Value', 'integer'),
    column('Global-Default', 'boolean'),
    ageColumn,
    column('PreemptionPolicy'),
  ],
  cells: (object, nowMs) => [
    object.metadata.name ?? '',
    countAt(object, 'value'),
    isTrueAt(object, 'globalDefault'),
    ageOf(object, nowMs),
    textAt(object, 'preemptionPolicy'),
  ],
};

const runtimeClasses = printer([column('Handler')], (object) => [textAt(object, 'handler')]);

const resourceClaims = printer([column('State')], (object) => {
  const states: string[] = [];
  if (object.metadata.deletionTimestamp !== undefined) states.push('deleted');
  const isAllocated = valueAt(object, 'status', 'allocation') !== undefined;
  states.push(isAllocated ? 'allocated' : 'pending');
  if (listAt(object, 'status', 'reservedFor').length > 0) states.push('reserved');
  return [states.join(',')];
});

const resourceSlices = printer([column('Node'), column('Driver'), column('Pool')], (object) => [
  textAt(object, 'spec', 'nodeName') || '<unset>',
  textAt(object, 'spec', 'driver'),
  textAt(object, 'spec', 'pool', 'name'),
]);

const ageOnly = printer([], () => []);

/** Printers by resource. */
export const clusterPrinters: Readonly<Record<string, TablePrinter>> = {
  componentstatuses: componentStatuses,
  configmaps: configMaps,
  deviceclasses: ageOnly,
  events,
  leases,
  namespaces,
  nodes,
  poddisruptionbudgets: disruptionBudgets,
  priorityclasses: priorityClasses,
  resourceclaims: resourceClaims,
  resourceclaimtemplates: ageOnly,
  resourcequotas: resourceQuotas,
  resourceslices: resourceSlices,
  runtimeclasses: runtimeClasses,
  secrets,
  serviceaccounts: serviceAccounts,
};
