/**
 * Strategic merge patch (K53), which `kubectl apply`, `edit`, `patch` and `set` send: a merge patch
 * that knows from the schema which lists are merged, and by which key. Directives say what a merge
 * cannot: `$patch: replace|delete|merge`, `$deleteFromPrimitiveList/f`, `$setElementOrder/f`,
 * `$retainKeys`. k8s: apimachinery/pkg/util/strategicpatch.
 */
import { isJsonArray, isJsonObject, sameJson, stringifyJson } from '../machinery/json';
import { setField } from '../machinery/json-parser';
import type { GroupVersionKind, Json, JsonObject } from '../machinery/object';
import type { BuiltinTypes } from './builtin-types';
import { mergeInOrder } from './element-order';
import type { SchemaLookup, StructuralSchema } from './structural-schema';

/** What applying gave. */
export type StrategicMergeResult =
  | { readonly kind: 'patched'; readonly object: JsonObject }
  /** `message` says what is wrong with the patch (400). */
  | { readonly kind: 'failed'; readonly message: string };

const patchDirective = '$patch';
const retainKeysDirective = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

class PatchMistake extends Error {
  override readonly name = 'PatchMistake';
}

/** The object of a built-in kind with a strategic merge patch applied; neither is changed. */
export function applyStrategicMergePatch(
  types: BuiltinTypes,
  kind: GroupVersionKind,
  document: JsonObject,
  patch: JsonObject,
): StrategicMergeResult {
  const name = types.schemaName(kind);
  const merger = new Merger((each) => types.definition(each));
  try {
    const schema = name === undefined ? undefined : types.definition(name);
    return { kind: 'patched', object: merger.mergeMap(document, patch, schema) };
  } catch (error) {
    if (!(error instanceof PatchMistake)) throw error;
    return { kind: 'failed', message: error.message };
  }
}

/** A list in the patch with what its directives say about it. */
interface ListChange {
  readonly items: readonly Json[];
  readonly order: readonly Json[] | undefined;
}

class Merger {
  readonly #lookup: SchemaLookup;

  constructor(lookup: SchemaLookup) {
    this.#lookup = lookup;
  }

  mergeMap(
    original: JsonObject,
    patch: JsonObject,
    schema: StructuralSchema | undefined,
  ): JsonObject {
    const directive = patch[patchDirective];
    if (directive === 'replace') return this.#cleaned(without(patch, patchDirective), schema);
    if (directive === 'delete') return {};
    if (directive !== undefined && directive !== 'merge') {
      throw new PatchMistake(`unknown patch type "${stringifyJson(directive)}" in map`);
    }
    const merged = this.#retained(original, patch);
    for (const [name, change] of Object.entries(patch)) {
      if (change !== undefined && !name.startsWith('$')) {
        this.#mergeField(merged, name, change, patch, schema);
      }
    }
    for (const [name, value] of Object.entries(patch)) {
      if (name.startsWith(orderPrefix)) this.#orderOnly(merged, name, value, patch, schema);
      if (name.startsWith(deletePrefix))
        deleteItems(merged, name.slice(deletePrefix.length), value);
    }
    return merged;
  }

  /** A copy of the original, with `$retainKeys` only of the keys it names. */
  #retained(original: JsonObject, patch: JsonObject): Record<string, Json> {
    const kept: Record<string, Json> = {};
    const keys = patch[retainKeysDirective];
    if (keys !== undefined && !isJsonArray(keys)) {
      throw new PatchMistake(`invalid ${retainKeysDirective}: it is not a list`);
    }
    for (const [name, value] of Object.entries(original)) {
      if (value !== undefined && (keys === undefined || keys.includes(name))) {
        setField(kept, name, value);
      }
    }
    return kept;
  }

  #mergeField(
    merged: Record<string, Json>,
    name: string,
    change: Json,
    patch: JsonObject,
    schema: StructuralSchema | undefined,
  ): void {
    if (change === null) {
      Reflect.deleteProperty(merged, name);
      return;
    }
    const field = this.#fieldSchema(schema, name);
    const strategies = (field?.['x-kubernetes-patch-strategy'] ?? '').split(',');
    const current = Object.hasOwn(merged, name) ? merged[name] : undefined;
    if (isJsonObject(change)) {
      const isReplaced = strategies.includes('replace') || !isJsonObject(current);
      const base = isReplaced ? {} : current;
      setField(merged, name, this.mergeMap(base, change, this.#resolved(field)));
    } else if (isJsonArray(change) && strategies.includes('merge') && field !== undefined) {
      const order = patch[`${orderPrefix}${name}`];
      const orderList = isJsonArray(order) ? order : undefined;
      const items = isJsonArray(current) ? current : [];
      setField(merged, name, this.#mergeList(items, { items: change, order: orderList }, field));
    } else {
      setField(merged, name, change);
    }
  }

  #mergeList(
    original: readonly Json[],
    change: ListChange,
    schema: StructuralSchema,
  ): readonly Json[] {
    const key = schema['x-kubernetes-patch-merge-key'];
    const isOfMaps = [...original, ...change.items].some(isJsonObject);
    if (!isOfMaps) {
      const union = [...original, ...change.items.filter((item) => !original.includes(item))];
      return mergeInOrder(union, change.order ?? change.items, original, sameJson);
    }
    if (key === undefined) throw new PatchMistake('cannot merge a list of maps without a key');
    const element = this.#resolved(schema.items);
    const maps = change.items.map((item) => asMap(item));
    if (maps.some((item) => item[patchDirective] === 'replace')) {
      const others = maps.filter((item) => item[patchDirective] !== 'replace');
      return others.map((item) => this.#cleaned(item, element));
    }
    let merged = [...original];
    for (const item of maps) {
      const value = item[key];
      if (value === undefined) throw new PatchMistake(missingKey(item, key));
      const isSame = (each: Json): boolean => isJsonObject(each) && sameJson(each[key], value);
      const at = merged.findIndex(isSame);
      if (item[patchDirective] === 'delete') merged = merged.filter((each) => !isSame(each));
      else if (at === -1) merged.push(this.#cleaned(item, element));
      else merged[at] = this.mergeMap(asMap(merged[at] ?? {}), item, element);
    }
    const kept = maps.filter((item) => item[patchDirective] !== 'delete');
    return mergeInOrder(merged, change.order ?? kept, original, byKey(key));
  }

  /** `$setElementOrder` for a list that the patch itself does not change. */
  #orderOnly(
    merged: Record<string, Json>,
    directive: string,
    order: Json | undefined,
    patch: JsonObject,
    schema: StructuralSchema | undefined,
  ): void {
    const name = directive.slice(orderPrefix.length);
    const list = merged[name];
    if (patch[name] !== undefined || !isJsonArray(list) || !isJsonArray(order)) return;
    const key = this.#fieldSchema(schema, name)?.['x-kubernetes-patch-merge-key'];
    const isSame = key === undefined ? sameJson : byKey(key);
    setField(merged, name, mergeInOrder(list, order, list, isSame));
  }

  /** What a patch says where there was nothing: without directives and nulls. */
  #cleaned(patch: JsonObject, schema: StructuralSchema | undefined): JsonObject {
    return this.mergeMap({}, without(patch, patchDirective), schema);
  }

  #fieldSchema(schema: StructuralSchema | undefined, name: string): StructuralSchema | undefined {
    const own = schema?.properties;
    if (own !== undefined) return Object.hasOwn(own, name) ? own[name] : undefined;
    const values = schema?.additionalProperties;
    return typeof values === 'object' ? values : undefined;
  }

  #resolved(schema: StructuralSchema | undefined): StructuralSchema | undefined {
    return schema?.$ref === undefined ? schema : this.#lookup(schema.$ref);
  }
}

function byKey(key: string): (a: Json, b: Json) => boolean {
  return (a, b) => isJsonObject(a) && isJsonObject(b) && sameJson(a[key], b[key]);
}

function asMap(item: Json): JsonObject {
  if (isJsonObject(item)) return item;
  throw new PatchMistake('cannot merge a list of maps with an item that is no map');
}

function missingKey(item: JsonObject, key: string): string {
  return `map: ${stringifyJson(item)} does not contain declared merge key: ${key}`;
}

function deleteItems(merged: Record<string, Json>, name: string, values: Json | undefined): void {
  const list = merged[name];
  if (!isJsonArray(list) || !isJsonArray(values)) return;
  setField(
    merged,
    name,
    list.filter((item) => !values.some((value) => sameJson(item, value))),
  );
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== name));
}
