/** Opens a state (spec: store 3.3): creates an empty one, or checks what is there. */
import { readAll, type KvEngine } from '../engine';
import { storeError } from '../errors';
import type { Revision } from '../kv';
import {
  corrupt,
  decodeApplied,
  decodeClusterId,
  decodeFlushed,
  decodeLease,
  decodeMetaCounter,
  emptyApplied,
  META_KEYS,
  NAMESPACE,
  namespaceBounds,
  putApplied,
  putClusterId,
  putFlushed,
  putMetaCounter,
  RecordWriter,
  SCHEMA_VERSION,
  type AppliedRecord,
  type FlushedRecord,
  type LeaseRecord,
} from '../mvcc';
import { checkIntegrity } from './integrity';

/** What was found or made. */
export interface OpenedState {
  readonly applied: AppliedRecord;
  readonly flushed: FlushedRecord;
  readonly compactDone: Revision;
  readonly leases: Map<string, LeaseRecord>;
}

/** Opens the state in `engine`, which must be empty or hold a whole state of this cluster. */
export async function openState(engine: KvEngine, clusterId: string): Promise<OpenedState> {
  if (await isEmpty(engine)) return create(engine, clusterId);
  checkIdentity(engine, clusterId);
  const applied = decodeApplied(engine.location, required(engine, 'applied'));
  const flushed = decodeFlushed(engine.location, required(engine, 'flushed'));
  await checkIntegrity(engine, applied, flushed);
  const done = engine.getSync(META_KEYS.compactDone);
  const compactDone =
    done === undefined ? 0 : decodeMetaCounter(engine.location, META_KEYS.compactDone, done);
  const leases = await readLeases(engine);
  return { applied, flushed, compactDone: compactDone as Revision, leases };
}

async function isEmpty(engine: KvEngine): Promise<boolean> {
  const iterator = engine.iterate({ start: new Uint8Array(0) }, { keysOnly: true });
  const first = await iterator.next(1);
  await iterator.close();
  return first.length === 0;
}

async function create(engine: KvEngine, clusterId: string): Promise<OpenedState> {
  const applied = emptyApplied();
  const { index, term, revision, fold, link } = applied;
  const flushed = { index, term, revision, fold, link };
  const writer = new RecordWriter();
  const batch = engine.batch();
  putMetaCounter(writer, batch, META_KEYS.schema, SCHEMA_VERSION);
  putClusterId(writer, batch, clusterId);
  putApplied(writer, batch, applied);
  putFlushed(writer, batch, flushed);
  await batch.write({ sync: true });
  return { applied, flushed, compactDone: 0 as Revision, leases: new Map() };
}

function checkIdentity(engine: KvEngine, clusterId: string): void {
  const { location } = engine;
  const schema = decodeMetaCounter(location, META_KEYS.schema, required(engine, 'schema'));
  if (schema !== SCHEMA_VERSION) {
    throw storeError(
      'STORE_INVALID',
      `Cannot open the store in ${location} as its layout is not version ` +
        `${String(SCHEMA_VERSION)}: received version ${String(schema)}. ` +
        'Use the keelson that wrote it, or a newer one',
    );
  }
  const found = decodeClusterId(location, required(engine, 'clusterId'));
  if (found !== clusterId) {
    throw storeError(
      'STORE_INVALID',
      `Cannot open the store in ${location} as it holds data of cluster ${found}: received ` +
        `cluster ${clusterId}. Use the data directory of this cluster, or an empty one`,
      { details: { location, found, clusterId } },
    );
  }
}

function required(engine: KvEngine, name: keyof typeof META_KEYS): Uint8Array {
  const value = engine.getSync(META_KEYS[name]);
  if (value === undefined) throw corrupt(engine.location, `its meta record "${name}" is missing`);
  return value;
}

async function readLeases(engine: KvEngine): Promise<Map<string, LeaseRecord>> {
  const leases = new Map<string, LeaseRecord>();
  for (const { key, value } of await readAll(engine, namespaceBounds(NAMESPACE.lease))) {
    const lease = decodeLease(engine.location, key, value);
    leases.set(lease.leaseId, lease);
  }
  return leases;
}
