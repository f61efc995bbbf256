/**
 * Defaults of built-in types (K88): what controllers rely on and clients leave out. They are hand
 * tables, since no package carries what Go code sets.
 */
import type { KubernetesObject } from '../../../machinery/object';
import { ofObject, type Fill } from './fill';
import { otherDefaults } from './others';
import { pod } from './pod';
import { workloadDefaults } from './workloads';

export { inFieldOrder } from './fill';

const fills: Readonly<Record<string, Fill>> = { ...otherDefaults, ...workloadDefaults, pods: pod };

/** The function that fills in the defaults of a resource. */
export function defaultsOf({
  resource,
}: {
  readonly resource: string;
}): (object: KubernetesObject) => KubernetesObject {
  const fill = fills[resource];
  return fill === undefined ? (object) => object : ofObject(fill);
}
