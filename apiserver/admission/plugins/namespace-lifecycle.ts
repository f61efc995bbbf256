/**
 * Guards namespaces (K42, K74): nothing is created in one that is absent or being deleted, and the
 * three that everybody relies on are never deleted.
 */
import { forbidden, forbiddenWithCauses, notFound } from '../../machinery/status';
import type { Storage } from '../../storage';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin';

const NAMESPACES = { group: '', resource: 'namespaces' };
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
/** These ask about rights in a namespace and store nothing: they work in one that is absent. */
const ACCESS_REVIEWS: ReadonlySet<string> = new Set(['localsubjectaccessreviews']);

/** What the plugin reads: the namespaces' storage. */
export type NamespaceReader = Pick<Storage, 'get'>;

/** The NamespaceLifecycle plugin. */
export class NamespaceLifecycle implements AdmissionPlugin {
  readonly name = 'NamespaceLifecycle';
  readonly #namespaces: NamespaceReader;

  constructor(namespaces: NamespaceReader) {
    this.#namespaces = namespaces;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { resource, operation, name, namespace } = attributes;
    const isNamespace = resource.group === '' && resource.resource === 'namespaces';
    if (isNamespace) {
      if (operation === 'delete' && attributes.subresource === '' && IMMORTAL.has(name)) {
        throw forbidden(NAMESPACES, name, 'this namespace may not be deleted');
      }
      return;
    }
    if (operation !== 'create' || namespace === '') return;
    if (ACCESS_REVIEWS.has(resource.resource)) return;
    const phase = await this.#phase(namespace);
    if (phase === undefined) throw notFound(NAMESPACES, namespace);
    if (phase === 'Terminating') throw terminating(attributes);
  }

  /**
   * The phase of a namespace; undefined if there is none. The cache may be behind a creation that
   * was just acknowledged, so an absent one is looked up again in the store.
   */
  async #phase(name: string): Promise<'Active' | 'Terminating' | undefined> {
    const found =
      (await this.#namespaces.get(name, { kind: 'any' })) ??
      (await this.#namespaces.get(name, { kind: 'consistent' }));
    if (found === undefined) return undefined;
    return found.object.metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating';
  }
}

function terminating(attributes: AdmissionAttributes): Error {
  const { resource, name, namespace } = attributes;
  const text = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return forbiddenWithCauses(resource, name, text, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}
