/**
 * autoscaling/v1 knows one metric, CPU utilisation; autoscaling/v2 is stored (K78). What v1 cannot
 * say travels in annotations of the v1 form, as in k8s pkg/apis/autoscaling/v1/conversion.go, so
 * that a round trip through v1 loses nothing.
 */
import { isJsonObject, parseTrustedJson, stringifyJson } from '../../machinery/json';
import type { Json, JsonObject, KubernetesObject } from '../../machinery/object';
import { listAt, numberAt, objectAt, textAt, withoutFields } from './fields';

const prefix = 'autoscaling.alpha.kubernetes.io';
const metricsAnnotation = `${prefix}/metrics`;
const behaviorAnnotation = `${prefix}/behavior`;
const currentMetricsAnnotation = `${prefix}/current-metrics`;
const conditionsAnnotation = `${prefix}/conditions`;
const annotations = [
  metricsAnnotation,
  behaviorAnnotation,
  currentMetricsAnnotation,
  conditionsAnnotation,
];

/** The autoscaling/v2 form of an autoscaling/v1 object. */
export function autoscalerToV2(object: KubernetesObject): KubernetesObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = objectAt(object, 'spec');
  const { currentCPUUtilizationPercentage: current, ...status } = objectAt(object, 'status');
  const more = readAnnotation(object, metricsAnnotation);
  const metrics = [
    ...(Array.isArray(more) ? (more as readonly Json[]) : []),
    ...(typeof target === 'number' ? [cpuMetric(target)] : []),
  ];
  const currentMore = readAnnotation(object, currentMetricsAnnotation);
  const currentMetrics = [
    ...(Array.isArray(currentMore) ? (currentMore as readonly Json[]) : []),
    ...(typeof current === 'number' ? [cpuStatus(current)] : []),
  ];
  const behavior = readAnnotation(object, behaviorAnnotation);
  const conditions = readAnnotation(object, conditionsAnnotation);
  return withForm(object, 'autoscaling/v2', {
    metadata: withoutAnnotations(object),
    spec: {
      ...spec,
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      ...status,
      ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
      ...(conditions === undefined ? {} : { conditions }),
    },
  });
}

/** The autoscaling/v1 form of an autoscaling/v2 object. */
export function autoscalerFromV2(object: KubernetesObject): KubernetesObject {
  const { behavior, ...spec } = withoutFields(objectAt(object, 'spec'), 'metrics');
  const { conditions, ...status } = withoutFields(objectAt(object, 'status'), 'currentMetrics');
  const metrics = listAt(object, 'spec', 'metrics');
  const cpu = metrics.find(isCpuUtilization);
  const others = metrics.filter((each) => each !== cpu);
  const current = listAt(object, 'status', 'currentMetrics');
  const currentCpu = current.find(isCpuStatus);
  const currentOthers = current.filter((each) => each !== currentCpu);
  const target = numberAt(cpu, 'resource', 'target', 'averageUtilization');
  const usage = numberAt(currentCpu, 'resource', 'current', 'averageUtilization');
  const extra: Record<string, string> = {};
  if (others.length > 0) extra[metricsAnnotation] = stringifyJson(others);
  if (currentOthers.length > 0) extra[currentMetricsAnnotation] = stringifyJson(currentOthers);
  if (isJsonObject(behavior)) extra[behaviorAnnotation] = stringifyJson(behavior);
  if (conditions !== undefined) extra[conditionsAnnotation] = stringifyJson(conditions);
  const kept = { ...object.metadata.annotations, ...extra };
  const metadata =
    Object.keys(kept).length === 0 ? object.metadata : { ...object.metadata, annotations: kept };
  return withForm(object, 'autoscaling/v1', {
    metadata,
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...status,
      ...(usage === undefined ? {} : { currentCPUUtilizationPercentage: usage }),
    },
  });
}

function withForm(
  object: KubernetesObject,
  apiVersion: string,
  parts: Pick<KubernetesObject, 'metadata' | 'spec' | 'status'>,
): KubernetesObject {
  return { kind: object.kind ?? 'HorizontalPodAutoscaler', apiVersion, ...parts };
}

function cpuMetric(target: number): JsonObject {
  const averageUtilization = { averageUtilization: target, type: 'Utilization' };
  return { resource: { name: 'cpu', target: averageUtilization }, type: 'Resource' };
}

function cpuStatus(usage: number): JsonObject {
  return { resource: { current: { averageUtilization: usage }, name: 'cpu' }, type: 'Resource' };
}

function isCpuUtilization(metric: Json): boolean {
  return (
    textAt(metric, 'type') === 'Resource' &&
    textAt(metric, 'resource', 'name') === 'cpu' &&
    numberAt(metric, 'resource', 'target', 'averageUtilization') !== undefined
  );
}

function isCpuStatus(metric: Json): boolean {
  return textAt(metric, 'type') === 'Resource' && textAt(metric, 'resource', 'name') === 'cpu';
}

function readAnnotation(object: KubernetesObject, name: string): Json | undefined {
  const text = object.metadata.annotations?.[name];
  if (text === undefined) return undefined;
  try {
    return parseTrustedJson(new TextEncoder().encode(text));
  } catch {
    return undefined; // A client's own text; k8s ignores what it cannot read there, too.
  }
}

function withoutAnnotations(object: KubernetesObject): KubernetesObject['metadata'] {
  const { annotations: all, ...metadata } = object.metadata;
  if (all === undefined) return metadata;
  const kept = Object.entries(all).filter(([name]) => !annotations.includes(name));
  return kept.length === 0 ? metadata : { ...metadata, annotations: Object.fromEntries(kept) };
}
