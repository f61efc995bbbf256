/** Parts that many printers share: columns, ages, joined lists, label selectors. */
import { isJsonObject } from '../../../machinery/json';
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TableCells, TableColumn, TablePrinter } from '../../../machinery/table';
import { humanDuration, parseTime } from '../../../machinery/time';
import { listAt, objectAt, textAt, valueAt } from '../fields';

/** What stands where nothing is set. */
export const none = '<none>';
/** What stands where the time is not known. */
export const unknown = '<unknown>';

/** One column; `wide` ones show with `-o wide` only. */
export function column(
  name: string,
  type: TableColumn['type'] = 'string',
  options: { readonly wide?: boolean; readonly format?: string } = {},
): TableColumn {
  const priority = options.wide === true ? 1 : 0;
  return { name, type, format: options.format ?? '', description: descriptionOf(name), priority };
}

/** A wide column of text. */
export function wide(name: string): TableColumn {
  return column(name, 'string', { wide: true });
}

function descriptionOf(name: string): string {
  if (name === 'Name') {
    return (
      'Name must be unique within a namespace. Is required when creating resources, although some ' +
      'resources may allow a client to request the generation of an appropriate name ' +
      'automatically. Name is primarily intended for creation idempotence and configuration ' +
      'definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/' +
      'working-with-objects/names#names'
    );
  }
  if (name === 'Age') {
    return (
      'CreationTimestamp is a timestamp representing the server time when this object was ' +
      'created. It is not guaranteed to be set in happens-before order across separate ' +
      'operations. Clients may not set this value. It is represented in RFC3339 form and is in ' +
      'UTC.'
    );
  }
  return `${name} of the object.`;
}

/** The first column of every table. */
export const nameColumn = column('Name', 'string', { format: 'name' });
/** The column that the server renders: `5m`. */
export const ageColumn = column('Age');

/** A printer out of columns between Name and Age and their cells. */
export function printer(
  columns: readonly TableColumn[],
  cells: (object: KubernetesObject, nowMs: number) => TableCells,
  wideColumns: readonly TableColumn[] = [],
  wideCells: (object: KubernetesObject, nowMs: number) => TableCells = () => [],
): TablePrinter {
  return {
    columns: [nameColumn, ...columns, ageColumn, ...wideColumns],
    cells: (object, nowMs) => [
      object.metadata.name ?? '',
      ...cells(object, nowMs),
      ageOf(object, nowMs),
      ...wideCells(object, nowMs),
    ],
  };
}

/** How old an object is. */
export function ageOf(object: KubernetesObject, nowMs: number): string {
  return since(object.metadata.creationTimestamp ?? undefined, nowMs);
}

/** How long ago a time was. */
export function since(time: Json | undefined, nowMs: number): string {
  const at = typeof time === 'string' ? parseTime(time) : undefined;
  return at === undefined ? unknown : humanDuration(nowMs - at);
}

/** How long from one time to another. */
export function between(start: string, end: string): string {
  const [from, to] = [parseTime(start), parseTime(end)];
  return from === undefined || to === undefined ? unknown : humanDuration(to - from);
}

/** `a,b`, or `<none>`. */
export function joined(items: readonly string[]): string {
  return items.length === 0 ? none : items.join(',');
}

/** Labels as `kubectl` shows a selector of them: `a=b,c=d`. */
export function labelsText(labels: Json | undefined): string {
  if (!isJsonObject(labels)) return none;
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${scalarText(value)}`);
  return joined(parts.sort());
}

/** A LabelSelector in one line (k8s: metav1.FormatLabelSelector). */
export function selectorText(selector: Json | undefined): string {
  if (selector === undefined || selector === null) return none;
  const labels = Object.entries(objectAt(selector, 'matchLabels')).map(
    ([key, value]) => [key, `${key}=${scalarText(value)}`] as const,
  );
  const terms = listAt(selector, 'matchExpressions').map((term) => {
    const key = textAt(term, 'key');
    return [key, expressionText(key, term)] as const;
  });
  const parts = [...labels, ...terms].sort(([a], [b]) => (a < b ? -1 : 1));
  return joined(parts.map(([, text]) => text));
}

function expressionText(key: string, term: Json): string {
  const values = listAt(term, 'values').map(scalarText).sort().join(',');
  switch (textAt(term, 'operator')) {
    case 'In':
      return `${key} in (${values})`;
    case 'NotIn':
      return `${key} notin (${values})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}

/** A scalar as text; empty for anything else. */
export function scalarText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Names and images of the containers of a pod template. */
export function containerCells(object: Json, ...path: readonly string[]): readonly string[] {
  const containers = listAt(object, ...path, 'containers');
  const texts = (field: string): string =>
    containers.map((container) => textAt(container, field)).join(',');
  return [texts('name'), texts('image')];
}

/** The condition of a type. */
export function conditionOf(object: Json, type: string): Json | undefined {
  return listAt(object, 'status', 'conditions').find((each) => textAt(each, 'type') === type);
}

/** A number that counts; absent means none. */
export function countAt(object: Json, ...path: readonly string[]): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : 0;
}
