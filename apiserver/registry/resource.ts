/**
 * One resource of the API as data: names, scope, verbs, versions, key segment and what is special
 * about it. Built-in ones come from the generated tables and the hand tables of `resources/`;
 * custom resources will make the same record from their definition.
 */
import type { GroupResource, GroupVersionKind, KubernetesObject } from '../machinery/object';
import type { TablePrinter } from '../machinery/table';
import type { Strategy } from './strategy';

export type { TableColumn } from '../machinery/table';

/** A verb of the generic API. */
export type Verb =
  'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A subresource, as discovery and routing need it. */
export interface SubresourceDefinition {
  /** `status`, `scale`, `finalize`, `token`, … */
  readonly name: string;
  readonly kind: GroupVersionKind;
  readonly verbs: readonly Verb[];
}

/** Between the form of a served version and the stored form (events, autoscaling/v1). */
export interface VersionConversion {
  toStored(object: KubernetesObject): KubernetesObject;
  fromStored(object: KubernetesObject): KubernetesObject;
}

/** A resource in one served version. */
export interface ResourceDefinition extends GroupResource {
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceDefinition[];
  /** The version whose form is stored; objects of other versions share its storage (K78). */
  readonly storageVersion: string;
  /** The group of the stored form where it is not `group` (events.k8s.io is stored as core). */
  readonly storageGroup?: string;
  /** Discovery's digest of the stored group, version and kind. */
  readonly storageVersionHash?: string;
  /** Key segment under the prefix: `pods`, `services/specs` (K77). */
  readonly keySegment: string;
  readonly strategy: Strategy;
  /** Set where this version's form differs from the stored one by more than `apiVersion`. */
  readonly conversion?: VersionConversion;
  /** Columns of `kubectl get`; undefined means Name and Created At (K36). */
  readonly printer?: TablePrinter;
}
