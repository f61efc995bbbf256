/**
 * Rules of metadata that hold for every kind, with the texts of k8s apimachinery
 * api/validation: names, labels, annotations, finalizers, owners, and what never changes.
 */
import {
  forbiddenField,
  invalidField,
  requiredField,
  tooLongField,
  type FieldError,
} from '../machinery/field-error';
import { isJsonObject } from '../machinery/json';
import { dnsSubdomainProblems, nameProblems } from '../machinery/name-validation';
import type { Json, KubernetesObject } from '../machinery/object';
import { newFinalizersText } from './finalizers';
import { isMarkedDeleted } from './object-meta';
import type { ResourceDefinition } from './resource';

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const QUALIFIED_NAME_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " +
  "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or " +
  "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', " +
  " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with the metadata of an object that is about to be stored. */
export function validateMetadata(
  definition: ResourceDefinition,
  object: KubernetesObject,
): readonly FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  const rule = definition.strategy.nameRule;
  for (const problem of nameProblems(rule, metadata.generateName ?? '', true)) {
    if ((metadata.generateName ?? '') !== '') {
      errors.push(invalidField('metadata.generateName', metadata.generateName, problem));
    }
  }
  if ((metadata.name ?? '') === '') {
    errors.push(requiredField('metadata.name', 'name or generateName is required'));
  } else {
    for (const problem of nameProblems(rule, metadata.name ?? '')) {
      errors.push(invalidField('metadata.name', metadata.name, problem));
    }
  }
  errors.push(...labelErrors(metadata.labels ?? {}));
  errors.push(...annotationErrors(metadata.annotations ?? {}));
  errors.push(...ownerErrors(metadata['ownerReferences']));
  for (const finalizer of metadata.finalizers ?? []) {
    for (const problem of qualifiedNameProblems(finalizer)) {
      errors.push(invalidField('metadata.finalizers', finalizer, problem));
    }
  }
  return errors;
}

/** What is wrong with a change of metadata (K43, K48). */
export function validateMetadataUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    const value = object.metadata[field];
    if ((value ?? '') !== (old.metadata[field] ?? '')) {
      errors.push(invalidField(`metadata.${field}`, value, 'field is immutable'));
    }
  }
  if (isMarkedDeleted(old)) {
    const text = newFinalizersText(object.metadata.finalizers, old.metadata.finalizers);
    if (text !== undefined) errors.push(forbiddenField('metadata.finalizers', text));
  }
  return errors;
}

function labelErrors(labels: Readonly<Record<string, string>>): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const problem of qualifiedNameProblems(key)) {
      errors.push(invalidField('metadata.labels', key, problem));
    }
    if (value.length > 63) {
      errors.push(invalidField('metadata.labels', value, 'must be no more than 63 characters'));
    }
    if (!LABEL_VALUE.test(value)) {
      errors.push(invalidField('metadata.labels', value, LABEL_VALUE_TEXT));
    }
  }
  return errors;
}

function annotationErrors(annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    for (const problem of qualifiedNameProblems(key.toLowerCase())) {
      errors.push(invalidField('metadata.annotations', key, problem));
    }
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    errors.push(tooLongField('metadata.annotations', ANNOTATIONS_BYTES_MAX));
  }
  return errors;
}

function ownerErrors(owners: Json | undefined): readonly FieldError[] {
  if (!Array.isArray(owners)) return [];
  const errors: FieldError[] = [];
  const controllers: string[] = [];
  for (const [i, owner] of (owners as readonly Json[]).entries()) {
    if (!isJsonObject(owner)) continue;
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (typeof owner[field] === 'string' && owner[field] !== '') continue;
      const path = `metadata.ownerReferences[${i}].${field}`;
      errors.push(
        invalidField(path, owner[field] ?? '', `${OWNER_NAMES[field] ?? field} must not be empty`),
      );
    }
    if (owner['controller'] === true)
      controllers.push(typeof owner['name'] === 'string' ? owner['name'] : '');
  }
  if (controllers.length > 1) {
    const text = `Only one reference can have Controller set to true. Found "true" in references for ${controllers.join(' and ')}`;
    errors.push(invalidField('metadata.ownerReferences', owners as Json, text));
  }
  return errors;
}

const OWNER_NAMES: Readonly<Record<string, string>> = { apiVersion: 'version' };

/** k8s: `[prefix/]name`, the prefix a DNS subdomain, the name at most 63 characters. */
function qualifiedNameProblems(text: string): readonly string[] {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start " +
        "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', " +
        "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an " +
        "optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  const problems: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...dnsSubdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push('name part must be no more than 63 characters');
  if (!QUALIFIED_NAME.test(name)) problems.push(QUALIFIED_NAME_TEXT);
  return problems;
}
