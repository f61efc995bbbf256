/**
 * The admission stage (K66): every plugin may change the object, in order; then every plugin may
 * refuse what came out. Reads never come here.
 */
import type { KubernetesObject } from '../machinery/object';
import type { AdmissionAttributes, AdmissionPlugin } from './plugin';

/** The plugins of a server in Kubernetes' order (K74). */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** The object to go on with; undefined for a deletion. Throws the `ApiError` of a refusal. */
  async mutate(attributes: AdmissionAttributes): Promise<KubernetesObject | undefined> {
    let { object } = attributes;
    for (const plugin of this.#plugins) {
      if (plugin.mutate !== undefined) object = await plugin.mutate({ ...attributes, object });
    }
    return object;
  }

  /** Resolves if no plugin refuses. Throws the `ApiError` of the first refusal. */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#plugins) await plugin.validate?.(attributes);
  }
}
