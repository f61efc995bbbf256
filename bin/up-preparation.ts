/**
 * What `keelson up` does before it starts a process. All that can be known to be wrong by then
 * fails here, in one sentence, with nothing started: a directory that is held or holds another
 * cluster, a port in use.
 */
import type { DirectoryLock } from '../base/disk';
import { formatAddress, RealDisk, systemRandom } from '../base/node';
import {
  newCluster,
  probePort,
  readClusterFile,
  writeClusterFile,
  type ClusterFile,
  type DataPaths,
} from './data-directory';
import { CommandError } from './failure';
import { LOOPBACK, type UpFlags } from './up-flags';

const DEFAULT_REPLICAS = 3;

/** Takes the data directory for this process. */
export async function takeDirectory(paths: DataPaths): Promise<DirectoryLock> {
  const lock = await new RealDisk(paths.root).lock('');
  if ('release' in lock) return lock;
  throw new CommandError(
    `Cannot use the data directory ${paths.root} as another keelson up holds it ` +
      `(${lock.heldBy ?? 'its process is unknown'}): stop that one, or choose another directory ` +
      'with --data-dir.',
  );
}

/** The cluster of a directory; a new one if there is none yet. */
export async function openCluster(flags: UpFlags, paths: DataPaths): Promise<ClusterFile> {
  const existing = readClusterFile(paths);
  if (existing === undefined) {
    const { random } = systemRandom();
    const cluster = await newCluster(flags.replicas ?? DEFAULT_REPLICAS, LOOPBACK, random);
    writeClusterFile(paths, cluster);
    return cluster;
  }
  const count = existing.members.length;
  if (flags.replicas !== undefined && flags.replicas !== count) {
    throw new CommandError(
      `Cannot start ${flags.replicas} replicas as ${paths.root} holds a cluster of ${count}: ` +
        `leave --replicas out, or choose another directory with --data-dir.`,
    );
  }
  return existing;
}

/** Fails if a port that was asked for cannot be had. */
export async function checkPorts(flags: UpFlags): Promise<void> {
  const { port, apiservers, bindAddress } = flags;
  const count = port === 0 ? 1 : apiservers > 1 ? apiservers + 1 : 1;
  if (port + count - 1 > 65_535) {
    throw new CommandError(`Cannot use ports up to ${port + count - 1}: choose a lower --port.`);
  }
  for (let wanted = port; wanted < port + count; wanted++) {
    const found = await probePort(bindAddress, wanted);
    if (found === 'free') continue;
    const at = formatAddress({ host: bindAddress, port: wanted });
    throw new CommandError(
      found === 'EADDRINUSE'
        ? `Cannot listen on ${at} as that port is in use: stop the process that listens there, ` +
            'or choose another with --port (0 takes any free one).'
        : `Cannot listen on ${at} (${found}): choose another with --bind-address and --port.`,
    );
  }
}
