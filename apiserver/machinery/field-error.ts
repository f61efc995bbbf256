/**
 * Errors about one field of an object, as the causes of a 422 show them (K39). The texts are
 * protocol: clients and people match on them, so they are the ones of k8s
 * apimachinery/util/validation/field.
 */
import type { Json } from './object';

/** The `reason` of a Status cause. */
export type FieldErrorReason =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One cause: `message` is the text after the field. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  readonly field: string;
  readonly message: string;
}

/** `spec.containers: Required value: …` */
export function requiredField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueRequired', field, message: join('Required value', detail) };
}

/** `metadata.name: Invalid value: "A": …` */
export function invalidField(field: string, value: Json | undefined, detail: string): FieldError {
  const shown = `Invalid value: ${printValue(value)}`;
  return { reason: 'FieldValueInvalid', field, message: join(shown, detail) };
}

/** `metadata.finalizers: Forbidden: …` */
export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: join('Forbidden', detail) };
}

/** `spec.items[1]: Duplicate value: "a"` */
export function duplicateField(field: string, value: Json): FieldError {
  const message = `Duplicate value: ${printValue(value)}`;
  return { reason: 'FieldValueDuplicate', field, message };
}

/** `spec.x: Not found: "a"` */
export function notFoundField(field: string, value: Json): FieldError {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${printValue(value)}` };
}

/** `spec.type: Unsupported value: "X": supported values: "A", "B"` */
export function unsupportedField(
  field: string,
  value: Json,
  supported: readonly string[],
): FieldError {
  const list = supported.map((each) => JSON.stringify(each)).join(', ');
  const detail = supported.length === 0 ? '' : `supported values: ${list}`;
  const message = join(`Unsupported value: ${printValue(value)}`, detail);
  return { reason: 'FieldValueNotSupported', field, message };
}

/** `data: Too long: may not be more than 10 bytes` */
export function tooLongField(field: string, bytesMax: number): FieldError {
  const message = `Too long: may not be more than ${String(bytesMax)} bytes`;
  return { reason: 'FieldValueTooLong', field, message };
}

/** `spec.x: Too many: 5: must have at most 3 items` */
export function tooManyField(field: string, actual: number, most: number): FieldError {
  const items = most === 1 ? 'item' : 'items';
  const message = `Too many: ${String(actual)}: must have at most ${String(most)} ${items}`;
  return { reason: 'FieldValueTooMany', field, message };
}

/** The message of a Status with these causes: one text, or `[a, b]` (K39). */
export function fieldErrorsText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

function join(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

function printValue(value: Json | undefined): string {
  if (value === undefined || value === null) return 'null';
  return JSON.stringify(value);
}
