/** DeleteOptions, from the body or else from the query (K47). */
import { invalidField, unsupportedField, type FieldError } from '../machinery/field-error';
import { isJsonObject } from '../machinery/json';
import type { Json, JsonObject } from '../machinery/object';
import { badRequest } from '../machinery/status';
import type { Preconditions } from '../storage';
import { readOptionalObject } from './body';
import type { RequestContext } from './request-context';
import { dryRunErrors, invalidOptions } from './write-options';

/** What happens to objects that this one owns. */
export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

/** A deletion as the client wants it. */
export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: PropagationPolicy | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: Preconditions;
  readonly isDryRun: boolean;
}

/** Reads and checks them; a body replaces the query altogether, as in Kubernetes. */
export async function readDeleteOptions(
  context: RequestContext,
  bytesMax: number,
): Promise<DeleteOptions> {
  const body = await readOptionalObject(context, bytesMax);
  if (body !== undefined) checkKind(body);
  const source = body ?? fromQuery(context.request.query);
  const dryRun = stringsOf(source['dryRun']);
  const policy = source['propagationPolicy'] ?? undefined;
  const orphanDependents = source['orphanDependents'];
  const errors: FieldError[] = [...dryRunErrors(dryRun)];
  if (policy !== undefined && !isPolicy(policy)) {
    errors.push(unsupportedField('propagationPolicy', policy, [...POLICIES, 'nil']));
  }
  if (policy !== undefined && typeof orphanDependents === 'boolean') {
    const text = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalidField('propagationPolicy', policy, text));
  }
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  return {
    gracePeriodSeconds: graceOf(source['gracePeriodSeconds']),
    propagationPolicy: policy !== undefined && isPolicy(policy) ? policy : undefined,
    orphanDependents: typeof orphanDependents === 'boolean' ? orphanDependents : undefined,
    preconditions: preconditionsOf(source['preconditions']),
    isDryRun: dryRun.length > 0,
  };
}

/** A body that is something else was not meant as options: deleting would be a wrong answer. */
function checkKind(body: JsonObject): void {
  const kind = textOf(body['kind']) ?? '';
  const apiVersion = textOf(body['apiVersion']) ?? '';
  const isKnownVersion = apiVersion === '' || /(^|\/)v1$/.test(apiVersion);
  if ((kind === '' || kind === 'DeleteOptions') && isKnownVersion) return;
  throw badRequest(
    `the object provided is unrecognized (must be of type DeleteOptions): received kind ` +
      `${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
  );
}

/**
 * There is no garbage collector yet: an object marked for it would stay for ever. So the object
 * itself goes at once whatever the policy, and the client is told what did not happen.
 */
export function policyWarning(options: DeleteOptions): string | undefined {
  if (options.propagationPolicy === 'Foreground') {
    return (
      'propagationPolicy Foreground is not supported yet: the object is deleted at once and its ' +
      'dependents are left as they are'
    );
  }
  if (options.propagationPolicy === 'Orphan' || options.orphanDependents === true) {
    return (
      'propagationPolicy Orphan is not supported yet: dependents are left as they are, with ' +
      'their ownerReferences'
    );
  }
  return undefined;
}

const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;

function isPolicy(value: Json): value is PropagationPolicy {
  return POLICIES.some((policy) => policy === value);
}

function fromQuery(query: URLSearchParams): JsonObject {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null || grace === '' ? {} : { gracePeriodSeconds: graceNumber(grace) }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null || orphan === '' ? {} : { orphanDependents: orphan === 'true' }),
    dryRun: query.getAll('dryRun').filter((value) => value !== ''),
  };
}

function graceNumber(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function graceOf(value: Json | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw badRequest(`gracePeriodSeconds must be a whole number: received ${JSON.stringify(value)}`);
}

function preconditionsOf(value: Json | undefined): Preconditions {
  const given = isJsonObject(value) ? value : {};
  return { uid: textOf(given['uid']), resourceVersion: textOf(given['resourceVersion']) };
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function stringsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly Json[]).map(String) : [];
}
