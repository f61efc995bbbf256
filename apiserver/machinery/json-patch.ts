/**
 * JSON patches (RFC 6902) as Kubernetes applies them (K52): a missing path fails, `-` appends,
 * negative indices count from the end, `test` with null also holds for a field that is not there.
 * Pure: the document is never changed, the result shares what did not change.
 */
import { isJsonArray, isJsonObject, sameJson } from './json';
import { setField } from './json-parser';
import type { Json, JsonObject } from './object';

/** Operations beyond this number are refused with 413 (K52). */
export const jsonPatchOperationsMax = 10_000;

/**
 * All `copy` operations of a patch together may add about so many bytes, as in k8s: thirty of them,
 * each of what the one before made, would else turn a short text into an endless object.
 */
export const jsonPatchCopyBytesMax = 3 * 1024 * 1024;

/** One operation, checked. Paths are unescaped. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: Pointer; readonly value: Json }
  | { readonly op: 'remove'; readonly path: Pointer }
  | { readonly op: 'move' | 'copy'; readonly path: Pointer; readonly from: Pointer };

/** The steps of a JSON pointer; at least one. */
export type Pointer = readonly string[];

/** What parsing a patch gave. */
export type JsonPatchParseResult =
  | { readonly kind: 'parsed'; readonly operations: readonly JsonPatchOperation[] }
  | { readonly kind: 'invalid'; readonly message: string };

/** What applying a patch gave; the message says which operation failed and why. */
export type PatchResult =
  | { readonly kind: 'patched'; readonly value: Json }
  | { readonly kind: 'failed'; readonly message: string };

/** Checks the body of a patch. */
export function parseJsonPatch(body: Json): JsonPatchParseResult {
  if (!isJsonArray(body)) return { kind: 'invalid', message: 'a JSON patch is a list' };
  const operations: JsonPatchOperation[] = [];
  for (const [index, item] of body.entries()) {
    const operation = isJsonObject(item) ? parseOperation(item) : 'it is not an object';
    if (typeof operation === 'string') {
      return { kind: 'invalid', message: `operation ${String(index)}: ${operation}` };
    }
    operations.push(operation);
  }
  return { kind: 'parsed', operations };
}

function parseOperation(item: JsonObject): JsonPatchOperation | string {
  const path = parsePointer(item['path']);
  if (path === undefined) return 'path is not a JSON pointer to a field or an item';
  switch (item['op']) {
    case 'add':
    case 'replace':
    case 'test': {
      const value = item['value'];
      if (value === undefined && item['op'] !== 'test') return 'value is missing';
      return { op: item['op'], path, value: value ?? null };
    }
    case 'remove':
      return { op: 'remove', path };
    case 'move':
    case 'copy': {
      const from = parsePointer(item['from']);
      if (from === undefined) return 'from is not a JSON pointer to a field or an item';
      return { op: item['op'], path, from };
    }
    default:
      return 'op is none of add, copy, move, remove, replace, test';
  }
}

/** k8s: the whole document, an empty pointer, cannot be a target. */
function parsePointer(text: Json | undefined): Pointer | undefined {
  if (typeof text !== 'string' || !text.startsWith('/')) return undefined;
  const steps = text.slice(1).split('/');
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Applies the operations in order; the first that fails ends it. */
export function applyJsonPatch(
  document: Json,
  operations: readonly JsonPatchOperation[],
): PatchResult {
  let value = document;
  const copies = { bytesLeft: jsonPatchCopyBytesMax };
  for (const operation of operations) {
    try {
      value = applyOperation(value, operation, copies);
    } catch (error) {
      if (!(error instanceof PatchFailure)) throw error;
      const path = operation.path.map(escapeStep).join('/');
      const message = `${operation.op} operation does not apply at "/${path}": ${error.message}`;
      return { kind: 'failed', message };
    }
  }
  return { kind: 'patched', value };
}

class PatchFailure extends Error {
  override readonly name = 'PatchFailure';
}

function escapeStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** What `copy` may still add. */
interface CopyBudget {
  bytesLeft: number;
}

function applyOperation(document: Json, operation: JsonPatchOperation, copies: CopyBudget): Json {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      return change(document, path, (parent, step) => addAt(parent, step, operation.value));
    case 'replace':
      return change(document, path, (parent, step) => replaceAt(parent, step, operation.value));
    case 'remove':
      return change(document, path, removeAt);
    case 'test':
      test(document, path, operation.value);
      return document;
    case 'copy': {
      const value = valueAt(document, operation.from);
      charge(copies, value);
      return change(document, path, (parent, step) => addAt(parent, step, value));
    }
    case 'move': {
      const value = valueAt(document, operation.from);
      const without = change(document, operation.from, removeAt);
      return change(without, path, (parent, step) => addAt(parent, step, value));
    }
  }
}

/** Takes about the printed size of a value from the budget; stops counting where it is used up. */
function charge(copies: CopyBudget, value: Json): void {
  copies.bytesLeft -= typeof value === 'string' ? value.length + 2 : 2;
  if (copies.bytesLeft < 0) {
    const limit = String(jsonPatchCopyBytesMax);
    throw new PatchFailure(`the accumulated size of copies exceeds the limit of ${limit} bytes`);
  }
  if (isJsonArray(value)) for (const item of value) charge(copies, item);
  if (!isJsonObject(value)) return;
  for (const [name, field] of Object.entries(value)) {
    copies.bytesLeft -= name.length + 3;
    charge(copies, field ?? null);
  }
}

/** The document with the container at the pointer's end replaced by what `edit` makes of it. */
function change(
  value: Json,
  path: Pointer,
  edit: (parent: Json, step: string) => Json,
  depth = 0,
): Json {
  const step = path[depth] ?? '';
  if (depth === path.length - 1) return edit(value, step);
  const child = childOf(value, step);
  if (child === undefined) throw new PatchFailure('missing path');
  return replaceAt(value, step, change(child, path, edit, depth + 1));
}

function valueAt(document: Json, path: Pointer): Json {
  let value = document;
  for (const step of path) {
    const child = childOf(value, step);
    if (child === undefined) throw new PatchFailure('missing value');
    value = child;
  }
  return value;
}

function childOf(value: Json, step: string): Json | undefined {
  if (isJsonArray(value)) return value[indexOf(step, value.length)];
  if (!isJsonObject(value)) return undefined;
  return Object.hasOwn(value, step) ? value[step] : undefined;
}

function addAt(parent: Json, step: string, value: Json): Json {
  if (isJsonArray(parent)) {
    const index = step === '-' ? parent.length : indexOf(step, parent.length + 1);
    return [...parent.slice(0, index), value, ...parent.slice(index)];
  }
  return withField(parent, step, value);
}

function replaceAt(parent: Json, step: string, value: Json): Json {
  if (isJsonArray(parent)) return parent.with(indexOf(step, parent.length), value);
  if (childOf(parent, step) === undefined) throw new PatchFailure('missing key');
  return withField(parent, step, value);
}

function removeAt(parent: Json, step: string): Json {
  if (isJsonArray(parent)) return parent.toSpliced(indexOf(step, parent.length), 1);
  if (!isJsonObject(parent) || !Object.hasOwn(parent, step)) {
    throw new PatchFailure('unable to remove nonexistent key');
  }
  const others = Object.entries(parent).filter(([name]) => name !== step);
  return Object.fromEntries(others);
}

function withField(parent: Json, name: string, value: Json): Json {
  if (!isJsonObject(parent)) throw new PatchFailure('missing path');
  const copy = { ...parent } as Record<string, Json>;
  setField(copy, name, value);
  return copy;
}

function test(document: Json, path: Pointer, expected: Json): void {
  const parent = path.length === 1 ? document : valueAt(document, path.slice(0, -1));
  const found = childOf(parent, path.at(-1) ?? '') ?? null;
  if (!sameJson(found, expected)) throw new PatchFailure('testing value failed');
}

/** The index that a step means; `length` is one beyond the last that is allowed. */
function indexOf(step: string, length: number): number {
  if (!/^-?\d+$/.test(step))
    throw new PatchFailure(`value was not a proper array index: "${step}"`);
  const index = Number(step) < 0 ? Number(step) + length : Number(step);
  if (index < 0 || index >= length) {
    throw new PatchFailure(`unable to access invalid index: ${step}: invalid index referenced`);
  }
  return index;
}
