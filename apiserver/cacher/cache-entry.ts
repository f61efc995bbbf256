/**
 * One object in the watch cache: its bytes, and beside them the labels and fields that selectors
 * look at, so that filtering parses nothing. The parsed object is not kept.
 */
import type { Revision } from '../../store/index';
import type { KubernetesObject } from '../machinery/object';
import {
  nameOfPath,
  namespaceOfPath,
  type EncodedObject,
  type ObjectAttributes,
  type SelectableField,
} from '../storage/index';

const NO_LABELS: Readonly<Record<string, string>> = {};

/** The fields of a resource that are not its path, by their place in an entry's values. */
export class FieldSchema {
  readonly extra: readonly SelectableField[];
  readonly places: ReadonlyMap<string, number>;

  constructor(selectable: readonly SelectableField[]) {
    this.extra = selectable.filter(({ name }) => !name.startsWith('metadata.'));
    this.places = new Map(this.extra.map(({ name }, place) => [name, place]));
  }
}

/** A cached object. Immutable: a change makes a new one. */
export class CacheEntry implements ObjectAttributes {
  readonly object: EncodedObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly #schema: FieldSchema;
  /** One value per extra field; undefined if the resource has none. */
  readonly #values: readonly string[] | undefined;

  constructor(object: EncodedObject, parsed: KubernetesObject, schema: FieldSchema) {
    this.object = object;
    this.labels = parsed.metadata.labels ?? NO_LABELS;
    this.#schema = schema;
    this.#values =
      schema.extra.length === 0 ? undefined : schema.extra.map((field) => field.valueOf(parsed));
  }

  get path(): string {
    return this.object.path;
  }

  get revision(): Revision {
    return this.object.revision;
  }

  /** The entry is its own table of field values: one object less per cached object. */
  get fields(): Pick<CacheEntry, 'get'> {
    return this;
  }

  /** The value of a selectable field; undefined for one the resource does not have. */
  get(field: string): string | undefined {
    if (field === 'metadata.name') return nameOfPath(this.path);
    if (field === 'metadata.namespace') return namespaceOfPath(this.path);
    const place = this.#schema.places.get(field);
    return place === undefined ? undefined : this.#values?.[place];
  }
}
