/**
 * Request bodies: media type, size, syntax, then the typed object (K30, K32, K50). Every fault has
 * the text that Kubernetes gives it.
 */
import { isJsonObject, parseJson, type JsonParseResult } from '../machinery/json';
import {
  apiVersionOf,
  type GroupVersionKind,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from '../machinery/object';
import { ApiError, badRequest, unsupportedMediaType } from '../machinery/status';
import { parseYaml } from '../machinery/yaml';
import { decodeTyped, type BuiltinTypes } from '../schema';
import type { RequestContext } from './request-context';
import type { FieldValidation } from './write-options';

/** How many bytes of a bad body its error shows. */
const SUMMARY_BYTES = 30;

/** What turns a body into an object. */
export interface DecodeOptions {
  readonly types: BuiltinTypes;
  readonly kind: GroupVersionKind;
  readonly fieldValidation: FieldValidation;
}

/** A parsed body that is not typed yet, with what the parser noticed. */
export interface ParsedBody {
  readonly value: JsonObject;
  readonly duplicateFields: readonly string[];
}

/** Reads and parses a body as a typed object; unknown and duplicate fields warn or fail. */
export async function readObject(
  context: RequestContext,
  bytesMax: number,
  options: DecodeOptions,
): Promise<KubernetesObject> {
  const parse = parserFor(context);
  const bytes = await context.request.readBody(bytesMax);
  const parsed = parse(bytes);
  const { kind } = options;
  if (parsed.kind === 'invalid') {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): ` +
        `couldn't get version/kind; json parse error: ${parsed.message} (${summary(bytes)})`,
    );
  }
  if (!isJsonObject(parsed.value)) {
    const message = `json: cannot unmarshal ${goTypeOf(parsed.value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): ` +
        `couldn't get version/kind; json parse error: ${message} (${summary(bytes)})`,
    );
  }
  checkKind(parsed.value, kind);
  return decodeObject(
    context,
    { value: parsed.value, duplicateFields: parsed.duplicateFields },
    options,
  );
}

/** Makes the typed object; used for bodies and for what a patch computed. */
export function decodeObject(
  context: RequestContext,
  parsed: ParsedBody,
  { types, kind, fieldValidation }: DecodeOptions,
): KubernetesObject {
  const decoded = decodeTyped(types, kind, parsed.value);
  if (decoded.kind === 'invalid') throw badRequest(decoded.message);
  const faults = [
    ...parsed.duplicateFields.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...decoded.unknownFields,
  ];
  if (fieldValidation === 'Strict' && faults.length > 0) {
    throw badRequest(
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ` +
        `${kind.kind}: strict decoding error: ${faults.join(', ')}`,
    );
  }
  if (fieldValidation === 'Warn') for (const fault of faults) context.warnings.add(fault);
  const { metadata } = decoded.object;
  return {
    ...decoded.object,
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
    metadata: isJsonObject(metadata) ? withoutManagedFields(metadata) : {},
  };
}

/** Parses a body that may be empty, as DeleteOptions may: undefined then. */
export async function readOptionalObject(
  context: RequestContext,
  bytesMax: number,
): Promise<JsonObject | undefined> {
  const bytes = await context.request.readBody(bytesMax);
  if (bytes.length === 0) return undefined;
  const parsed = parserFor(context)(bytes);
  if (parsed.kind === 'invalid' || !isJsonObject(parsed.value)) {
    const why = parsed.kind === 'invalid' ? parsed.message : 'expected an object';
    throw badRequest(`couldn't get version/kind; json parse error: ${why} (${summary(bytes)})`);
  }
  return parsed.value;
}

/** The media type of the body, in lower case and without parameters; JSON if it is not given. */
export function bodyMediaType(context: RequestContext): string {
  const type = (context.request.headers['content-type'] ?? '').split(';')[0] ?? '';
  return type.trim().toLowerCase() || 'application/json';
}

/** K30: the parser of the body's media type, chosen before a byte is read. */
function parserFor(context: RequestContext): (bytes: Uint8Array) => JsonParseResult {
  const type = bodyMediaType(context);
  if (type === 'application/json') return parseJson;
  if (type === 'application/yaml') return parseYaml;
  if (type === 'application/vnd.kubernetes.protobuf') throw protobufUnsupported();
  throw unsupportedMediaType();
}

/** K91: a body in protobuf is refused in so many words until it can be read (K31). */
function protobufUnsupported(): ApiError {
  const { message = '', reason = '' } = unsupportedMediaType().status;
  const hint = 'keelson does not read application/vnd.kubernetes.protobuf bodies yet: send JSON';
  return new ApiError({ code: 415, reason, message: `${message}; ${hint}` });
}

/** Kind and apiVersion may be left out, but what is there must be right (K30, K42). */
export function checkKind(value: JsonObject, kind: GroupVersionKind): void {
  const apiVersion = typeof value['apiVersion'] === 'string' ? value['apiVersion'] : '';
  const expected = apiVersionOf(kind);
  if (apiVersion !== '' && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  const given = typeof value['kind'] === 'string' ? value['kind'] : '';
  if (given !== '' && given !== kind.kind) {
    const version = kind.version;
    throw badRequest(
      `${given} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ` +
        `converting (${version}.${given}) to (${version}.${kind.kind}): unknown conversion`,
    );
  }
}

/** K56: ownership that is not tracked yet is not stored either. */
function withoutManagedFields(metadata: JsonObject): KubernetesObject['metadata'] {
  return 'managedFields' in metadata ? { ...metadata, managedFields: undefined } : metadata;
}

function goTypeOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'number' : typeof value;
}

/** k8s: summarizeData; hexadecimal unless it looks like JSON. */
function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const isCut = bytes.length > SUMMARY_BYTES;
  const head = Buffer.from(bytes.subarray(0, SUMMARY_BYTES));
  const text = bytes[0] === 0x7b ? head.toString('utf8') : head.toString('hex');
  return isCut ? `${text} ...` : text;
}
