/**
 * Field selectors (K24): text to requirements, the fields each built-in resource offers, and their
 * values in an object. Which fields exist is a closed list per resource; anything else is a 400.
 */
import type { GroupResource, Json, KubernetesObject } from './object';
import { badRequest } from './status';

/** One term of a field selector. All terms must hold. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: 'equal' | 'notEqual';
  readonly value: string;
}

/** A field that selectors of a resource may name. */
export interface SelectableField {
  readonly name: string;
  /** Whether the watch cache keeps an index of it (K23). */
  readonly isIndexed: boolean;
  /** The field of an object as text; empty if absent. */
  valueOf(object: KubernetesObject): string;
}

/** Cuts at commas that are not escaped; the escapes stay. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.filter((term) => term !== '');
}

function unescape(text: string): string {
  let value = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') {
      at += 1;
      const escaped = text.charAt(at);
      if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      value += escaped;
    } else if (char === ',' || char === '=') {
      const code = String(char.charCodeAt(0));
      throw badRequest(`invalid field selector: unescaped character in value: ${code}`);
    } else {
      value += char;
    }
  }
  return value;
}

/**
 * Parses a selector; empty text selects everything. Throws a 400 for bad syntax and for a field
 * that is not in `selectable`.
 */
export function parseFieldSelector(
  text: string,
  selectable: readonly SelectableField[],
): readonly FieldRequirement[] {
  return splitTerms(text)
    .sort()
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
      if (match === null) {
        throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      }
      const [, field = '', operator, right = ''] = match;
      const value = unescape(right);
      if (!selectable.some(({ name }) => name === field)) {
        throw badRequest(`field label not supported: ${field}`);
      }
      return { field, operator: operator === '!=' ? 'notEqual' : 'equal', value };
    });
}

/**
 * The value that `fieldSelector=metadata.name=x` asks for: such a list is a point read (K5) and its
 * name counts for authorization (K27).
 */
export function exactName(fields: readonly FieldRequirement[]): string | undefined {
  const found = fields.find(
    ({ field, operator }) => field === 'metadata.name' && operator === 'equal',
  );
  return found?.value === '' ? undefined : found?.value;
}

/** A field by its dotted path; `absent` stands for a missing or null value. */
export function pathField(
  name: string,
  options: { readonly path?: string; readonly absent?: string; readonly isIndexed?: boolean } = {},
): SelectableField {
  const path = (options.path ?? name).split('.');
  const absent = options.absent ?? '';
  const valueOf = (object: KubernetesObject): string => {
    let value: Json | undefined = object;
    for (const part of path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return absent;
      value = (value as Readonly<Record<string, Json | undefined>>)[part];
    }
    if (typeof value === 'string') return value === '' ? absent : value;
    return typeof value === 'boolean' || typeof value === 'number' ? String(value) : absent;
  };
  return { name, isIndexed: options.isIndexed ?? false, valueOf };
}

const indexed = { isIndexed: true };
const EVENT_INDEXED = new Set(['kind', 'namespace', 'name', 'uid']);
const EVENT_OBJECT = [
  'kind',
  'namespace',
  'name',
  'uid',
  'apiVersion',
  'resourceVersion',
  'fieldPath',
];

/** All addresses, joined by commas; one is usual. */
const POD_IPS: SelectableField = {
  name: 'status.podIPs',
  isIndexed: false,
  valueOf: (object) => {
    const status = object['status'] as { readonly podIPs?: readonly { ip?: string }[] } | undefined;
    return status?.podIPs?.map(({ ip }) => ip ?? '').join(',') ?? '';
  },
};

/** `source` of an event is the component, or of a newer event the reporting controller. */
const EVENT_SOURCE: SelectableField = {
  name: 'source',
  isIndexed: false,
  valueOf: (object) =>
    pathField('source', { path: 'source.component' }).valueOf(object) ||
    pathField('reportingComponent').valueOf(object),
};

const EVENT_FIELDS: readonly SelectableField[] = [
  ...EVENT_OBJECT.map((part) =>
    pathField(`involvedObject.${part}`, { isIndexed: EVENT_INDEXED.has(part) }),
  ),
  pathField('reason'),
  pathField('reportingComponent'),
  EVENT_SOURCE,
  pathField('type'),
];

/** The extra fields of built-in resources (K24), by `resource.group`. */
const BUILT_IN: Readonly<Record<string, readonly SelectableField[]>> = {
  pods: [
    pathField('spec.nodeName', indexed),
    pathField('spec.restartPolicy'),
    pathField('spec.schedulerName'),
    pathField('spec.serviceAccountName'),
    pathField('spec.hostNetwork', { absent: 'false' }),
    pathField('status.phase'),
    pathField('status.podIP'),
    POD_IPS,
    pathField('status.nominatedNodeName'),
  ],
  events: EVENT_FIELDS,
  // Stored as core/v1 events (K78): the newer names read the older fields.
  'events.events.k8s.io': [
    ...EVENT_OBJECT.map((part) =>
      pathField(`regarding.${part}`, { path: `involvedObject.${part}` }),
    ),
    pathField('reportingController', { path: 'reportingComponent' }),
    ...EVENT_FIELDS,
  ],
  nodes: [pathField('spec.unschedulable', { absent: 'false' })],
  namespaces: [pathField('status.phase')],
  secrets: [pathField('type')],
  services: [pathField('spec.clusterIP'), pathField('spec.type')],
  replicationcontrollers: [pathField('status.replicas', { absent: '0' })],
  'replicasets.apps': [pathField('status.replicas', { absent: '0' })],
  'jobs.batch': [pathField('status.successful', { path: 'status.succeeded', absent: '0' })],
  'certificatesigningrequests.certificates.k8s.io': [pathField('spec.signerName')],
};

/** All selectable fields of a resource; `declared` are a custom resource's `selectableFields`. */
export function selectableFieldsOf(
  resource: GroupResource,
  options: { readonly isNamespaced: boolean; readonly declared?: readonly string[] },
): readonly SelectableField[] {
  const { group, resource: plural } = resource;
  const builtIn = BUILT_IN[group === '' ? plural : `${plural}.${group}`] ?? [];
  return [
    pathField('metadata.name'),
    ...(options.isNamespaced ? [pathField('metadata.namespace')] : []),
    ...builtIn,
    ...(options.declared ?? []).map((name) => pathField(name.replace(/^\./, ''), indexed)),
  ];
}
