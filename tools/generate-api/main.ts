/**
 * Generates `dist/api` at build time: the table of built-in resources, their schemas, and one
 * OpenAPI document per group version, out of two exact-pinned npm packages (K92). Nothing of it is
 * committed. The build fails when a source is not as this generator expects.
 *
 *   resources.json         eager: names, scope, verbs, kinds, the index of OpenAPI documents
 *   schemas.json           at the first write: definitions without texts, for decoding and patches
 *   openapi/<gv>.json      on demand: what GET /openapi/v3/<gv> answers
 *   NOTICE, LICENSE        where the data comes from
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  builtinTypesFormat,
  type BuiltinOpenapiDocument,
  type BuiltinResource,
  type BuiltinResourcesFile,
  type BuiltinSchemasFile,
  type StructuralSchema,
} from '../../apiserver/schema';
import { readClientNode } from './client-node';
import { DefinitionJoin } from './definitions';
import { noticeText } from './notice';
import { commonDefinitions, openapiDocument, type SchemaNames } from './openapi';
import { findResources, type FoundResource } from './resources';
import { definitionsPrefix, expectShape, reachable } from './schema-json';
import type { Definitions, SchemaJson } from './schema-json';

const root = join(__dirname, '..', '..');
const output = join(root, 'dist', 'api');
const packageOf = (name: string): string => join(root, 'node_modules', ...name.split('/'));

interface Swagger {
  readonly definitions: Record<string, SchemaJson>;
}

/** Go packages of the groups' types where the group's name does not say it. */
const groupPackages: Readonly<Record<string, string>> = {
  '': 'io.k8s.api.core',
  'apiextensions.k8s.io': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
};

function packageName(group: string): string {
  return groupPackages[group] ?? `io.k8s.api.${group.split('.')[0] ?? ''}`;
}

function main(): void {
  const clientNode = readClientNode(packageOf('@kubernetes/client-node'));
  const swaggerFile = join(packageOf('@kubev2v/types'), 'src/generated/kubernetes/swagger.json');
  const swagger = JSON.parse(readFileSync(swaggerFile, 'utf8')) as Swagger;
  const base: Definitions = new Map(Object.entries(swagger.definitions));
  expectShape(base.size >= 500, `over 500 definitions in the swagger, found ${String(base.size)}`);

  const resources = findResources(clientNode.operations);
  expectShape(resources.length >= 68, `at least 68 resources, found ${String(resources.length)}`);
  const joined = joinAll(new DefinitionJoin(clientNode, base), resources);
  const stripped = strippedSchemas(joined.definitions, joined.roots);

  rmSync(output, { recursive: true, force: true });
  mkdirSync(join(output, 'openapi'), { recursive: true });
  const openapi = writeOpenapi(resources, joined.definitions, joined.names, clientNode);
  const resourcesFile: BuiltinResourcesFile = {
    format: builtinTypesFormat,
    kubernetesVersion: clientNode.kubernetesVersion,
    resources: resources.map((each) => finishResource(each, joined.names)),
    subresourceSchemas: joined.subresourceSchemas,
    openapi,
  };
  const schemasFile: BuiltinSchemasFile = { format: builtinTypesFormat, definitions: stripped };
  writeJson('resources.json', resourcesFile);
  writeJson('schemas.json', schemasFile);
  const license = readFileSync(join(packageOf('@kubernetes/client-node'), 'LICENSE'), 'utf8');
  expectShape(license.includes('Apache License'), 'the Apache licence in client-node');
  writeFileSync(join(output, 'LICENSE'), license);
  writeFileSync(join(output, 'NOTICE'), noticeText(root, clientNode.kubernetesVersion));
  const count = `${String(resources.length)} resources, ${String(openapi.length)} group versions`;
  console.log(`dist/api: Kubernetes ${clientNode.kubernetesVersion}, ${count}`);
}

interface Joined {
  readonly definitions: Definitions;
  readonly roots: readonly string[];
  readonly names: SchemaNames;
  readonly subresourceSchemas: Readonly<Record<string, string>>;
}

function joinAll(join: DefinitionJoin, resources: readonly FoundResource[]): Joined {
  const kinds = new Map<FoundResource, string>();
  const lists = new Map<FoundResource, string>();
  const subresources = new Map<string, string>();
  const subresourceSchemas: Record<string, string> = {};
  for (const resource of resources) {
    const owner = packageName(resource.group);
    kinds.set(resource, join.join(resource.model, owner));
    if (resource.listModel !== '') lists.set(resource, join.join(resource.listModel, owner));
    for (const [name, model] of resource.subresourceModels) {
      const definition = join.join(model, owner);
      subresources.set(idOf(resource, name), definition);
      const kind = resource.subresources.find((each) => each.name === name)?.kind;
      if (kind !== undefined && kind.kind !== resource.kind) {
        subresourceSchemas[`${kind.group}/${kind.version}/${kind.kind}`] = definition;
      }
    }
  }
  const definitions = join.definitions();
  for (const [resource, name] of kinds) setKind(definitions, name, resource, resource.kind);
  for (const [resource, name] of lists)
    setKind(definitions, name, resource, `${resource.kind}List`);
  if (join.added.length > 0) console.log(`dist/api: ${String(join.added.length)} types are new`);
  return {
    definitions,
    roots: [...kinds.values(), ...lists.values(), ...subresources.values(), ...commonDefinitions],
    names: {
      kind: (resource) => kinds.get(resource) ?? '',
      list: (resource) => lists.get(resource),
      subresource: (resource, name) => subresources.get(idOf(resource, name)),
    },
    subresourceSchemas,
  };
}

function idOf(resource: FoundResource, subresource: string): string {
  return `${resource.group}/${resource.version}/${resource.resource}/${subresource}`;
}

function setKind(
  definitions: Definitions,
  name: string,
  version: { readonly group: string; readonly version: string },
  kind: string,
): void {
  const schema = definitions.get(name);
  expectShape(schema !== undefined, `a definition ${name}`);
  const own = { group: version.group, kind, version: version.version };
  definitions.set(name, { ...schema, 'x-kubernetes-group-version-kind': [own] });
}

function finishResource(resource: FoundResource, names: SchemaNames): BuiltinResource {
  const { group, version, resource: plural, kind, isNamespaced, verbs, subresources } = resource;
  const schema = names.kind(resource);
  const storageVersionHash = storageHash(group, version, kind);
  const description = { group, version, resource: plural, kind, isNamespaced };
  return { ...description, verbs, subresources, schema, storageVersionHash };
}

/** k8s: apiserver/pkg/endpoints/discovery/storageversionhash.go */
function storageHash(group: string, version: string, kind: string): string {
  const text = `${group}/${version}/${kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

/** Definitions without texts and without what the server does not look at. */
function strippedSchemas(
  definitions: Definitions,
  roots: readonly string[],
): Record<string, StructuralSchema> {
  const stripped: Record<string, StructuralSchema> = {};
  for (const [name, schema] of reachable(definitions, roots)) stripped[name] = strip(schema);
  return stripped;
}

const keptExtensions = [
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const;

function strip(schema: SchemaJson): StructuralSchema {
  const result: Record<string, unknown> = {};
  if (schema.$ref !== undefined) result['$ref'] = schema.$ref.slice(definitionsPrefix.length);
  if (schema.type !== undefined) result['type'] = schema.type;
  if (schema.format !== undefined) result['format'] = schema.format;
  if (schema.required !== undefined) result['required'] = schema.required;
  if (schema.default !== undefined) result['default'] = schema.default;
  if (schema.enum !== undefined) result['enum'] = schema.enum;
  for (const extension of keptExtensions) {
    if (schema[extension] !== undefined) result[extension] = schema[extension];
  }
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties).map(([name, each]) => [name, strip(each)]);
    result['properties'] = Object.fromEntries(entries);
  }
  if (schema.items !== undefined) result['items'] = strip(schema.items);
  if (schema.additionalProperties !== undefined) {
    result['additionalProperties'] = strip(schema.additionalProperties);
  }
  return result;
}

function writeOpenapi(
  resources: readonly FoundResource[],
  definitions: Definitions,
  names: SchemaNames,
  source: { readonly kubernetesVersion: string },
): readonly BuiltinOpenapiDocument[] {
  const groups = new Map<string, FoundResource[]>();
  for (const resource of resources) {
    const { group, version } = resource;
    const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const found = groups.get(path);
    if (found === undefined) groups.set(path, [resource]);
    else found.push(resource);
  }
  return [...groups].map(([path, members]) => {
    const roots = members.flatMap((each) => [
      names.kind(each),
      names.list(each) ?? names.kind(each),
      ...each.subresources.map(({ name }) => names.subresource(each, name) ?? names.kind(each)),
    ]);
    const needed = reachable(definitions, [...roots, ...commonDefinitions]);
    const title = `v${source.kubernetesVersion}.0`;
    const text = JSON.stringify(openapiDocument(title, members, needed, names));
    const file = `openapi/${path.replaceAll('/', '__')}.json`;
    writeFileSync(join(output, file), text);
    return { path, hash: createHash('sha512').update(text).digest('hex').toUpperCase(), file };
  });
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(output, name), JSON.stringify(value));
}

main();
