/**
 * Failures of the API as values that know their own Status body (K39): the one place where a
 * failure gets its HTTP code, reason, text and details. Texts and JSON shapes are protocol, since
 * clients and people match on them. What the store's failures become is in `storage/errors.ts`.
 */
import {
  groupResourceName,
  type GroupResource,
  type GroupVersionKind,
  type JsonObject,
} from './object';

/** Why a field was refused; `message` is the text after the field (K39). */
export interface StatusCause extends JsonObject {
  /** `FieldValueRequired`, `FieldValueInvalid`, `ResourceVersionTooLarge`, … */
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** What a failure is about. */
export interface StatusDetails extends JsonObject {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The body of a failed answer, and of the answer to a finished deletion (k8s: Status). */
export interface Status extends JsonObject {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** The facts of a failure. */
export interface ApiErrorOptions {
  readonly code: number;
  /** Empty for none. */
  readonly reason: string;
  readonly message: string;
  readonly details?: StatusDetails;
  /** Lets a client go on paging after its token was compacted away (K13). */
  readonly continueToken?: string;
  readonly cause?: unknown;
}

/** A request that fails with a Status. Thrown; the pipeline answers with `status`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;

  constructor(options: ApiErrorOptions) {
    super(options.message, options.cause === undefined ? {} : { cause: options.cause });
    const { code, reason, message, details, continueToken } = options;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: continueToken === undefined ? {} : { continue: continueToken },
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }

  /** The HTTP status code. */
  get code(): number {
    return this.status.code ?? 500;
  }

  /** The reason clients switch on; empty for none. */
  get reason(): string {
    return this.status.reason ?? '';
  }

  /** The value of the `Retry-After` header, if the answer has one (K39). */
  get retryAfterSeconds(): number | undefined {
    return this.status.details?.retryAfterSeconds;
  }
}

/** Whether `error` is a failure with this reason, or any failure of the API. */
export function isApiError(error: unknown, reason?: string): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.reason === reason);
}

/** A string in Go's quoting, as the texts of Kubernetes print names. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Whose details name a resource: `pods "x" …`. */
function resourceDetails(resource: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    ...(resource.resource === '' ? {} : { kind: resource.resource }),
  };
}

/** 404: no such object. */
export function notFound(resource: GroupResource, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${groupResourceName(resource)} ${quoted(name)} not found`,
    details: resourceDetails(resource, name),
  });
}

/** 404: no such resource in a group version that is served (K28). */
export function resourceNotServed(): ApiError {
  const message = 'the server could not find the requested resource';
  return new ApiError({ code: 404, reason: 'NotFound', message, details: {} });
}

/** 409: the name is taken. */
export function alreadyExists(resource: GroupResource, name: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${groupResourceName(resource)} ${quoted(name)} already exists`,
    details: resourceDetails(resource, name),
  });
}

/** 409: every generated name was taken (K42). */
export function generatedNameTaken(resource: GroupResource, name: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message:
      `${groupResourceName(resource)} ${quoted(name)} already exists, ` +
      'the server was not able to generate a unique name for the object',
    details: { ...resourceDetails(resource, name), retryAfterSeconds: 1 },
  });
}

/** 409: the write does not fit the stored object; `why` follows the colon. */
export function conflict(resource: GroupResource, name: string, why: string): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${groupResourceName(resource)} ${quoted(name)}: ${why}`,
    details: resourceDetails(resource, name),
  });
}

/** 409: another writer was faster. */
export function objectModified(resource: GroupResource, name: string): ApiError {
  const why =
    'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

/** 409: the uid of a precondition is not the stored one. For DELETE `resource` names the Kind. */
export function uidConflict(
  resource: GroupResource,
  name: string,
  uids: { readonly precondition: string; readonly stored: string },
): ApiError {
  const why =
    `the UID in the precondition (${uids.precondition}) does not match the UID in record ` +
    `(${uids.stored}). The object might have been deleted and then recreated`;
  return conflict(resource, name, why);
}

/** 409: the resourceVersion of a DELETE precondition is not the stored one (K47). */
export function resourceVersionConflict(
  resource: GroupResource,
  name: string,
  versions: { readonly precondition: string; readonly stored: string },
): ApiError {
  const why =
    `the ResourceVersion in the precondition (${versions.precondition}) does not match the ` +
    `ResourceVersion in record (${versions.stored}). The object might have been modified`;
  return conflict(resource, name, why);
}

/** 422: fields that are not valid. `subject.kind` is a Kind, or a resource where K39 says so. */
export function invalid(
  subject: Pick<GroupVersionKind, 'group' | 'kind'>,
  name: string,
  causes: readonly StatusCause[],
): ApiError {
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  const texts = new Set(
    causes.map((cause) =>
      cause.field === undefined ? cause.message : `${cause.field}: ${cause.message}`,
    ),
  );
  const joined = [...texts].join(', ');
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} ${quoted(name)} is invalid: ${texts.size > 1 ? `[${joined}]` : joined}`,
    details: {
      ...resourceDetails({ group: subject.group, resource: subject.kind }, name),
      ...(causes.length === 0 ? {} : { causes }),
    },
  });
}

/** 422 for a patch that does not fit the object (K52). */
export function unprocessablePatch(why?: string): ApiError {
  const message = why ?? 'the server rejected our request due to an error in our request';
  return new ApiError({ code: 422, reason: 'Invalid', message, details: {} });
}

/** 400: the request itself is wrong. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

/** 401. */
export function unauthorized(message = 'Unauthorized'): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message });
}

/** Escapes `&`, `<`, `>` for the texts of 403, which quote what the client sent (K39). */
export function escapeForbiddenText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** 403 about an object, or a collection (name empty); the caller escapes `why`. */
export function forbidden(resource: GroupResource, name: string, why: string): ApiError {
  const subject = resource.resource === '' ? '' : groupResourceName(resource);
  const about = name === '' ? subject : `${subject} ${quoted(name)}`;
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: about === '' ? `forbidden: ${why}` : `${about} is forbidden: ${why}`,
    details: resourceDetails(resource, name),
  });
}

/** 403 with causes, as NamespaceLifecycle answers for a terminating namespace (K42). */
export function forbiddenWithCauses(
  resource: GroupResource,
  name: string,
  why: string,
  causes: readonly StatusCause[],
): ApiError {
  const error = forbidden(resource, name, why);
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: error.message,
    details: { ...error.status.details, causes },
  });
}

/** 405. */
export function methodNotAllowed(
  message = 'the server does not allow this method on the requested resource',
): ApiError {
  return new ApiError({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** 406 (K29). */
export function notAcceptable(mediaTypes: readonly string[] = MEDIA_TYPES): ApiError {
  const message = `only the following media types are accepted: ${mediaTypes.join(', ')}`;
  return new ApiError({ code: 406, reason: 'NotAcceptable', message });
}

/** 415 (K30); a patch lists its own types. */
export function unsupportedMediaType(mediaTypes: readonly string[] = MEDIA_TYPES): ApiError {
  const message =
    'the body of the request was in an unknown format - ' +
    `accepted media types include: ${mediaTypes.join(', ')}`;
  return new ApiError({ code: 415, reason: 'UnsupportedMediaType', message });
}

/** 413 (K30); `what` replaces the standard text, for instance for the store's own limit. */
export function requestEntityTooLarge(what: { readonly limit: number } | string): ApiError {
  const message =
    typeof what === 'string' ? what : `Request entity too large: limit is ${String(what.limit)}`;
  return new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message });
}

/** 410: history that a list or watch needs is gone (K13, K14). */
export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError({
    code: 410,
    reason: 'Expired',
    message,
    ...(continueToken === undefined ? {} : { continueToken }),
  });
}

/** 429 as a Status: the cache is not ready (K21), or a limit inside the server is reached. */
export function tooManyRequests(message: string, retryAfterSeconds = 1): ApiError {
  return new ApiError({
    code: 429,
    reason: 'TooManyRequests',
    message,
    details: { retryAfterSeconds },
  });
}

/** 500. `message` follows `Internal error occurred: `. */
export function internalError(message: string, cause?: unknown): ApiError {
  return new ApiError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ reason: 'InternalError', message }] },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** 501: a feature that is not there (K91); never a silent success. */
export function notImplemented(message: string): ApiError {
  return new ApiError({ code: 501, reason: 'NotImplemented', message });
}

/** 503; `retryAfterSeconds` 0 leaves it out. */
export function serviceUnavailable(
  message: string,
  retryAfterSeconds = 0,
  cause?: unknown,
): ApiError {
  return new ApiError({
    code: 503,
    reason: 'ServiceUnavailable',
    message,
    ...(retryAfterSeconds > 0 ? { details: { retryAfterSeconds } } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** 504. A write that ends so may have happened: its outcome is unknown. */
export function timeout(
  message = 'request did not complete within the allotted timeout',
  retryAfterSeconds = 0,
  cause?: unknown,
): ApiError {
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: ${message}`,
    ...(retryAfterSeconds > 0 ? { details: { retryAfterSeconds } } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** 504: N was not reached in time (K8); clients know it by the cause. */
export function resourceVersionTooLarge(wanted: string, current: string): ApiError {
  const cause = 'Too large resource version';
  return new ApiError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: ${cause}: ${wanted}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: cause }],
      retryAfterSeconds: 1,
    },
  });
}
