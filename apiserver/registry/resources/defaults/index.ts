/** Defaults of built-in types (K88). (Bodies follow.) */
import type { KubernetesObject } from '../../../machinery/object';

/** The function that fills in the defaults of a resource. */
export function defaultsOf(resource: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): (object: KubernetesObject) => KubernetesObject {
  void resource;
  return (object) => object;
}
