/** The body of a PATCH by its media type, and its application to an object (K52, K53, K56). */
import { isJsonObject, parseJson } from '../machinery/json';
import { applyJsonPatch, parseJsonPatch, type JsonPatchOperation } from '../machinery/json-patch';
import { applyMergePatch } from '../machinery/merge-patch';
import type { GroupVersionKind, Json, JsonObject, KubernetesObject } from '../machinery/object';
import {
  badRequest,
  requestEntityTooLarge,
  unprocessablePatch,
  unsupportedMediaType,
} from '../machinery/status';
import { applyStrategicMergePatch, type BuiltinTypes } from '../schema';
import { bodyMediaType } from './body';
import type { RequestContext } from './request-context';
import type { HandlerParts } from './served-resource';

/** A patch, parsed. */
export type Patch = { readonly duplicateFields: readonly string[] } & (
  | { readonly type: 'json'; readonly operations: readonly JsonPatchOperation[] }
  | { readonly type: 'merge' | 'strategic'; readonly document: JsonObject }
);

/** What a PATCH may be; server-side apply is refused by not being in the list (K56). */
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** Reads and parses the body. */
export async function readPatch(context: RequestContext, parts: HandlerParts): Promise<Patch> {
  const type = bodyMediaType(context);
  if (!PATCH_TYPES.includes(type)) throw unsupportedMediaType(PATCH_TYPES);
  const bytes = await context.request.readBody(parts.limits.requestBodyBytesMax);
  const parsed = parseJson(bytes);
  if (parsed.kind === 'invalid') throw badRequest(`error decoding patch: ${parsed.message}`);
  const { value, duplicateFields } = parsed;
  if (type === 'application/json-patch+json') return jsonPatch(value, parts);
  if (!isJsonObject(value)) throw badRequest('error decoding patch: expected an object');
  const isStrategic = type === 'application/strategic-merge-patch+json';
  return { type: isStrategic ? 'strategic' : 'merge', document: value, duplicateFields };
}

/** What a patch is applied to. */
export interface PatchTarget {
  readonly object: KubernetesObject;
  readonly kind: GroupVersionKind;
  readonly types: BuiltinTypes;
}

/** The object after the patch; 422 for one that does not fit. */
export function applyPatch(patch: Patch, target: PatchTarget): JsonObject {
  const value = appliedValue(patch, target);
  if (!isJsonObject(value)) throw unprocessablePatch('the patch leaves no object');
  return value;
}

function appliedValue(patch: Patch, { object, kind, types }: PatchTarget): Json {
  switch (patch.type) {
    case 'json': {
      const result = applyJsonPatch(object, patch.operations);
      if (result.kind === 'failed') throw unprocessablePatch();
      return result.value;
    }
    case 'merge':
      return applyMergePatch(object, patch.document);
    case 'strategic': {
      const result = applyStrategicMergePatch(types, kind, object, patch.document);
      if (result.kind === 'failed') throw badRequest(result.message);
      return result.object;
    }
  }
}

function jsonPatch(value: Json, { limits }: HandlerParts): Patch {
  const most = limits.jsonPatchOperationsMax;
  if (Array.isArray(value) && value.length > most) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${most}, got ${value.length}`,
    );
  }
  const parsed = parseJsonPatch(value);
  if (parsed.kind === 'invalid') throw badRequest(`error decoding patch: ${parsed.message}`);
  return { type: 'json', operations: parsed.operations, duplicateFields: [] };
}
