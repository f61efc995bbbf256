/**
 * The status that a new object gets (K42): whatever the client sent is dropped, except for nodes,
 * whose kubelet registers them with their status.
 */
import type { JsonObject, KubernetesObject } from '../../machinery/object';
import { objectAt, listAt } from './fields';

const fixed: Readonly<Record<string, JsonObject>> = {
  daemonsets: {
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  },
  horizontalpodautoscalers: { desiredReplicas: 0 },
  ingresses: { loadBalancer: {} },
  namespaces: { phase: 'Active' },
  persistentvolumeclaims: { phase: 'Pending' },
  persistentvolumes: { phase: 'Pending' },
  poddisruptionbudgets: {
    currentHealthy: 0,
    desiredHealthy: 0,
    disruptionsAllowed: 0,
    expectedPods: 0,
  },
  replicasets: { replicas: 0 },
  replicationcontrollers: { replicas: 0 },
  services: { loadBalancer: {} },
  statefulsets: { availableReplicas: 0, replicas: 0 },
  volumeattachments: { attached: false },
};

/** Makes the status of a new object of this resource. */
export function newStatusOf(resource: string): (object: KubernetesObject) => JsonObject {
  if (resource === 'nodes') return (object) => objectAt(object, 'status');
  if (resource === 'pods') {
    return (object) => ({ phase: 'Pending', qosClass: qualityOfService(object) });
  }
  const status = fixed[resource] ?? {};
  return () => status;
}

/**
 * k8s: ComputePodQOS. Guaranteed if every container has limits for CPU and memory that its
 * requests equal, BestEffort if none asks for anything, else Burstable.
 */
function qualityOfService(pod: KubernetesObject): string {
  const containers = [
    ...listAt(pod, 'spec', 'containers'),
    ...listAt(pod, 'spec', 'initContainers'),
  ];
  let asksForSomething = false;
  let isGuaranteed = containers.length > 0;
  for (const container of containers) {
    const limits = objectAt(container, 'resources', 'limits');
    const requests = { ...limits, ...objectAt(container, 'resources', 'requests') };
    for (const name of ['cpu', 'memory']) {
      if (requests[name] !== undefined || limits[name] !== undefined) asksForSomething = true;
      if (limits[name] === undefined || requests[name] !== limits[name]) isGuaranteed = false;
    }
  }
  if (!asksForSomething) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
