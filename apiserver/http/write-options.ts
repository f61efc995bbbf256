/** The query parameters of writes: dryRun, fieldValidation, fieldManager (K50, K51, K52). */
import {
  forbiddenField,
  invalidField,
  tooLongField,
  unsupportedField,
  type FieldError,
} from '../machinery/field-error';
import { invalid } from '../machinery/status';

/** What happens to unknown and duplicate fields of a body (K50). */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What every write may carry. */
export interface WriteOptions {
  readonly isDryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

/** The name under which the faults of a verb's parameters are reported. */
export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

const FIELD_MANAGER_LENGTH_MAX = 128;

/** Reads and checks the parameters; 422 with all faults at once. */
export function parseWriteOptions(query: URLSearchParams, kind: OptionsKind): WriteOptions {
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  errors.push(...dryRunErrors(dryRun));
  const asked = query.get('fieldValidation') ?? '';
  const fieldValidation = FIELD_VALIDATIONS.get(asked);
  if (fieldValidation === undefined) {
    errors.push(unsupportedField('fieldValidation', asked, ['Ignore', 'Strict', 'Warn']));
  }
  if (kind === 'PatchOptions' && (query.get('force') ?? '') !== '') {
    // Server-side apply itself is refused by its media type (K56), so no patch may carry it.
    errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  }
  errors.push(...fieldManagerErrors(query.get('fieldManager') ?? ''));
  if (errors.length > 0 || fieldValidation === undefined) throw invalidOptions(kind, errors);
  return { isDryRun: dryRun.length > 0, fieldValidation };
}

/** What is wrong with the values of `dryRun`; also of the one in a DELETE body. */
export function dryRunErrors(values: readonly string[]): readonly FieldError[] {
  if (values.every((value) => value === 'All')) return [];
  return [unsupportedField('dryRun', values, ['All'])];
}

/** The 422 about a request's own parameters. */
export function invalidOptions(kind: OptionsKind, errors: readonly FieldError[]): Error {
  const causes = errors.map((error) => ({ ...error }));
  return invalid({ group: 'meta.k8s.io', kind }, '', causes);
}

const FIELD_VALIDATIONS: ReadonlyMap<string, FieldValidation> = new Map([
  ['', 'Warn'],
  ['Ignore', 'Ignore'],
  ['Warn', 'Warn'],
  ['Strict', 'Strict'],
]);

function fieldManagerErrors(manager: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (manager.length > FIELD_MANAGER_LENGTH_MAX) {
    errors.push(tooLongField('fieldManager', FIELD_MANAGER_LENGTH_MAX));
  }
  if (/[\p{C}]/u.test(manager)) {
    errors.push(invalidField('fieldManager', manager, 'should only contain printable characters'));
  }
  return errors;
}
