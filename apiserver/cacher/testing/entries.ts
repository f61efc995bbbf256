/** Cache entries and changes made by hand, for tests. */
import { utf8 } from '../../../base/bytes';
import type { Revision } from '../../../store/index';
import { pod, POD_FIELDS } from '../../storage/conformance/harness';
import { decodeStored } from '../../storage/index';
import { CacheEntry, FieldSchema } from '../cache-entry';
import { ChangeEvent } from '../change-event';

const SCHEMA = new FieldSchema(POD_FIELDS);

/** A pod as the cache keeps it. */
export function entryOf(
  path: string,
  revision: number,
  extra: Parameters<typeof pod>[1] = {},
): CacheEntry {
  const value = utf8(JSON.stringify(pod(path, extra)));
  const { encoded, parsed } = decodeStored(path, value, revision as Revision);
  return new CacheEntry(encoded, parsed, SCHEMA);
}

/** A creation. */
export function changeAt(revision: number, atMs: number, path = 'ns/a'): ChangeEvent {
  const current = entryOf(path, revision);
  return new ChangeEvent({ path, revision: current.revision, current, previous: undefined, atMs });
}
