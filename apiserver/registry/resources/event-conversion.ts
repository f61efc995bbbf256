/**
 * Events of events.k8s.io/v1 and of core/v1 are the same objects under other field names; core's
 * form is stored (K77, K78). k8s: pkg/apis/events/v1/conversion.go.
 */
import type { KubernetesObject } from '../../machinery/object';

/** Names in events.k8s.io/v1, then in core/v1. */
const pairs: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const toCoreNames = new Map(pairs);
const fromCoreNames = new Map(pairs.map(([newer, core]) => [core, newer]));

/** The core/v1 form of an events.k8s.io/v1 event. */
export function eventToCore(event: KubernetesObject): KubernetesObject {
  const renamed = rename(event, toCoreNames);
  return { ...renamed, apiVersion: 'v1' };
}

/** The events.k8s.io/v1 form of a core/v1 event. */
export function eventFromCore(event: KubernetesObject): KubernetesObject {
  const renamed = rename(event, fromCoreNames);
  return { ...renamed, apiVersion: 'events.k8s.io/v1' };
}

function rename(event: KubernetesObject, names: ReadonlyMap<string, string>): KubernetesObject {
  const { metadata, ...rest } = event;
  const fields = Object.entries(rest).map(([name, value]) => [names.get(name) ?? name, value]);
  const { kind, apiVersion, ...others } = Object.fromEntries(fields) as typeof rest;
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    metadata,
    ...others,
  };
}
