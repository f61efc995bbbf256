/**
 * PATCH (K52): the stored object in the served form, changed by the document of the body, decoded
 * again like a body. Computed anew when another writer was faster, unless the patch names a
 * resourceVersion: then it no longer fits and is a 409.
 */
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson, isJsonObject } from '../../machinery/json';
import type { JsonObject, KubernetesObject } from '../../machinery/object';
import { applyScale, SCALE_KIND, scaleOf } from '../../registry';
import { checkKind, decodeObject } from '../body';
import { PLAIN } from '../negotiate';
import { applyPatch, readPatch, type Patch } from '../patch-document';
import type { ResourceRequestContext } from '../request-context';
import { bytesResponse, representationFor } from '../respond';
import {
  servedKind,
  toServed,
  toServedForm,
  toStoredForm,
  type HandlerParts,
  type ServedResource,
} from '../served-resource';
import { parseWriteOptions, type FieldValidation } from '../write-options';
import { checkScale } from './scale-check';
import { SERVABLE_OBJECT, showObject } from './show';
import { updateTarget } from './update';
import { writeContext } from './write-context';

/** Changes the object, or the part of it that the subresource is about. */
export async function handlePatch(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const { definition, store } = resource;
  const { info } = context;
  const isScale = info.subresource === 'scale';
  const representation = representationFor(context, isScale ? PLAIN : SERVABLE_OBJECT);
  const options = parseWriteOptions(context.request.query, 'PatchOptions');
  const kind = isScale ? SCALE_KIND : servedKind(definition);
  const patch = await readPatch(context, parts);
  const change = { patch, kind, fieldValidation: options.fieldValidation };
  const { stored } = await store.update(
    info.name,
    {
      target: updateTarget(info.subresource),
      mayCreate: false,
      apply: (old) => {
        const served = toServedForm(definition, old ?? { metadata: {} });
        const object = isScale
          ? patchedScale(context, parts, { ...change, served })
          : patched(context, parts, { ...change, served });
        return Promise.resolve(definition.strategy.applyDefaults(toStoredForm(definition, object)));
      },
    },
    writeContext(context, options),
  );
  const served = toServed(definition, stored);
  if (isScale) {
    const json = encodeJson(scaleOf(served.object));
    return bytesResponse(context, representation, { status: 200, json });
  }
  return showObject(context, representation, { status: 200, served, resource, parts });
}

/** What one application of a patch works with. */
interface PatchChange {
  readonly patch: Patch;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly fieldValidation: FieldValidation;
  readonly served: KubernetesObject;
}

function patched(
  context: ResourceRequestContext,
  parts: HandlerParts,
  { patch, kind, fieldValidation, served }: PatchChange,
): KubernetesObject {
  const target = { object: served, kind, types: parts.types };
  const value = withMetadataObject(applyPatch(patch, target));
  checkKind(value, kind);
  return decodeObject(
    context,
    { value, duplicateFields: patch.duplicateFields },
    { types: parts.types, kind, fieldValidation },
  );
}

function patchedScale(
  context: ResourceRequestContext,
  parts: HandlerParts,
  change: PatchChange,
): KubernetesObject {
  const scale = patched(context, parts, { ...change, served: scaleOf(change.served) });
  checkScale(context.info.name, scale);
  return applyScale(change.served, scale);
}

/** A patch may have removed even the metadata; what it says of identity is judged later. */
function withMetadataObject(value: JsonObject): JsonObject {
  return isJsonObject(value['metadata']) ? value : { ...value, metadata: {} };
}
