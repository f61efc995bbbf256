/**
 * `keelson kv`: the store itself, below Kubernetes. Speaks to the replicas over their wire like an
 * API server does. Text output is for people and `grep`; `-o json` says everything.
 */
import { fromUtf8, prefixRangeEnd, utf8 } from '../base/bytes';
import { hasCode } from '../base/error';
import { NO_ID } from '../base/hex-id';
import { RealClock, systemRandom } from '../base/node';
import type { KeyRange, KeyValue, ListResult, Revision, WatchEvent } from '../store';
import { createKvClient, type KvClient } from '../store/wire';
import { CommandError, describeFailure } from './failure';
import type { StoreFlags } from './flags';
import { openStoreAccess } from './store-access';

/** Flags of every `keelson kv` command; each uses those that mean something to it. */
export interface KvFlags extends StoreFlags {
  /** `--prefix` alone says that the key is one; with a value it is the prefix itself. */
  readonly prefix?: string | boolean;
  readonly keysOnly?: boolean;
  readonly revision?: number;
  readonly limit?: number;
  readonly output: 'json' | 'text';
  readonly serializable?: boolean;
}

/** What a command is about: one key, or all keys that begin with something. */
type Target =
  | { readonly kind: 'key'; readonly key: Uint8Array; readonly text: string }
  | { readonly kind: 'range'; readonly range: KeyRange };

const PAGE = 1_000;

/** Prints the value of a key, or with `--prefix` all keys and values. */
export async function runKvGet(key: string | undefined, flags: KvFlags): Promise<void> {
  const target = targetOf(key, flags);
  if (target.kind === 'range') return runKvList(key, flags);
  await withClient(flags, async (client) => {
    const { revision, keyValue } = await client.get(target.key, readOptions(flags));
    if (flags.output === 'json') {
      const shown = keyValue === undefined ? null : jsonOf(keyValue, flags.keysOnly === true);
      print(JSON.stringify({ revision, keyValue: shown }));
    } else if (keyValue !== undefined) {
      print(flags.keysOnly === true ? textOf(keyValue.key) : textOf(keyValue.value));
    }
    if (keyValue === undefined) {
      throw new CommandError(
        `There is no key ${target.text} at revision ${flags.revision ?? revision}.`,
      );
    }
  });
}

/** Writes a value, whatever was there. */
export async function runKvPut(key: string, value: string, flags: KvFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const { revision, results } = await client.txn({
      compare: [],
      success: [
        { kind: 'put', key: utf8(key), value: utf8(value), leaseId: NO_ID, withPrevious: true },
      ],
      failure: [],
    });
    const [result] = results;
    const previous = result?.kind === 'put' ? result.previous : undefined;
    if (flags.output === 'json') {
      print(JSON.stringify({ revision, previous: previous ? jsonOf(previous, false) : null }));
    } else {
      print(`revision ${revision}`);
    }
  });
}

/** Deletes a key, or with `--prefix` all keys that begin with it. */
export async function runKvDelete(key: string | undefined, flags: KvFlags): Promise<void> {
  const target = targetOf(key, flags);
  const range = target.kind === 'key' ? { key: target.key } : target.range;
  await withClient(flags, async (client) => {
    const { revision, results } = await client.txn({
      compare: [],
      success: [{ kind: 'deleteRange', range, withPrevious: false }],
      failure: [],
    });
    const [result] = results;
    const deleted = result?.kind === 'deleteRange' ? result.deleted : 0;
    print(flags.output === 'json' ? JSON.stringify({ revision, deleted }) : `deleted ${deleted}`);
  });
}

/** Prints keys and values in key order, all of one revision. */
export async function runKvList(key: string | undefined, flags: KvFlags): Promise<void> {
  const { range } = rangeOf(key, flags);
  const keysOnly = flags.keysOnly === true;
  await withClient(flags, async (client) => {
    const shown: unknown[] = [];
    const { revision, more } = await readPages(client, range, flags, (keyValue) => {
      if (flags.output === 'json') shown.push(jsonOf(keyValue, keysOnly));
      else
        print(
          keysOnly ? textOf(keyValue.key) : `${textOf(keyValue.key)}\n${textOf(keyValue.value)}`,
        );
    });
    if (flags.output === 'json') print(JSON.stringify({ revision, keyValues: shown, more }));
  });
}

/** Prints each change from `--revision` on, that revision included, until it is stopped. */
export async function runKvWatch(key: string | undefined, flags: KvFlags): Promise<void> {
  const target = targetOf(key, flags);
  const range = target.kind === 'range' ? target.range : keyRange(target.key);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await withClient(flags, async (client) => {
    const startRevision = (flags.revision ?? 0) as Revision;
    let left = flags.limit ?? Infinity;
    for await (const batch of client.watch(range, { startRevision, signal: stop.signal })) {
      if (batch.kind === 'progress') continue;
      for (const event of batch.events) {
        print(flags.output === 'json' ? eventJson(event, flags) : eventText(event, flags));
        left -= 1;
        if (left === 0) return;
      }
    }
  });
}

/** Reads page after page at the revision of the first, so that all of it is one state. */
async function readPages(
  client: KvClient,
  range: KeyRange,
  flags: KvFlags,
  take: (keyValue: KeyValue) => void,
): Promise<{ readonly revision: Revision; readonly more: boolean }> {
  let left = flags.limit ?? Infinity;
  let start = range.start;
  let options = readOptions(flags);
  for (;;) {
    const page: ListResult = await client.list(
      { start, end: range.end },
      { ...options, keysOnly: flags.keysOnly === true, limit: Math.min(left, PAGE) },
    );
    page.keyValues.forEach(take);
    left -= page.keyValues.length;
    const last = page.keyValues.at(-1);
    if (!page.more || left <= 0 || last === undefined) {
      return { revision: options.revision ?? page.revision, more: page.more };
    }
    options = { ...options, revision: options.revision ?? page.revision };
    start = keyRange(last.key).end as Uint8Array;
  }
}

async function withClient(flags: KvFlags, run: (client: KvClient) => Promise<void>): Promise<void> {
  const { network, endpoints } = openStoreAccess(flags);
  const client = createKvClient({
    network,
    clock: new RealClock(),
    random: systemRandom().random,
    endpoints,
  });
  try {
    await run(client);
  } catch (error) {
    throw withHint(error);
  } finally {
    client.close();
  }
}

/** Adds what to do to a failure of the store. */
function withHint(error: unknown): unknown {
  const hints = [
    ['STORE_UNREACHABLE', 'Is `keelson up` running?'],
    ['STORE_COMPACTED', 'Leave --revision out, or name a later one.'],
    ['STORE_CONNECTION_LOST', 'Whether the write happened is unknown: look with `kv get`.'],
    ['STORE_TIMEOUT', 'A majority of the replicas has to run: see `keelson status`.'],
    ['RAFT_NO_LEADER', 'A majority of the replicas has to run: see `keelson status`.'],
  ] as const;
  const hint = hints.find(([code]) => hasCode(error, code));
  return hint === undefined ? error : new CommandError(`${describeFailure(error)}. ${hint[1]}`);
}

function readOptions(flags: KvFlags): {
  readonly revision?: Revision;
  readonly serializable?: boolean;
} {
  return {
    ...(flags.revision === undefined ? {} : { revision: flags.revision as Revision }),
    ...(flags.serializable === true ? { serializable: true } : {}),
  };
}

function targetOf(key: string | undefined, flags: KvFlags): Target {
  if (flags.prefix !== undefined && flags.prefix !== false) return rangeOf(key, flags);
  if (key === undefined) throw new CommandError('Name a key, or a prefix with --prefix.');
  return { kind: 'key', key: utf8(key), text: key };
}

function rangeOf(
  key: string | undefined,
  flags: KvFlags,
): { readonly kind: 'range'; readonly range: KeyRange } {
  if (typeof flags.prefix === 'string' && key !== undefined) {
    throw new CommandError('Name the prefix once: as an argument, or after --prefix.');
  }
  const start = utf8(typeof flags.prefix === 'string' ? flags.prefix : (key ?? ''));
  return { kind: 'range', range: { start, end: prefixRangeEnd(start) } };
}

/** The range that holds one key. */
function keyRange(key: Uint8Array): KeyRange {
  const end = new Uint8Array(key.length + 1);
  end.set(key);
  return { start: key, end };
}

function eventText({ kind, keyValue }: WatchEvent, flags: KvFlags): string {
  const line = `${kind} ${textOf(keyValue.key)}`;
  return kind === 'delete' || flags.keysOnly === true ? line : `${line}\n${textOf(keyValue.value)}`;
}

function eventJson({ kind, keyValue, previous }: WatchEvent, flags: KvFlags): string {
  const keysOnly = flags.keysOnly === true || kind === 'delete';
  const before = previous === undefined ? null : jsonOf(previous, flags.keysOnly === true);
  const revision = keyValue.modRevision;
  return JSON.stringify({ kind, revision, keyValue: jsonOf(keyValue, keysOnly), previous: before });
}

function jsonOf(keyValue: KeyValue, keysOnly: boolean): Readonly<Record<string, unknown>> {
  const { createRevision, modRevision, version, leaseId } = keyValue;
  return {
    ...bytesField('key', keyValue.key),
    ...(keysOnly ? {} : bytesField('value', keyValue.value)),
    createRevision,
    modRevision,
    version,
    ...(leaseId === NO_ID ? {} : { leaseId }),
  };
}

/** Text where the bytes are text, else base64 under a name that says so. */
function bytesField(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  try {
    return { [name]: fromUtf8(bytes) };
  } catch {
    // Not UTF-8.
    return { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
