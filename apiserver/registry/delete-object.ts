/**
 * Delete (K47, K48). The usual case, nothing to wait for, is one conditional delete; only an
 * object with finalizers or grace is written first. Each loop decides again from what is stored.
 */
import type { KubernetesObject } from '../machinery/object';
import { resourceVersionConflict, uidConflict } from '../machinery/status';
import type { Preconditions, StoredObject } from '../storage';
import { decideDeletion, type DeletionDecision } from './graceful-delete';
import { admissionAttributes, objectPath, type StoreParts, type WriteContext } from './store-parts';

/** What the client asked for. */
export interface DeletionRequest {
  readonly gracePeriodSeconds: number | undefined;
  readonly preconditions: Preconditions;
}

/** What a deletion did; `stored` is the last state, or the marked one. */
export interface DeletionResult {
  readonly kind: 'removed' | 'marked';
  readonly stored: StoredObject;
}

/** Thrown through the store's loops: what is stored asks for something else than was tried. */
class OtherDecision extends Error {
  readonly decision: DeletionDecision;
  readonly current: StoredObject;

  constructor(decision: DeletionDecision, current: StoredObject) {
    super(`the deletion turned out as ${decision.kind}`);
    this.decision = decision;
    this.current = current;
  }
}

/** Deletes an object or marks it for deletion. */
export async function deleteObject(
  parts: StoreParts,
  name: string,
  request: DeletionRequest,
  context: WriteContext,
): Promise<DeletionResult> {
  const path = objectPath(parts.definition, context.namespace, name);
  const options = { dryRun: context.isDryRun, signal: context.signal };
  const decide = async (current: StoredObject): Promise<DeletionDecision> => {
    checkPreconditions(parts, name, request.preconditions, current);
    await admitDeletion(parts, name, current.object, context);
    return decideDeletion(parts.definition, current.object, {
      requestedSeconds: request.gracePeriodSeconds,
      nowMs: parts.clock.wallMs(),
    });
  };
  for (;;) {
    try {
      const stored = await parts.storage.delete(
        path,
        NO_PRECONDITIONS,
        async (current) => {
          const decision = await decide(current);
          if (decision.kind !== 'remove') throw new OtherDecision(decision, current);
        },
        options,
      );
      return { kind: 'removed', stored };
    } catch (error) {
      if (!(error instanceof OtherDecision)) throw error;
      if (error.decision.kind === 'keep') return { kind: 'marked', stored: error.current };
    }
    try {
      const stored = await parts.storage.guaranteedUpdate(
        path,
        NO_PRECONDITIONS,
        async (current) => {
          if (current === undefined) throw new OtherDecision({ kind: 'remove' }, NOTHING);
          const decision = await decide(current);
          if (decision.kind !== 'mark') throw new OtherDecision(decision, current);
          return { object: decision.object };
        },
        options,
      );
      return { kind: 'marked', stored };
    } catch (error) {
      if (!(error instanceof OtherDecision)) throw error;
      if (error.decision.kind === 'keep') return { kind: 'marked', stored: error.current };
    }
  }
}

/** The store's own check would not know how K39 wants these two texts. */
const NO_PRECONDITIONS: Preconditions = { uid: undefined, resourceVersion: undefined };

/** Stands for an object that vanished: the next round finds out and answers 404. */
const NOTHING: StoredObject = {
  path: '',
  resourceVersion: '',
  object: { metadata: {} },
  json: new Uint8Array(),
};

function checkPreconditions(
  { definition }: StoreParts,
  name: string,
  { uid, resourceVersion }: Preconditions,
  current: StoredObject,
): void {
  // K39: these conflicts name the Kind where all others name the resource.
  const subject = { group: definition.group, resource: definition.kind };
  const storedUid = current.object.metadata.uid ?? '';
  if (uid !== undefined && uid !== storedUid) {
    throw uidConflict(subject, name, { precondition: uid, stored: storedUid });
  }
  if (resourceVersion !== undefined && resourceVersion !== current.resourceVersion) {
    const stored = current.resourceVersion;
    throw resourceVersionConflict(subject, name, { precondition: resourceVersion, stored });
  }
}

async function admitDeletion(
  parts: StoreParts,
  name: string,
  object: KubernetesObject,
  context: WriteContext,
): Promise<void> {
  const attributes = admissionAttributes(parts, context, {
    operation: 'delete',
    name,
    object: undefined,
    oldObject: object,
  });
  await parts.admission.mutate(attributes);
  await parts.admission.validate(attributes);
}
