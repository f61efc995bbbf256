/**
 * Turns parsed bodies into typed objects, as the typed decoder of Kubernetes does (K30, K32, K50):
 * types are checked with Go's texts, unknown fields and nulls are dropped and reported, quantities
 * and times get their canonical form, fields their fixed order, so that equal objects have equal
 * bytes (K44, K78). One walk over value and schema.
 */
import { isJsonArray, isJsonObject } from '../machinery/json';
import { fieldPath, setField } from '../machinery/json-parser';
import type { GroupVersionKind, Json, JsonObject } from '../machinery/object';
import type { BuiltinTypes } from './builtin-types';
import { decodeScalar, decodeSpecial, isRaw, kindOfJson, TypeMismatch } from './decode-scalars';
import type { SchemaLookup, StructuralSchema } from './structural-schema';

/** What decoding gave. */
export type DecodeResult =
  | {
      readonly kind: 'decoded';
      /** Unknown fields and nulls dropped, quantities canonical, fields in a fixed order. */
      readonly object: JsonObject;
      /** Texts of strict decoding without the duplicates: `unknown field "spec.zz"` (K50). */
      readonly unknownFields: readonly string[];
    }
  /** `message` is the whole text of the 400 (K30). */
  | { readonly kind: 'invalid'; readonly message: string };

/** k8s: strict errors beyond the hundredth are not listed. */
const unknownFieldsMax = 100;

/**
 * Makes a typed object of a built-in kind out of parsed JSON. Kind and apiVersion of the result
 * are those of `kind`, whatever the body says: the caller has compared them.
 */
export function decodeTyped(
  types: BuiltinTypes,
  kind: GroupVersionKind,
  value: JsonObject,
): DecodeResult {
  const name = types.schemaName(kind);
  if (name === undefined) {
    const version = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    const message = `no kind ${JSON.stringify(kind.kind)} is registered for version "${version}"`;
    return { kind: 'invalid', message };
  }
  const walker = new Walker((each) => types.definition(each));
  try {
    const object = walker.decode(name, value);
    return { kind: 'decoded', object, unknownFields: walker.unknownFields };
  } catch (error) {
    if (!(error instanceof TypeMismatch)) throw error;
    const handled = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a`;
    return { kind: 'invalid', message: `${handled} ${kind.kind}: ${error.message}` };
  }
}

/** Names that come first in an object, as Kubernetes writes them. */
const leadingNames = ['kind', 'apiVersion', 'metadata'];

class Walker {
  readonly #lookup: SchemaLookup;
  /** Where the walk is, as strict errors show it: `spec.containers[0].name`. */
  readonly #path: (string | number)[] = [];
  /** The same as Go's type errors show it: fields alone, neither indices nor keys of maps. */
  readonly #goPath: string[] = [];
  /** Name of the innermost Go struct, for texts. */
  #struct = '';
  readonly unknownFields: string[] = [];

  constructor(lookup: SchemaLookup) {
    this.#lookup = lookup;
  }

  decode(name: string, value: JsonObject): JsonObject {
    return this.#fields(name, this.#definition(name), value);
  }

  #definition(name: string): StructuralSchema {
    const schema = this.#lookup(name);
    if (schema === undefined) throw new TypeMismatch(`unknown type ${name}`);
    return schema;
  }

  /** Undefined for what is to be left out. */
  #value(schema: StructuralSchema, value: Json): Json | undefined {
    if (schema.$ref !== undefined) return this.#reference(schema.$ref, value);
    if (schema.type === undefined) return value;
    if (schema.type === 'array') return this.#list(schema, value);
    if (schema.type === 'object') return this.#map(schema, value);
    return decodeScalar(schema, value, (type) => this.#mismatch(value, type));
  }

  #reference(name: string, value: Json): Json | undefined {
    if (isRaw(name)) return value;
    const special = decodeSpecial(name, value);
    if (special !== undefined) return special;
    const union = schemaUnions.get(name.slice(name.lastIndexOf('.') + 1));
    if (union !== undefined) return this.#union(union, value);
    if (!isJsonObject(value)) throw this.#mismatch(value, goType({ $ref: name }));
    return this.#fields(name, this.#definition(name), value);
  }

  #fields(name: string, schema: StructuralSchema, value: JsonObject): JsonObject {
    const outer = this.#struct;
    this.#struct = name.slice(name.lastIndexOf('.') + 1);
    const found: Record<string, Json> = {};
    const properties = schema.properties ?? {};
    for (const [field, each] of Object.entries(value)) {
      this.#path.push(field);
      this.#goPath.push(field);
      const property = Object.hasOwn(properties, field) ? properties[field] : undefined;
      if (property === undefined) this.#addUnknown();
      else if (each !== undefined && each !== null) {
        const decoded = this.#value(property, each);
        const isRequired = schema.required?.includes(field) === true;
        if (decoded !== undefined && (isRequired || !isEmptyCollection(property, decoded))) {
          found[field] = decoded;
        }
      }
      this.#path.pop();
      this.#goPath.pop();
    }
    this.#struct = outer;
    return inOrder(properties, found);
  }

  #list(schema: StructuralSchema, value: Json): readonly Json[] {
    if (!isJsonArray(value)) throw this.#mismatch(value, goType(schema));
    const items = schema.items ?? {};
    const decoded: Json[] = [];
    for (const [index, item] of value.entries()) {
      if (item === null) continue;
      this.#path.push(index);
      const each = this.#value(items, item);
      if (each !== undefined) decoded.push(each);
      this.#path.pop();
    }
    return decoded;
  }

  #map(schema: StructuralSchema, value: Json): JsonObject {
    if (!isJsonObject(value)) throw this.#mismatch(value, goType(schema));
    const { additionalProperties } = schema;
    if (typeof additionalProperties !== 'object') return value;
    const decoded: Record<string, Json> = {};
    for (const [key, item] of Object.entries(value).sort(byKey)) {
      if (item === undefined || item === null) continue;
      this.#path.push(key);
      const each = this.#value(additionalProperties, item);
      if (each !== undefined) setField(decoded, key, each);
      this.#path.pop();
    }
    return decoded;
  }

  /** The three places of a custom resource's schema that take a schema or something else. */
  #union(union: SchemaUnion, value: Json): Json | undefined {
    if (union === 'bool' && typeof value === 'boolean') return value;
    if (union === 'strings' && isJsonArray(value)) return value;
    if (union === 'list' && isJsonArray(value)) {
      return this.#list({ type: 'array', items: { $ref: jsonSchemaProps } }, value);
    }
    return this.#reference(jsonSchemaProps, value);
  }

  #addUnknown(): void {
    if (this.unknownFields.length >= unknownFieldsMax) return;
    this.unknownFields.push(`unknown field ${JSON.stringify(fieldPath(this.#path))}`);
  }

  #mismatch(value: Json, type: string): TypeMismatch {
    const place = `${this.#struct}.${this.#goPath.join('.')}`;
    const found = kindOfJson(value, type);
    return new TypeMismatch(
      `json: cannot unmarshal ${found} into Go struct field ${place} of type ${type}`,
    );
  }
}

type SchemaUnion = 'bool' | 'list' | 'strings';

const schemaUnions: ReadonlyMap<string, SchemaUnion> = new Map([
  ['JSONSchemaPropsOrBool', 'bool'],
  ['JSONSchemaPropsOrArray', 'list'],
  ['JSONSchemaPropsOrStringArray', 'strings'],
]);

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** Empty lists and maps are left out, as Go's `omitempty` does; empty structs say something. */
function isEmptyCollection(schema: StructuralSchema, value: Json): boolean {
  if (schema.type === 'array') return isJsonArray(value) && value.length === 0;
  const isMap = schema.type === 'object' && typeof schema.additionalProperties === 'object';
  return isMap && isJsonObject(value) && Object.keys(value).length === 0;
}

function inOrder(
  properties: Readonly<Record<string, StructuralSchema>>,
  found: Record<string, Json>,
): JsonObject {
  const ordered: Record<string, Json> = {};
  for (const name of leadingNames) {
    if (found[name] !== undefined) ordered[name] = found[name];
  }
  for (const name of Object.keys(properties)) {
    if (found[name] !== undefined) setField(ordered, name, found[name]);
  }
  return ordered;
}

/** The Go type of a schema, as texts name it: `[]v1.Container`, `map[string]string`, `int32`. */
function goType(schema: StructuralSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('.').slice(-2).join('.');
  switch (schema.type) {
    case 'array':
      return `[]${goType(schema.items ?? {})}`;
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? `map[string]${goType(schema.additionalProperties)}`
        : 'map[string]interface {}';
    case 'integer':
      return schema.format ?? 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'string':
      return schema.format === 'byte' ? '[]uint8' : 'string';
    default:
      return 'interface {}';
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
