/**
 * Which representation an answer takes (K29): clauses of `Accept` by `q`, wildcards last,
 * otherwise in the client's order; the first one the server can serve wins. Protobuf is skipped
 * and not an error, because every client that asks for it also offers JSON or a wildcard.
 */

/** What an answer may be turned into, besides the object itself. */
export type Form =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly kind: 'partial'; readonly version: 'v1' | 'v1beta1' };

/** How an answer is written. */
export interface Representation {
  readonly mediaType: 'application/json' | 'application/yaml';
  readonly form: Form;
}

/** Which transformations the asked endpoint can do; a list is partial under another name. */
export interface Servable {
  readonly table: boolean;
  readonly partial: 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined;
  /** Watch streams are JSON only. */
  readonly yaml: boolean;
}

/** Plain objects: Status answers and everything that is never transformed. */
export const PLAIN: Servable = { table: false, partial: undefined, yaml: true };

/** The representation to answer with when nothing was negotiated. */
export const JSON_OBJECT: Representation = {
  mediaType: 'application/json',
  form: { kind: 'object' },
};

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The first clause that can be served; undefined if none can (406). */
export function negotiate(
  accept: string | undefined,
  servable: Servable,
): Representation | undefined {
  if (accept === undefined || accept.trim() === '') return JSON_OBJECT;
  for (const clause of sortedClauses(accept)) {
    const mediaType = mediaTypeOf(clause.type, servable);
    const form = mediaType === undefined ? undefined : formOf(clause, servable);
    if (mediaType !== undefined && form !== undefined) return { mediaType, form };
  }
  return undefined;
}

/** Whether an answer is indented: `pretty` decides, else whether a person reads it (K38). */
export function isPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return asked !== '0' && asked.toLowerCase() !== 'false';
  return /^(curl|Wget|Mozilla)\//.test(userAgent ?? '');
}

function sortedClauses(accept: string): readonly Clause[] {
  const clauses = accept.split(',').map(parseClause);
  // Array.sort is stable: equal clauses stay in the client's order.
  return clauses.sort((a, b) => b.quality - a.quality || wildness(a.type) - wildness(b.type));
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const at = part.indexOf('=');
    if (at > 0) parameters.set(part.slice(0, at).trim().toLowerCase(), unquote(part.slice(at + 1)));
  }
  const quality = Number(parameters.get('q') ?? '1');
  return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 1 };
}

function unquote(text: string): string {
  return text.trim().replace(/^"(.*)"$/, '$1');
}

function wildness(type: string): number {
  if (type === '*/*') return 2;
  return type.endsWith('/*') ? 1 : 0;
}

function mediaTypeOf(type: string, servable: Servable): Representation['mediaType'] | undefined {
  switch (type) {
    case '*/*':
    case 'application/*':
    case 'application/json':
      return 'application/json';
    case 'application/yaml':
      return servable.yaml ? 'application/yaml' : undefined;
    default:
      return undefined;
  }
}

/** The form that a clause's `as`, `g` and `v` ask for; undefined if it cannot be served. */
function formOf({ parameters }: Clause, servable: Servable): Form | undefined {
  const as = parameters.get('as');
  if (as === undefined) return { kind: 'object' };
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io') return undefined;
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  if (as === 'Table' && servable.table) return { kind: 'table', version };
  if (as === servable.partial) return { kind: 'partial', version };
  return undefined;
}
