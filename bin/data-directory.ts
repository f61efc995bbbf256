/**
 * The files of a cluster that `keelson up` runs, all under one directory:
 *
 *   cluster.json       who the members are; written once, since members are known by it
 *   pki/               authorities, certificates and keys (0600)
 *   kubeconfig         for kubectl
 *   up.json            what runs now; only while `keelson up` runs
 *   replica-N/         a member's own: member.json, wal/, state/
 *   logs/              what each process says
 *   lock               who holds the directory
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { isHexId, randomHexId } from '../base/hex-id';
import { formatAddress, systemCode } from '../base/node';
import type { Random } from '../base/random';
import { CommandError } from './failure';

/** A member as `cluster.json` names it. */
export interface ClusterMember {
  readonly name: string;
  readonly memberId: string;
  /** `host:port`, for peers and clients alike. */
  readonly address: string;
  /** It was ready once: an empty directory from now on is lost data, not a new member (R66). */
  readonly hasStarted: boolean;
}

/** `cluster.json`. */
export interface ClusterFile {
  readonly clusterId: string;
  readonly members: readonly ClusterMember[];
}

/** Where things are in a data directory. */
export interface DataPaths {
  readonly root: string;
  readonly cluster: string;
  readonly pki: string;
  readonly kubeconfig: string;
  readonly up: string;
  readonly logs: string;
  member(name: string): string;
}

/** The paths under a data directory; absolute, so that they mean the same in every process. */
export function dataPaths(directory: string): DataPaths {
  const root = resolve(directory);
  return {
    root,
    cluster: join(root, 'cluster.json'),
    pki: join(root, 'pki'),
    kubeconfig: join(root, 'kubeconfig'),
    up: join(root, 'up.json'),
    logs: join(root, 'logs'),
    member: (name) => join(root, name),
  };
}

/** Makes a directory that only its owner can enter. */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(
      `Cannot make the directory ${path}: ${(error as Error).message}. ` +
        'Choose another with --data-dir.',
    );
  }
}

/** Replaces a file in one step, readable by its owner alone. */
export function writePrivateFile(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** Reads `cluster.json`; undefined if there is none. */
export function readClusterFile(paths: DataPaths): ClusterFile | undefined {
  let text: string;
  try {
    text = readFileSync(paths.cluster, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new CommandError(`Cannot read ${paths.cluster}: ${(error as Error).message}`);
  }
  const cluster = parseClusterFile(text);
  if (cluster === undefined) {
    throw new CommandError(
      `Cannot use ${paths.cluster} as it is not what keelson wrote: restore it from a backup, ` +
        'or choose another directory with --data-dir.',
    );
  }
  return cluster;
}

/** Reads `cluster.json` of a directory that must have one. */
export function requireClusterFile(paths: DataPaths): ClusterFile {
  const cluster = readClusterFile(paths);
  if (cluster !== undefined) return cluster;
  throw new CommandError(
    `Cannot find a cluster in ${paths.root} (there is no cluster.json): ` +
      'run `keelson up` there first, or name its directory with --data-dir.',
  );
}

/** Writes `cluster.json`. */
export function writeClusterFile(paths: DataPaths, cluster: ClusterFile): void {
  writePrivateFile(paths.cluster, `${JSON.stringify(cluster, undefined, 2)}\n`);
}

/** A new cluster of `count` members on free ports of `host`, which they keep. */
export async function newCluster(
  count: number,
  host: string,
  random: Random,
): Promise<ClusterFile> {
  const clusterId = randomHexId(random);
  const members: ClusterMember[] = [];
  for (let number = 1; number <= count; number++) {
    const name = `replica-${number}`;
    const taken = new Set(members.map((member) => member.address));
    const address = await freeAddress(host, random, taken);
    members.push({ name, memberId: memberIdOf(clusterId, name), address, hasStarted: false });
  }
  return { clusterId, members };
}

/** The id of a member given by name alone, the same wherever it is computed. */
export function memberIdOf(clusterId: string, name: string): string {
  return createHash('sha256').update(`${clusterId}/${name}`).digest('hex').slice(0, 16);
}

/**
 * A port that is free and stays out of the way: below the ranges that Linux (from 32768) and macOS
 * (from 49152) give to outgoing connections, one of which could hold it at the next start.
 */
async function freeAddress(
  host: string,
  random: Random,
  taken: ReadonlySet<string>,
): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const address = formatAddress({ host, port: 20_000 + random.below(12_000) });
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    if (!taken.has(address) && (await probePort(host, port)) === 'free') return address;
  }
  throw new CommandError(`Cannot find a free port on ${host} for a replica.`);
}

/** Whether a port could be bound now, or the system's code why not. */
export function probePort(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(systemCode(error) ?? error.message));
    server.listen({ host, port, exclusive: true }, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound === port || port === 0 ? 'free' : 'EADDRINUSE'));
    });
  });
}

function parseClusterFile(text: string): ClusterFile | undefined {
  try {
    const value = JSON.parse(text) as Partial<ClusterFile>;
    const isWhole =
      isHexId(value.clusterId) &&
      Array.isArray(value.members) &&
      value.members.length > 0 &&
      value.members.every((member: Partial<ClusterMember>) => {
        return (
          typeof member.name === 'string' &&
          isHexId(member.memberId) &&
          typeof member.address === 'string' &&
          typeof member.hasStarted === 'boolean'
        );
      });
    return isWhole ? (value as ClusterFile) : undefined;
  } catch {
    // Not JSON: the caller says so with the path.
    return undefined;
  }
}
