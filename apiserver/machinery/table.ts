/**
 * Tables: what `kubectl get` prints (K36). A printer turns one object into cells; this file puts
 * the cells into `meta.k8s.io/v1` Table documents and one-row tables for watch events. Pure: the
 * caller says what time it is, since ages are rendered by the server.
 */
import type { Json, JsonObject, KubernetesObject, ObjectMeta } from './object';

/** One column of a table (K36). */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: number;
}

/** One row's values, in the order of the columns. */
export type TableCells = readonly (string | number | boolean | null)[];

/** How the objects of one kind are printed. */
export interface TablePrinter {
  readonly columns: readonly TableColumn[];
  cells(object: KubernetesObject, nowMs: number): TableCells;
}

/** How much of the object a row carries (`includeObject`). */
export type TableObjectPolicy = 'Metadata' | 'None' | 'Object';

/** Version of `meta.k8s.io` that was negotiated. */
export type TableVersion = 'v1' | 'v1beta1';

/** What one table is made of. */
export interface TableRequest {
  readonly printer: TablePrinter;
  readonly objects: readonly KubernetesObject[];
  /** List metadata (resourceVersion, continue, remainingItemCount), or `{}`-like for one object. */
  readonly metadata: JsonObject;
  readonly includeObject: TableObjectPolicy;
  readonly version: TableVersion;
  /** False for every watch event but the first. */
  readonly includeColumns: boolean;
  readonly nowMs: number;
}

/** Makes a `Table` document. */
export function tableOf(request: TableRequest): JsonObject {
  const { printer, objects, includeObject, version, nowMs } = request;
  const apiVersion = `meta.k8s.io/${version}`;
  const rows = objects.map((object): JsonObject => {
    const cells = printer.cells(object, nowMs);
    if (includeObject === 'None') return { cells, object: null };
    if (includeObject === 'Object') return { cells, object };
    return { cells, object: partialObjectMetadata(object, version) };
  });
  const columns: Json = request.includeColumns ? printer.columns.map(columnJson) : [];
  return {
    kind: 'Table',
    apiVersion,
    metadata: request.metadata,
    columnDefinitions: columns,
    rows,
  };
}

function columnJson(column: TableColumn): JsonObject {
  const { name, type, format, description, priority } = column;
  return { name, type, format, description, priority };
}

/** Kind, apiVersion and full metadata of an object (K37). */
export function partialObjectMetadata(
  object: { readonly metadata: ObjectMeta },
  version: TableVersion,
): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object.metadata,
  };
}
