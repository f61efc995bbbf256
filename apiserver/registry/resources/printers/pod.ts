/** The columns of pods. k8s: pkg/printers/internalversion/printers.go, printPod. */
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TableCells, TablePrinter } from '../../../machinery/table';
import { isTrueAt, listAt, numberAt, objectAt, textAt, valueAt } from '../fields';
import { column, conditionOf, countAt, none, printer, since, wide } from './columns';

/** Ready, Status, Restarts, Age; IP, Node, Nominated Node, Readiness Gates. */
export const podPrinter: TablePrinter = printer(
  [column('Ready'), column('Status'), column('Restarts')],
  podCells,
  [wide('IP'), wide('Node'), wide('Nominated Node'), wide('Readiness Gates')],
  podWideCells,
);

interface Restarts {
  count: number;
  lastFinished: string;
}

function podCells(pod: KubernetesObject, nowMs: number): TableCells {
  const statuses = listAt(pod, 'status', 'containerStatuses');
  const initStatuses = listAt(pod, 'status', 'initContainerStatuses');
  const sidecars = new Set(
    listAt(pod, 'spec', 'initContainers')
      .filter((each) => textAt(each, 'restartPolicy') === 'Always')
      .map((each) => textAt(each, 'name')),
  );
  const restarts: Restarts = { count: 0, lastFinished: '' };
  const runningSidecars = initStatuses.filter((each) => sidecars.has(textAt(each, 'name')));
  const total = listAt(pod, 'spec', 'containers').length + sidecars.size;
  const ready = [...statuses, ...runningSidecars].filter((each) => isTrueAt(each, 'ready')).length;

  let reason = textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase');
  if (textAt(conditionOf(pod, 'PodScheduled'), 'reason') === 'SchedulingGated') {
    reason = 'SchedulingGated';
  }
  const initializing = initReason(pod, initStatuses, sidecars, restarts);
  if (initializing === undefined || isInitialized(pod)) {
    restarts.count = 0;
    for (const each of runningSidecars) addRestarts(restarts, each);
    reason = containersReason(pod, statuses, reason, restarts);
  } else {
    reason = initializing;
  }
  return [`${String(ready)}/${String(total)}`, deletedReason(pod, reason), text(restarts, nowMs)];
}

function isInitialized(pod: KubernetesObject): boolean {
  return textAt(conditionOf(pod, 'Initialized'), 'status') === 'True';
}

/** What keeps the pod in its initialization; undefined when nothing does. */
function initReason(
  pod: KubernetesObject,
  statuses: readonly Json[],
  sidecars: ReadonlySet<string>,
  restarts: Restarts,
): string | undefined {
  const count = listAt(pod, 'spec', 'initContainers').length;
  for (const [index, status] of statuses.entries()) {
    addRestarts(restarts, status);
    const terminated = valueAt(status, 'state', 'terminated');
    if (terminated !== undefined && countAt(terminated, 'exitCode') === 0) continue;
    if (sidecars.has(textAt(status, 'name')) && isTrueAt(status, 'started')) continue;
    if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`;
    const waiting = textAt(status, 'state', 'waiting', 'reason');
    if (waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`;
    return `Init:${String(index)}/${String(count)}`;
  }
  return undefined;
}

function containersReason(
  pod: KubernetesObject,
  statuses: readonly Json[],
  phase: string,
  restarts: Restarts,
): string {
  let reason = phase;
  let hasRunning = false;
  for (const status of [...statuses].reverse()) {
    addRestarts(restarts, status);
    const waiting = textAt(status, 'state', 'waiting', 'reason');
    const terminated = valueAt(status, 'state', 'terminated');
    if (waiting !== '') reason = waiting;
    else if (terminated !== undefined) reason = terminatedReason(terminated);
    else if (isTrueAt(status, 'ready') && valueAt(status, 'state', 'running') !== undefined) {
      hasRunning = true;
    }
  }
  if (reason !== 'Completed' || !hasRunning) return reason;
  return textAt(conditionOf(pod, 'Ready'), 'status') === 'True' ? 'Running' : 'NotReady';
}

function terminatedReason(terminated: Json): string {
  const reason = textAt(terminated, 'reason');
  if (reason !== '') return reason;
  const signal = numberAt(terminated, 'signal') ?? 0;
  if (signal !== 0) return `Signal:${String(signal)}`;
  return `ExitCode:${String(countAt(terminated, 'exitCode'))}`;
}

function addRestarts(restarts: Restarts, status: Json): void {
  restarts.count += countAt(status, 'restartCount');
  const finished = textAt(objectAt(status, 'lastState', 'terminated'), 'finishedAt');
  if (finished > restarts.lastFinished) restarts.lastFinished = finished;
}

function deletedReason(pod: KubernetesObject, reason: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (textAt(pod, 'status', 'reason') === 'NodeLost') return 'Unknown';
  const phase = textAt(pod, 'status', 'phase');
  return phase === 'Failed' || phase === 'Succeeded' ? reason : 'Terminating';
}

function text(restarts: Restarts, nowMs: number): string {
  const count = String(restarts.count);
  if (restarts.count === 0 || restarts.lastFinished === '') return count;
  return `${count} (${since(restarts.lastFinished, nowMs)} ago)`;
}

function podWideCells(pod: KubernetesObject): TableCells {
  const gates = listAt(pod, 'spec', 'readinessGates');
  const passed = gates.filter((gate) => {
    return textAt(conditionOf(pod, textAt(gate, 'conditionType')), 'status') === 'True';
  });
  const address =
    textAt(listAt(pod, 'status', 'podIPs')[0], 'ip') || textAt(pod, 'status', 'podIP');
  return [
    address || none,
    textAt(pod, 'spec', 'nodeName') || none,
    textAt(pod, 'status', 'nominatedNodeName') || none,
    gates.length === 0 ? none : `${String(passed.length)}/${String(gates.length)}`,
  ];
}
