/** The leaves of decoding: scalars, and the types that have a form of their own in JSON (K32). */
import { isJsonArray, isJsonObject } from '../machinery/json';
import { JsonNumber, type Json } from '../machinery/object';
import { canonicalQuantity, quantityFormatText } from '../machinery/quantity';
import { canonicalMicroTime, canonicalTime, timeProblem } from '../machinery/time';
import type { StructuralSchema } from './structural-schema';

/** A value that is not of its type; the message is Go's. Internal to decoding. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch';
}

const int32Max = 2_147_483_647;

/** The value of a scalar schema; `mismatch` makes the error for a Go type. */
export function decodeScalar(
  schema: StructuralSchema,
  value: Json,
  mismatch: (type: string) => TypeMismatch,
): Json {
  switch (schema.type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch('bool');
      return value;
    case 'integer':
      return decodeInteger(schema.format ?? 'int32', value, mismatch);
    case 'number':
      if (value instanceof JsonNumber) return Number(value.text);
      if (typeof value !== 'number') throw mismatch('float64');
      return value;
    default:
      if (typeof value !== 'string') {
        throw mismatch(schema.format === 'byte' ? '[]uint8' : 'string');
      }
      return schema.format === 'byte' ? decodeBytes(value) : value;
  }
}

function decodeInteger(
  format: string,
  value: Json,
  mismatch: (type: string) => TypeMismatch,
): Json {
  if (value instanceof JsonNumber && format === 'int64') return value;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(format);
  if (format === 'int64') {
    // What is an integer and neither safe nor a JsonNumber did not fit into int64.
    if (!Number.isSafeInteger(value)) throw mismatch(format);
    return value;
  }
  if (value > int32Max || value < -int32Max - 1) throw mismatch(format);
  return value;
}

/** Base64 is checked, and its line breaks are dropped. */
function decodeBytes(text: string): string {
  const compact = text.replace(/[\r\n]/g, '');
  const body = /^[A-Za-z0-9+/]*/.exec(compact)?.[0] ?? '';
  const padding = compact.slice(body.length);
  const isRight = (body.length + padding.length) % 4 === 0 && /^={0,2}$/.test(padding);
  if (isRight) return compact;
  const at = /^=*$/.test(padding) ? Math.floor(compact.length / 4) * 4 : body.length;
  throw new TypeMismatch(`illegal base64 data at input byte ${String(at)}`);
}

const rawTypes: readonly string[] = [
  '.apiextensions.v1.JSON',
  '.pkg.runtime.RawExtension',
  '.meta.v1.FieldsV1',
  '.meta.v1.Patch',
];

/** Whether a definition holds any JSON, which is kept as it is. */
export function isRaw(definition: string): boolean {
  return rawTypes.some((suffix) => definition.endsWith(suffix));
}

/** The value of a definition with a form of its own; undefined if it is an ordinary struct. */
export function decodeSpecial(definition: string, value: Json): Json | undefined {
  if (definition.endsWith('.resource.Quantity')) return decodeQuantity(value);
  if (definition.endsWith('.intstr.IntOrString')) return decodeIntOrString(value);
  if (definition.endsWith('.meta.v1.Time')) return decodeTime(value, 'seconds');
  if (definition.endsWith('.meta.v1.MicroTime')) return decodeTime(value, 'micros');
  return undefined;
}

function decodeQuantity(value: Json): string {
  const text = value instanceof JsonNumber ? value.text : value;
  const isScalar = typeof text === 'string' || typeof text === 'number';
  const canonical = isScalar ? canonicalQuantity(String(text)) : undefined;
  if (canonical === undefined) throw new TypeMismatch(quantityFormatText);
  return canonical;
}

function decodeIntOrString(value: Json): Json {
  if (typeof value === 'string') return value;
  const isInteger = typeof value === 'number' && Number.isInteger(value);
  if (!isInteger || Math.abs(value) > int32Max) {
    const found = kindOfJson(value, 'int32');
    throw new TypeMismatch(`json: cannot unmarshal ${found} into Go value of type int32`);
  }
  return value;
}

function decodeTime(value: Json, layout: 'seconds' | 'micros'): string {
  if (typeof value !== 'string') {
    const found = kindOfJson(value, 'string');
    throw new TypeMismatch(`json: cannot unmarshal ${found} into Go value of type string`);
  }
  const canonical = layout === 'seconds' ? canonicalTime(value) : canonicalMicroTime(value);
  if (canonical === undefined) throw new TypeMismatch(timeProblem(value, layout));
  return canonical;
}

/** What Go's decoder calls a value; of a number that does not fit it shows the digits. */
export function kindOfJson(value: Json, wantedType: string): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (value === null) return 'null';
  if (value instanceof JsonNumber || typeof value === 'number') {
    const text = value instanceof JsonNumber ? value.text : String(value);
    return wantedType.startsWith('int') ? `number ${text}` : 'number';
  }
  if (isJsonArray(value)) return 'array';
  return isJsonObject(value) ? 'object' : 'value';
}
