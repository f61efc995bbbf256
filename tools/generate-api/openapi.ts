/**
 * Makes one OpenAPI v3 document per group version, ready to be served (K60). Schemas are the
 * joined definitions in version 3's words. Paths are made from the table of resources: kubectl
 * looks for the kind of a resource, and for `fieldValidation` and `dryRun` on its PATCH.
 */
import type { BuiltinVerb } from '../../apiserver/schema';
import type { FoundResource } from './resources';
import { definitionsPrefix, withoutKeys, type Definitions, type SchemaJson } from './schema-json';

type JsonRecord = Record<string, unknown>;

const componentsPrefix = '#/components/schemas/';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Definitions that every document carries besides those of its kinds. */
export const commonDefinitions: readonly string[] = [
  `${meta}.APIResourceList`,
  `${meta}.DeleteOptions`,
  `${meta}.Patch`,
  `${meta}.Status`,
  `${meta}.WatchEvent`,
];

/** What one operation needs to know. */
interface OperationFacts {
  readonly verb: BuiltinVerb;
  readonly resource: FoundResource;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly bodySchema: string;
  readonly resultSchema: string;
  readonly parent: string;
}

/** Definition names of kinds and lists, as the caller joined them. */
export interface SchemaNames {
  kind(resource: FoundResource): string;
  list(resource: FoundResource): string | undefined;
  subresource(resource: FoundResource, subresource: string): string | undefined;
}

/** The document of one group version. */
export function openapiDocument(
  title: string,
  resources: readonly FoundResource[],
  definitions: Definitions,
  names: SchemaNames,
): JsonRecord {
  const paths: JsonRecord = {};
  for (const resource of resources) addPaths(paths, resource, names);
  const schemas: JsonRecord = {};
  for (const [name, schema] of definitions) schemas[name] = componentSchema(schema);
  const securitySchemes = {
    BearerToken: {
      type: 'apiKey',
      description: 'Bearer Token authentication',
      name: 'authorization',
      in: 'header',
    },
  };
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: title },
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { schemas, securitySchemes },
  };
}

function addPaths(paths: JsonRecord, resource: FoundResource, names: SchemaNames): void {
  const { group, version, resource: plural, isNamespaced, verbs } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = isNamespaced
    ? `${root}/namespaces/{namespace}/${plural}`
    : `${root}/${plural}`;
  const item = `${collection}/{name}`;
  const kind = { group, version, kind: resource.kind };
  const own = names.kind(resource);
  const list = names.list(resource) ?? own;
  const facts = { resource, kind, bodySchema: own, resultSchema: own, parent: plural };
  const at = (path: string, chosen: readonly BuiltinVerb[], more: Partial<OperationFacts> = {}) => {
    const present = chosen.filter((verb) => verbs.includes(verb));
    if (present.length === 0) return;
    const operations = present.map((verb) => operation({ ...facts, verb, ...more }));
    paths[path] = { ...Object.assign({}, ...operations), parameters: pathParameters(path) };
  };
  at(collection, ['list', 'create', 'deletecollection'], { resultSchema: list });
  if (isNamespaced) at(`${root}/${plural}`, ['list'], { resultSchema: list });
  at(item, ['get', 'update', 'patch', 'delete']);
  for (const subresource of resource.subresources) {
    const schema = names.subresource(resource, subresource.name) ?? own;
    const shared = { resource, kind: subresource.kind, bodySchema: schema, resultSchema: schema };
    const path = `${item}/${subresource.name}`;
    const parent = `${plural}/${subresource.name}`;
    const operations = subresource.verbs.map((verb) => operation({ ...shared, verb, parent }));
    paths[path] = { ...Object.assign({}, ...operations), parameters: pathParameters(path) };
  }
}

const methods: Readonly<Record<BuiltinVerb, string>> = {
  create: 'post',
  delete: 'delete',
  deletecollection: 'delete',
  get: 'get',
  list: 'get',
  patch: 'patch',
  update: 'put',
  watch: 'get',
};

const actions: Readonly<Record<BuiltinVerb, string>> = {
  create: 'post',
  delete: 'delete',
  deletecollection: 'deletecollection',
  get: 'get',
  list: 'list',
  patch: 'patch',
  update: 'put',
  watch: 'watch',
};

const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

function operation(facts: OperationFacts): JsonRecord {
  const { verb, kind, parent } = facts;
  const result = verb === 'deletecollection' ? `${meta}.Status` : facts.resultSchema;
  const shown = verb === 'create' ? facts.bodySchema : result;
  const body: JsonRecord = {};
  if (verb === 'create' || verb === 'update') body['requestBody'] = content(facts.bodySchema);
  if (verb === 'delete' || verb === 'deletecollection') {
    body['requestBody'] = content(`${meta}.DeleteOptions`);
  }
  if (verb === 'patch') body['requestBody'] = content(`${meta}.Patch`, patchTypes);
  const parameters = queryParameters(verb);
  return {
    [methods[verb]]: {
      tags: [tagOf(facts.resource)],
      description: `${verb} ${parent}`,
      operationId: operationId(facts),
      ...(parameters.length === 0 ? {} : { parameters }),
      ...body,
      responses: {
        '200': { description: 'OK', ...content(shown) },
        '401': { description: 'Unauthorized' },
      },
      'x-kubernetes-action': actions[verb],
      'x-kubernetes-group-version-kind': kind,
    },
  };
}

function content(schema: string, types: readonly string[] = ['application/json']): JsonRecord {
  const reference = { schema: { $ref: componentsPrefix + schema } };
  return { content: Object.fromEntries(types.map((type) => [type, reference])) };
}

function tagOf(resource: FoundResource): string {
  const group = resource.group === '' ? 'core' : (resource.group.split('.')[0] ?? '');
  return `${group}_${resource.version}`;
}

function operationId(facts: OperationFacts): string {
  const words = [facts.verb, tagOf(facts.resource), ...facts.parent.split('/')];
  const name = words
    .flatMap((word) => word.split('_'))
    .map((word, index) => {
      return index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1);
    });
  return name.join('');
}

function queryParameters(verb: BuiltinVerb): readonly JsonRecord[] {
  switch (verb) {
    case 'create':
    case 'update':
      return ['dryRun', 'fieldManager', 'fieldValidation'].map(textParameter);
    case 'patch':
      return [
        ...['dryRun', 'fieldManager', 'fieldValidation'].map(textParameter),
        parameter('force', 'boolean'),
      ];
    case 'delete':
      return [
        textParameter('dryRun'),
        parameter('gracePeriodSeconds', 'integer'),
        parameter('orphanDependents', 'boolean'),
        textParameter('propagationPolicy'),
      ];
    case 'list':
    case 'deletecollection':
      return [
        parameter('allowWatchBookmarks', 'boolean'),
        ...['continue', 'fieldSelector', 'labelSelector'].map(textParameter),
        parameter('limit', 'integer'),
        ...['resourceVersion', 'resourceVersionMatch'].map(textParameter),
        parameter('sendInitialEvents', 'boolean'),
        parameter('timeoutSeconds', 'integer'),
        parameter('watch', 'boolean'),
      ];
    case 'get':
    case 'watch':
      return [];
  }
}

function textParameter(name: string): JsonRecord {
  return parameter(name, 'string');
}

function parameter(name: string, type: string): JsonRecord {
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}

function pathParameters(path: string): readonly JsonRecord[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const inPath = names.map((name) => {
    return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
  });
  return [...inPath, textParameter('pretty')];
}

/** A definition in the words of version 3: references stand in `allOf`, unions in `oneOf`. */
function componentSchema(schema: SchemaJson): JsonRecord {
  const { $ref, properties, items, additionalProperties, format, ...rest } = schema;
  if ($ref !== undefined) {
    const reference = { $ref: componentsPrefix + $ref.slice(definitionsPrefix.length) };
    return Object.keys(rest).length === 0 ? reference : { ...rest, allOf: [reference] };
  }
  if (format === 'int-or-string') {
    return {
      ...withoutKeys(rest, 'type'),
      format,
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    };
  }
  return {
    ...rest,
    ...(format === undefined ? {} : { format }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, each]) => [name, componentSchema(each)]),
          ),
        }),
    ...(items === undefined ? {} : { items: componentSchema(items) }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: componentSchema(additionalProperties) }),
  };
}
