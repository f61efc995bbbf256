/** PUT on an object, its status, its scale, or a namespace's finalize (K43, K46). */
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson } from '../../machinery/json';
import type { KubernetesObject } from '../../machinery/object';
import { badRequest } from '../../machinery/status';
import { applyScale, SCALE_KIND, scaleOf, type UpdateTarget } from '../../registry';
import { readObject } from '../body';
import { PLAIN } from '../negotiate';
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
import { parseWriteOptions } from '../write-options';
import { checkScale } from './scale-check';
import { SERVABLE_OBJECT, showObject } from './show';
import { withNamespace, writeContext } from './write-context';

/** Replaces the object, or the part of it that the subresource is about. */
export async function handleUpdate(
  context: ResourceRequestContext,
  resource: ServedResource,
  parts: HandlerParts,
): Promise<ApiResponse> {
  const { definition, store } = resource;
  const { info } = context;
  const isScale = info.subresource === 'scale';
  const representation = representationFor(context, isScale ? PLAIN : SERVABLE_OBJECT);
  const options = parseWriteOptions(context.request.query, 'UpdateOptions');
  const body = await readObject(context, parts.limits.requestBodyBytesMax, {
    types: parts.types,
    kind: isScale ? SCALE_KIND : servedKind(definition),
    fieldValidation: options.fieldValidation,
  });
  checkUrlMatch(context, resource, body);
  if (isScale) checkScale(info.name, body);
  const named = withUrlIdentity(context, resource, body);
  const { stored, isCreated } = await store.update(
    info.name,
    {
      target: updateTarget(info.subresource),
      mayCreate: info.subresource === '',
      apply: (old) => Promise.resolve(changedObject(resource, { old, body: named, isScale })),
    },
    writeContext(context, options),
  );
  const served = toServed(definition, stored);
  if (isScale) {
    const json = encodeJson(scaleOf(served.object));
    return bytesResponse(context, representation, { status: 200, json });
  }
  const status = isCreated ? 201 : 200;
  return showObject(context, representation, { status, served, resource, parts });
}

/** Which part of the object a subresource writes; scale writes the object's spec. */
export function updateTarget(subresource: string): UpdateTarget {
  return subresource === 'status' || subresource === 'finalize' ? subresource : 'object';
}

function changedObject(
  { definition }: ServedResource,
  change: {
    readonly old: KubernetesObject | undefined;
    readonly body: KubernetesObject;
    readonly isScale: boolean;
  },
): KubernetesObject {
  const { old, body, isScale } = change;
  const object =
    isScale && old !== undefined ? applyScale(toServedForm(definition, old), body) : body;
  return definition.strategy.applyDefaults(toStoredForm(definition, object));
}

/** K43: what the body says of name and namespace must be what the URL says. */
function checkUrlMatch(
  { info }: ResourceRequestContext,
  { definition }: ServedResource,
  { metadata }: KubernetesObject,
): void {
  const { name = '', namespace = '' } = metadata;
  if (name === '') {
    throw badRequest(
      `the name of the object (${info.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (name !== info.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${info.name})`,
    );
  }
  if (definition.isNamespaced && namespace !== '' && namespace !== info.namespace) {
    throw badRequest(
      `the namespace of the object (${namespace}) does not match the namespace on the request (${info.namespace})`,
    );
  }
}

function withUrlIdentity(
  { info }: ResourceRequestContext,
  { definition }: ServedResource,
  body: KubernetesObject,
): KubernetesObject {
  const named = withNamespace(definition, body, info.namespace);
  return { ...named, metadata: { ...named.metadata, name: info.name } };
}
