/**
 * Which objects of a resource a request wants (K24): labels and fields, parsed, and the parts of
 * an object that decide it. The watch cache keeps these parts beside the bytes, so that a list by
 * label parses nothing and reads nothing else (K23).
 */
import {
  exactName,
  parseFieldSelector,
  type FieldRequirement,
  type SelectableField,
} from '../machinery/field-selector';
import {
  labelsSatisfy,
  parseLabelSelector,
  type LabelRequirement,
} from '../machinery/label-selector';
import type { KubernetesObject } from '../machinery/object';

export type { FieldRequirement, LabelRequirement, SelectableField };

/** What selectors may look at of one object. */
export interface ObjectAttributes {
  readonly labels: Readonly<Record<string, string>>;
  /** The values of the resource's selectable fields, by name; empty text for absent ones. */
  readonly fields: { get(name: string): string | undefined };
}

/** A parsed selection. All terms must hold. */
export interface SelectionPredicate {
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
  /** Whether nothing is filtered out. */
  readonly isEverything: boolean;
  /** The name that `metadata.name=x` asks for: the list is a point read (K5), see K27. */
  readonly name: string | undefined;
  matches(object: KubernetesObject): boolean;
  matchesAttributes(attributes: ObjectAttributes): boolean;
}

const NO_LABELS: Readonly<Record<string, string>> = {};

/** The parts of an object that selectors look at. */
export function attributesOf(
  object: KubernetesObject,
  selectable: readonly SelectableField[],
): ObjectAttributes {
  const fields = new Map<string, string>();
  for (const field of selectable) fields.set(field.name, field.valueOf(object));
  return { labels: object.metadata.labels ?? NO_LABELS, fields };
}

/** A predicate of parsed terms over a resource's selectable fields. */
export function selectionPredicate(terms: {
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
  readonly selectable: readonly SelectableField[];
}): SelectionPredicate {
  const { labels, fields, selectable } = terms;
  const matchesLabels = (values: Readonly<Record<string, string>>): boolean =>
    labels.every((requirement) => labelsSatisfy(values, requirement));
  const matchesAttributes = (attributes: ObjectAttributes): boolean =>
    matchesLabels(attributes.labels) &&
    fields.every(
      ({ field, operator, value }) =>
        ((attributes.fields.get(field) ?? '') === value) === (operator === 'equal'),
    );
  return {
    labels,
    fields,
    isEverything: labels.length === 0 && fields.length === 0,
    name: exactName(fields),
    matches: (object) => matchesAttributes(attributesOf(object, selectable)),
    matchesAttributes,
  };
}

/** The predicate that selects everything. */
export const everything: SelectionPredicate = selectionPredicate({
  labels: [],
  fields: [],
  selectable: [],
});

/** Parses both selectors of a request; throws the 400s of K24. */
export function parseSelection(
  request: { readonly labelSelector: string; readonly fieldSelector: string },
  selectable: readonly SelectableField[],
): SelectionPredicate {
  if (request.labelSelector === '' && request.fieldSelector === '') return everything;
  return selectionPredicate({
    labels: parseLabelSelector(request.labelSelector),
    fields: parseFieldSelector(request.fieldSelector, selectable),
    selectable,
  });
}
