/** Which objects of a resource a request wants, by labels and fields. */
import type { KubernetesObject } from '../machinery/object';

/** One term of a label selector, as `machinery/label-selector.ts` parses it (K24). */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'in' | 'notIn' | 'exists' | 'doesNotExist' | 'greaterThan' | 'lessThan';
  /** One value for `a=b`; `a!=b` is `notIn` with one value. Empty for exists and doesNotExist. */
  readonly values: readonly string[];
}

/** One term of a field selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: 'equal' | 'notEqual';
  readonly value: string;
}

/** A parsed selection. All terms must hold. */
export interface SelectionPredicate {
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
  /** Whether nothing is filtered out. */
  readonly isEverything: boolean;
  matches(object: KubernetesObject): boolean;
}
