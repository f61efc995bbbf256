/**
 * The `/scale` view of a workload (K46): autoscaling/v1 Scale to and from the object it scales.
 * Deployments, replicasets, statefulsets and replicationcontrollers keep both numbers in the same
 * places; only the form of the selector differs.
 */
import { isJsonObject } from '../machinery/json';
import type { GroupVersionKind, Json, JsonObject, KubernetesObject } from '../machinery/object';

/** The kind that every `/scale` speaks. */
export const SCALE_KIND: GroupVersionKind = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
};

/** The Scale of an object. */
export function scaleOf(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = child(object, 'spec');
  const status = child(object, 'status');
  const selector = selectorText(spec['selector']);
  return {
    kind: SCALE_KIND.kind,
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: spec['replicas'] ?? 0 },
    status: {
      replicas: status['replicas'] ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** The object with the Scale's number of replicas and its preconditions (uid, resourceVersion). */
export function applyScale(object: KubernetesObject, scale: KubernetesObject): KubernetesObject {
  const { resourceVersion, uid } = scale.metadata;
  const replicas = child(scale, 'spec')['replicas'] ?? 0;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: { ...child(object, 'spec'), replicas },
  };
}

/** What a Scale asks for must be a whole number that is not negative. */
export function scaleProblem(scale: KubernetesObject): string | undefined {
  const replicas = child(scale, 'spec')['replicas'] ?? 0;
  if (typeof replicas === 'number' && replicas >= 0) return undefined;
  return 'must be greater than or equal to 0';
}

/** k8s: a selector as text, for HorizontalPodAutoscalers: `a=b,c in (d,e)`. */
function selectorText(selector: Json | undefined): string {
  if (!isJsonObject(selector)) return '';
  const { matchLabels, matchExpressions } = selector;
  const isLabelSelector = isJsonObject(matchLabels) || Array.isArray(matchExpressions);
  const labels = isLabelSelector ? (isJsonObject(matchLabels) ? matchLabels : {}) : selector;
  const terms = Object.entries(labels).map(([key, value]) => `${key}=${textOf(value)}`);
  for (const expression of asObjects(matchExpressions)) terms.push(expressionText(expression));
  return terms.sort().join(',');
}

function expressionText({ key, operator, values }: JsonObject): string {
  const list = Array.isArray(values) ? (values as readonly Json[]).map(textOf).sort() : [];
  const name = textOf(key);
  switch (operator) {
    case 'In':
      return `${name} in (${list.join(',')})`;
    case 'NotIn':
      return `${name} notin (${list.join(',')})`;
    case 'Exists':
      return name;
    default:
      return `!${name}`;
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function asObjects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

function child(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}
