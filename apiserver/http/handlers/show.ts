/** One object as an answer: itself, as a one-row Table, or its metadata alone (K36, K37). */
import type { ApiResponse } from '../../machinery/api-handler';
import { encodeJson } from '../../machinery/json';
import type { JsonObject } from '../../machinery/object';
import { partialObjectMetadata, tableOf, type TableObjectPolicy } from '../../machinery/table';
import { badRequest } from '../../machinery/status';
import type { Representation, Servable } from '../negotiate';
import type { RequestContext } from '../request-context';
import { bytesResponse } from '../respond';
import type { HandlerParts, ServedObject, ServedResource } from '../served-resource';

/** What one object can be turned into. */
export const SERVABLE_OBJECT: Servable = {
  table: true,
  partial: 'PartialObjectMetadata',
  yaml: true,
};

/** Answers with an object in the negotiated form. */
export function showObject(
  context: RequestContext,
  representation: Representation,
  answer: {
    readonly status: number;
    readonly served: ServedObject;
    readonly resource: ServedResource;
    readonly parts: HandlerParts;
  },
): ApiResponse {
  const { status, served } = answer;
  const { form } = representation;
  switch (form.kind) {
    case 'object':
      return bytesResponse(context, representation, { status, json: served.json });
    case 'partial': {
      const json = encodeJson(partialObjectMetadata(served.object, form.version));
      return bytesResponse(context, representation, { status, json });
    }
    case 'table': {
      const { resourceVersion } = served.object.metadata;
      const table = tableOf({
        printer: answer.resource.printer,
        objects: [served.object],
        metadata: resourceVersion === undefined ? {} : { resourceVersion },
        includeObject: includeObjectOf(context.request.query),
        version: form.version,
        includeColumns: true,
        nowMs: answer.parts.clock.wallMs(),
      });
      return bytesResponse(context, representation, { status, json: encodeJson(table) });
    }
  }
}

/** How much of the objects a Table carries (K36). */
export function includeObjectOf(query: URLSearchParams): TableObjectPolicy {
  const asked = query.get('includeObject') ?? '';
  switch (asked) {
    case '':
    case 'Metadata':
      return 'Metadata';
    case 'None':
    case 'Object':
      return asked;
    default:
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
  }
}

/** List metadata, or that of one event. */
export function listMetadata(list: {
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  readonly remainingItemCount: number | undefined;
}): JsonObject {
  return {
    resourceVersion: list.resourceVersion,
    ...(list.continueToken === undefined ? {} : { continue: list.continueToken }),
    ...(list.remainingItemCount === undefined
      ? {}
      : { remainingItemCount: list.remainingItemCount }),
  };
}
