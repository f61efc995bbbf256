/**
 * Access to the generated tables of built-in types (K92). The files are made at build time by
 * `tools/generate-api`; whoever starts an API server reads and parses them and gives them to
 * {@link loadBuiltinTypes}. Nothing here touches a disk.
 */
import { assert } from '../../base/assert';
import type { GroupVersionKind } from '../machinery/object';
import type { StructuralSchema } from './structural-schema';

/** A verb as discovery names it. */
export type BuiltinVerb =
  'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A subresource of the generated table. */
export interface BuiltinSubresource {
  readonly name: string;
  readonly kind: GroupVersionKind;
  readonly verbs: readonly BuiltinVerb[];
}

/** A resource of the generated table. */
export interface BuiltinResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly BuiltinVerb[];
  readonly subresources: readonly BuiltinSubresource[];
  /** Definition name of the kind in schemas.json. */
  readonly schema: string;
  /** Digest of this version's group, version and kind, as discovery shows it if it is stored. */
  readonly storageVersionHash: string;
}

/** One OpenAPI v3 document that is ready to be served (K60). */
export interface BuiltinOpenapiDocument {
  /** `api/v1`, `apis/apps/v1`. */
  readonly path: string;
  /** Upper-case hex of the content's digest; part of the URL that clients may cache for a year. */
  readonly hash: string;
  /** Name to give to `readApiFile`. */
  readonly file: string;
}

/** `dist/api/resources.json`, parsed. */
export interface BuiltinResourcesFile {
  readonly format: number;
  readonly kubernetesVersion: string;
  readonly resources: readonly BuiltinResource[];
  /** Definition names of kinds that only subresources serve (Scale, Eviction), by kind key. */
  readonly subresourceSchemas: Readonly<Record<string, string>>;
  readonly openapi: readonly BuiltinOpenapiDocument[];
}

/** `dist/api/schemas.json`, parsed. */
export interface BuiltinSchemasFile {
  readonly format: number;
  readonly definitions: Readonly<Record<string, StructuralSchema>>;
}

/** The parsed files; `schemas` is asked for once, at the first write. */
export interface BuiltinTypesSource {
  readonly resources: unknown;
  readonly schemas: () => unknown;
}

/** What is known of the built-in types. */
export interface BuiltinTypes {
  /** `1.36` */
  readonly kubernetesVersion: string;
  readonly resources: readonly BuiltinResource[];
  readonly openapi: readonly BuiltinOpenapiDocument[];
  /** The definition with this name, as `$ref` gives it. */
  definition(name: string): StructuralSchema | undefined;
  /** The definition of a kind that a resource or subresource serves. */
  schemaName(kind: GroupVersionKind): string | undefined;
}

/** Format number that generator and server must agree on. */
export const builtinTypesFormat = 1;

/** Makes the tables usable; throws if the files are not of this version's generator. */
export function loadBuiltinTypes(source: BuiltinTypesSource): BuiltinTypes {
  const file = source.resources as BuiltinResourcesFile;
  assert(file.format === builtinTypesFormat, 'resources.json has the format of this build', {
    format: file.format,
  });
  let schemas: BuiltinSchemasFile | undefined;
  const loadSchemas = (): BuiltinSchemasFile => {
    schemas ??= source.schemas() as BuiltinSchemasFile;
    return schemas;
  };
  const byKind = new Map(Object.entries(file.subresourceSchemas));
  for (const each of file.resources) byKind.set(kindKey(each), each.schema);
  return {
    kubernetesVersion: file.kubernetesVersion,
    resources: file.resources,
    openapi: file.openapi,
    definition: (name) => loadSchemas().definitions[name],
    schemaName: (kind) => byKind.get(kindKey(kind)),
  };
}

function kindKey(kind: GroupVersionKind): string {
  return `${kind.group}/${kind.version}/${kind.kind}`;
}
