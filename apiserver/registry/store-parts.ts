/** What the verbs of one resource are made of, and what a write knows about its request. */
import type { Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import type { AdmissionAttributes, AdmissionChain } from '../admission';
import type { UserInfo } from '../auth';
import type { Storage } from '../storage';
import type { ResourceDefinition } from './resource';
import { formatTime } from '../machinery/time';

/** The parts of one resource's verbs. */
export interface StoreParts {
  readonly definition: ResourceDefinition;
  readonly storage: Storage;
  readonly admission: AdmissionChain;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: {
    readonly generateNameAttemptsMax: number;
    readonly deleteCollectionPageSize: number;
  };
}

/** The request a write belongs to. */
export interface WriteContext {
  /** Empty for cluster scope. */
  readonly namespace: string;
  /** Empty for the resource itself. */
  readonly subresource: string;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The object's place within its resource (K76). */
export function objectPath(
  definition: ResourceDefinition,
  namespace: string,
  name: string,
): string {
  return definition.isNamespaced ? `${namespace}/${name}` : name;
}

/** Now, as metadata writes it. */
export function nowText(parts: StoreParts): string {
  return formatTime(parts.clock.wallMs());
}

/** What admission is told about a write. */
export function admissionAttributes(
  { definition }: StoreParts,
  context: WriteContext,
  write: Pick<AdmissionAttributes, 'operation' | 'name' | 'object' | 'oldObject'>,
): AdmissionAttributes {
  const { group, version, resource, kind } = definition;
  return {
    ...write,
    resource: { group, version, resource },
    subresource: context.subresource,
    kind: { group, version, kind },
    namespace: context.namespace,
    user: context.user,
    isDryRun: context.isDryRun,
    warn: context.warn,
  };
}
