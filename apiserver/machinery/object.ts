/**
 * Kubernetes objects as parsed JSON. The API server treats all kinds alike: what is special about
 * a kind is data (`schema/`, `registry/`), not a class.
 */

/** Any JSON value. int64 beyond 2^53 is kept as `JsonNumber` by the parser of `json.ts` (K32). */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject | JsonNumber;

/** A JSON object. Field order is kept and meaningful for comparing stored bytes (K44). */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** A number whose text says more than a double can hold. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** What `JSON.stringify` writes: a mark that tells `stringifyJson` to write digits instead. */
  toJSON(): string {
    return bigNumberMark;
  }
}

/** Stands for a big number in the text of `JSON.stringify`. */
export const bigNumberMark = 'keelson:big-number';

/** The part of an object that the machinery itself reads and writes (k8s: ObjectMeta). */
export interface ObjectMeta extends JsonObject {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

/** An object of any kind. */
export interface KubernetesObject extends JsonObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** Group and plural, as messages name a resource: `pods`, `deployments.apps`. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** A resource of one version. */
export interface GroupVersionResource extends GroupResource {
  readonly version: string;
}

/** A kind of one version. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `pods` or `deployments.apps`. */
export function groupResourceName(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(version: {
  readonly group: string;
  readonly version: string;
}): string {
  return version.group === '' ? version.version : `${version.group}/${version.version}`;
}
