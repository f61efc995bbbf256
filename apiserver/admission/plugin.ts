/** Admission: what may change or refuse a write between authorization and the store (K66, K74). */
import type { UserInfo } from '../auth';
import type { GroupVersionKind, GroupVersionResource, KubernetesObject } from '../machinery/object';

/** A write as the plugins see it. */
export interface AdmissionAttributes {
  readonly operation: 'create' | 'update' | 'delete' | 'connect';
  readonly resource: GroupVersionResource;
  /** Empty for the resource itself. */
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  /** Empty for cluster scope. */
  readonly namespace: string;
  readonly name: string;
  /** The new object; undefined for a deletion. */
  readonly object: KubernetesObject | undefined;
  /** The stored object; undefined for a creation. */
  readonly oldObject: KubernetesObject | undefined;
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** Adds a `Warning` header to the answer. */
  warn(text: string): void;
}

/** One step of admission. Refuses by throwing an `ApiError`. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Returns the object to go on with, changed or not. */
  mutate?(attributes: AdmissionAttributes): Promise<KubernetesObject | undefined>;
  validate?(attributes: AdmissionAttributes): Promise<void>;
}
