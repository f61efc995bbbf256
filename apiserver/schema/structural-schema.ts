/**
 * Schemas as data, in OpenAPI's own words: of built-in types (generated, see `builtin-types.ts`)
 * and later of custom resources. One form, so that one walker serves both.
 */
import type { Json } from '../machinery/object';

/** The part of OpenAPI v3 that Kubernetes uses. */
export interface StructuralSchema {
  /** Name of another definition, resolved by {@link SchemaLookup}. */
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly default?: Json;
  readonly enum?: readonly Json[];
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Finds a definition by the name that `$ref` gives. */
export type SchemaLookup = (name: string) => StructuralSchema | undefined;
