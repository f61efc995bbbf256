/**
 * Joins the two sources: the swagger as base, since it has list types and patch keys, and the
 * models of client-node over it, since they are newer: new fields, new types, new texts (K92).
 */
import type { ClientNode, Model, ModelField } from './client-node';
import { overlayField } from './overlay';
import { definitionsPrefix, expectShape, withoutKeys } from './schema-json';
import type { Definitions, SchemaJson } from './schema-json';

/** Where the types of each group live in Go, when a model's name says the group. */
const packages: Readonly<Record<string, string>> = {
  Apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  Apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
};

/** Types that are no class in client-node. */
const specialTypes: Readonly<Record<string, string>> = {
  Date: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  V1MicroTime: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
};

/** Says which definition a model stands for, and makes those that are not there yet. */
export class DefinitionJoin {
  readonly #clientNode: ClientNode;
  readonly #swagger: Definitions;
  readonly #byShortName = new Map<string, string[]>();
  readonly #joined: Definitions = new Map();
  /** Definitions that only the newer source has, for the log of the build. */
  readonly added: string[] = [];

  constructor(clientNode: ClientNode, swagger: Definitions) {
    this.#clientNode = clientNode;
    this.#swagger = swagger;
    for (const name of swagger.keys()) {
      const short = name.split('.').slice(-2).join('.');
      const found = this.#byShortName.get(short);
      if (found === undefined) this.#byShortName.set(short, [name]);
      else found.push(name);
    }
  }

  /** All definitions joined so far, and all of the swagger that were not touched. */
  definitions(): Definitions {
    return new Map([...this.#swagger, ...this.#joined]);
  }

  /** Joins a model and all it refers to; returns its definition's name. */
  join(modelName: string, packageName: string): string {
    const model = this.#clientNode.model(modelName);
    expectShape(model !== undefined, `a model ${modelName}`);
    const name = this.#definitionName(modelName, packageName);
    if (this.#joined.has(name)) return name;
    const base = this.#swagger.get(name);
    if (base === undefined) this.added.push(name);
    this.#joined.set(name, {}); // Before the fields: types refer to themselves.
    this.#joined.set(name, this.#joinModel(name, model, base ?? this.#olderVersion(name)));
    return name;
  }

  #joinModel(name: string, model: Model, base: SchemaJson | undefined): SchemaJson {
    if (base !== undefined && base.properties === undefined && model.fields.length === 0) {
      return base;
    }
    const packageName = name.split('.').slice(0, -2).join('.');
    const short = name.split('.').slice(-3).join('.');
    const properties: Record<string, SchemaJson> = {};
    for (const field of [...model.fields].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      properties[field.name] = this.#joinField(short, packageName, field, base);
    }
    const required = model.fields.filter((field) => field.isRequired).map((field) => field.name);
    return {
      description: model.description === '' ? (base?.description ?? '') : model.description,
      ...withoutKeys(base ?? {}, 'properties', 'required', 'description'),
      type: 'object',
      ...(model.fields.length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required: required.sort() }),
    };
  }

  #joinField(
    definition: string,
    packageName: string,
    field: ModelField,
    base: SchemaJson | undefined,
  ): SchemaJson {
    const known = base?.properties?.[field.name];
    const fresh = this.#fieldSchema(field, packageName);
    const text = field.description === '' ? known?.description : field.description;
    const description = text === undefined ? {} : { description: text };
    if (known === undefined) {
      return overlayField(definition, field.name, { ...description, ...fresh });
    }
    // A known field keeps its form: the swagger says quantity where client-node says string. Its
    // references are renewed, since those of an older version name that version's types.
    const form = fresh.$ref ?? fresh.items?.$ref ?? fresh.additionalProperties?.$ref;
    return { ...(form === undefined ? known : { ...known, ...fresh }), ...description };
  }

  #fieldSchema(field: ModelField, packageName: string): SchemaJson {
    return this.#typeSchema(field.type, field.format, packageName);
  }

  #typeSchema(type: string, format: string, packageName: string): SchemaJson {
    const list = /^Array<(.*)>$/.exec(type)?.[1];
    if (list !== undefined) {
      return { type: 'array', items: this.#typeSchema(list, format, packageName) };
    }
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
    if (map !== undefined) {
      const additionalProperties = this.#typeSchema(map, format, packageName);
      return { type: 'object', additionalProperties };
    }
    if (type === 'string') return format === '' ? { type } : { type, format };
    if (type === 'boolean') return { type };
    if (type === 'number') {
      if (format === 'double') return { type: 'number', format };
      return { type: 'integer', format: format === '' ? 'int32' : format };
    }
    if (type === 'any' || type === 'object') return { type: 'object' };
    const special = specialTypes[type];
    if (special !== undefined) return { $ref: definitionsPrefix + special };
    return { $ref: definitionsPrefix + this.join(type, packageName) };
  }

  /** `CoreV1Event` is `io.k8s.api.core.v1.Event`; without a group the swagger or the user knows. */
  #definitionName(modelName: string, packageName: string): string {
    if (modelName === 'VersionInfo') return 'io.k8s.apimachinery.pkg.version.Info';
    const parts = /^([A-Z][a-z]+)??V(\d+(?:(?:alpha|beta)\d+)?)(.+)$/.exec(modelName);
    expectShape(parts !== null, `a version in the model name ${modelName}`);
    const [, group, version, kind] = parts;
    const short = `v${version ?? ''}.${kind ?? ''}`;
    if (group !== undefined) {
      return `${packages[group] ?? `io.k8s.api.${group.toLowerCase()}`}.${short}`;
    }
    const known = this.#byShortName.get(short) ?? [];
    if (known.length === 1) return known[0] ?? '';
    const own = `${packageName}.${short}`;
    expectShape(known.length === 0 || known.includes(own), `one group for model ${modelName}`);
    return own;
  }

  /** A type that the swagger has only as alpha or beta: its patch keys hold for v1 too. */
  #olderVersion(name: string): SchemaJson | undefined {
    const parts = name.split('.');
    const kind = parts.at(-1) ?? '';
    const prefix = parts.slice(0, -2).join('.');
    for (const version of ['v1beta1', 'v1alpha1', 'v1alpha2']) {
      const older = this.#swagger.get(`${prefix}.${version}.${kind}`);
      if (older !== undefined) {
        return withoutKeys(older, 'x-kubernetes-group-version-kind');
      }
    }
    return undefined;
  }
}
