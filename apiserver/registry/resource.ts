/**
 * One resource of the API as data: names, scope, verbs, versions, key segment and what is special
 * about it. Built-in ones come from the generated tables and the hand tables of `resources/`;
 * custom resources will make the same record from their definition.
 */
import type { GroupResource, GroupVersionKind } from '../machinery/object';
import type { Strategy } from './strategy';

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

/** One column of a table (K36). */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  readonly priority: number;
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
  /** Key segment under the prefix: `pods`, `services/specs` (K77). */
  readonly keySegment: string;
  /** Groups whose resource of the same name shares this storage (events); usually none. */
  readonly strategy: Strategy;
}
