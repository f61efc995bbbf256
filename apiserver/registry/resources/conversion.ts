/**
 * The two resources that are served in two forms and stored in one (K78): events of both groups
 * are stored as core/v1, autoscalers as autoscaling/v2.
 */
import type { VersionConversion } from '../resource';
import { eventFromCore, eventToCore } from './event-conversion';
import { autoscalerFromV2, autoscalerToV2 } from './autoscaler-conversion';

interface Served {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Group and version of the stored form. */
export function storageOf(served: Served): { readonly group: string; readonly version: string } {
  if (served.resource === 'events') return { group: '', version: 'v1' };
  if (served.resource === 'horizontalpodautoscalers') return { group: served.group, version: 'v2' };
  return { group: served.group, version: served.version };
}

const conversions: Readonly<Record<string, VersionConversion>> = {
  'events.k8s.io/v1/events': { toStored: eventToCore, fromStored: eventFromCore },
  'autoscaling/v1/horizontalpodautoscalers': {
    toStored: autoscalerToV2,
    fromStored: autoscalerFromV2,
  },
};

/** How to get from this version's form to the stored one and back; undefined where they agree. */
export function conversionOf(served: Served): VersionConversion | undefined {
  return conversions[`${served.group}/${served.version}/${served.resource}`];
}
