/** What a Scale may ask for (K46). */
import { invalidField } from '../../machinery/field-error';
import { isJsonObject } from '../../machinery/json';
import type { KubernetesObject } from '../../machinery/object';
import { invalid } from '../../machinery/status';
import { SCALE_KIND, scaleProblem } from '../../registry';

/** 422 for a number of replicas that is none. */
export function checkScale(name: string, scale: KubernetesObject): void {
  const problem = scaleProblem(scale);
  if (problem === undefined) return;
  const replicas = isJsonObject(scale['spec']) ? scale['spec']['replicas'] : undefined;
  throw invalid(SCALE_KIND, name, [{ ...invalidField('spec.replicas', replicas, problem) }]);
}
