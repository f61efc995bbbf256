/** Shapes shared by the files of the generator: OpenAPI v2 definitions as the swagger has them. */

/** A definition or a property of the swagger. */
export interface SchemaJson {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, SchemaJson>;
  additionalProperties?: SchemaJson;
  items?: SchemaJson;
  required?: string[];
  default?: unknown;
  enum?: unknown[];
  [extension: `x-kubernetes-${string}`]: unknown;
}

/** Definitions by their full name. */
export type Definitions = Map<string, SchemaJson>;

/** Prefix of references in the swagger. */
export const definitionsPrefix = '#/definitions/';

/** Calls `visit` with the name of every definition that a schema refers to. */
export function forEachReference(schema: SchemaJson, visit: (name: string) => void): void {
  if (schema.$ref !== undefined) visit(schema.$ref.slice(definitionsPrefix.length));
  for (const property of Object.values(schema.properties ?? {})) forEachReference(property, visit);
  if (schema.additionalProperties !== undefined) {
    forEachReference(schema.additionalProperties, visit);
  }
  if (schema.items !== undefined) forEachReference(schema.items, visit);
}

/** All definitions reachable from `roots`, sorted by name. */
export function reachable(definitions: Definitions, roots: readonly string[]): Definitions {
  const found = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const schema = definitions.get(name);
    if (schema === undefined) throw new Error(`Cannot resolve a reference: received ${name}`);
    found.add(name);
    forEachReference(schema, (next) => open.push(next));
  }
  const entries = [...found].sort().map((name) => [name, definitions.get(name) ?? {}] as const);
  return new Map(entries);
}

/** A schema without some of its keys. */
export function withoutKeys(schema: SchemaJson, ...keys: readonly string[]): SchemaJson {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}

/** Fails the build: the source is not what this generator was written for. */
export function expectShape(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Cannot generate the built-in types: expected ${what}`);
}
