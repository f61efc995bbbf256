/** `keelson replica`: one member of the store, Raft and all, on its own data directory. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../base/clock';
import { delay } from '../base/clock';
import type { DirectoryLock } from '../base/disk';
import { hasCode } from '../base/error';
import { RealDisk, startHttpListener, systemCode, WsNetwork, type HttpAnswer } from '../base/node';
import { RAFT_DEFAULTS, RAFT_FAST, RAFT_UP } from '../raft';
import { openLevelEngine } from '../store/engine/level-engine';
import { Replica, type ReplicaConfig } from '../store/replica';
import { dataPaths, memberIdOf, requireClusterFile, writePrivateFile } from './data-directory';
import { CommandError } from './failure';
import type { LogFlags } from './flags';
import { peerNameOf, pkiPaths, readIdentity, type CertificatePaths } from './pki';
import { runService, type RunningService, type ServiceParts } from './service';

/** The flags of `keelson replica`. */
export interface ReplicaFlags extends LogFlags {
  readonly name: string;
  readonly dataDir: string;
  readonly existing?: boolean;
  readonly memberDir?: string;
  readonly clusterId?: string;
  readonly members?: readonly { readonly name: string; readonly address: string }[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecurePlaintext?: boolean;
  readonly profile: keyof typeof PROFILES;
  readonly metricsListen?: string;
}

/** Times of Raft, by what lies between the members. */
export const PROFILES = { up: RAFT_UP, default: RAFT_DEFAULTS, fast: RAFT_FAST } as const;

/** Who this member is, where its files are, and how it proves itself. */
interface Membership {
  readonly config: ReplicaConfig;
  readonly directory: string;
  readonly tls: { readonly pair: CertificatePaths; readonly authority: string } | undefined;
}

/** A predecessor that is still stopping holds the directory for a moment. */
const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 50;

/** Runs a replica until it is told to stop. */
export async function runReplica(flags: ReplicaFlags): Promise<void> {
  process.env['UV_THREADPOOL_SIZE'] ??= '16';
  await runService(flags.name, flags, (parts) => startReplica(flags, parts));
}

async function startReplica(flags: ReplicaFlags, parts: ServiceParts): Promise<RunningService> {
  const { clock, random, logger } = parts;
  const { config, directory, tls } = membershipOf(flags);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const disk = new RealDisk(directory);
  const lock = await takeMemberDirectory(disk, directory, clock);
  checkMemberFile(directory, config, flags.existing === true);
  const identity = tls && readIdentity(tls.pair, tls.authority);
  const network = new WsNetwork({
    security:
      identity === undefined
        ? { kind: 'plaintext' }
        : { kind: 'mutualTls', identity, peerName: peerNameOf(config.clusterId) },
  });
  const engine = await openLevelEngine({ directory: join(directory, 'state') });
  const replica = await openReplica({
    config: {
      ...config,
      isMutuallyAuthenticated: identity !== undefined,
      // Its votes were in the log, even if state and log are gone together (R66).
      isLogCreationAllowed: flags.existing !== true,
    },
    clock,
    random,
    disk,
    network,
    engine,
    logger,
  });
  const health = await startHealth(flags.metricsListen, replica);
  return {
    addresses: [replica.address],
    ended: replica.run(),
    renewCertificates: () => {
      if (tls !== undefined) network.replaceIdentity(readIdentity(tls.pair, tls.authority));
    },
    close: async () => {
      await health?.close();
      await replica.close();
      await engine.close();
      await disk.close();
      await lock.release();
    },
  };
}

async function openReplica(options: Parameters<typeof Replica.open>[0]): Promise<Replica> {
  try {
    return await Replica.open(options);
  } catch (error) {
    if (!hasCode(error, 'NETWORK_ADDRESS_IN_USE')) throw error;
    throw new CommandError(
      `${error.message}. Other members know this one by that address: stop the process that ` +
        'has it.',
    );
  }
}

function membershipOf(flags: ReplicaFlags): Membership {
  if (flags.members !== undefined || flags.clusterId !== undefined) return membershipByFlags(flags);
  const paths = dataPaths(flags.dataDir);
  const cluster = requireClusterFile(paths);
  const own = cluster.members.find((member) => member.name === flags.name);
  if (own === undefined) {
    const names = cluster.members.map((member) => member.name).join(', ');
    throw new CommandError(
      `Cannot start ${flags.name} as ${paths.cluster} names only ${names}: choose one with --name.`,
    );
  }
  const pki = pkiPaths(paths.pki);
  return {
    config: {
      clusterId: cluster.clusterId,
      memberId: own.memberId,
      name: own.name,
      address: own.address,
      raft: PROFILES[flags.profile],
      peers: cluster.members.map(({ memberId, name, address }) => ({ memberId, name, address })),
    },
    directory: paths.member(own.name),
    tls: { pair: pki.member(own.name), authority: pki.storeAuthority.certificate },
  };
}

function membershipByFlags(flags: ReplicaFlags): Membership {
  const { members, clusterId, memberDir, ca, cert, key } = flags;
  if (members === undefined || clusterId === undefined || memberDir === undefined) {
    throw new CommandError('--members, --cluster-id and --member-dir are given together.');
  }
  const peers = members.map(({ name, address }) => ({
    memberId: memberIdOf(clusterId, name),
    name,
    address,
  }));
  const own = peers.find((peer) => peer.name === flags.name);
  if (own === undefined) {
    throw new CommandError(`Cannot start ${flags.name} as --members does not name it.`);
  }
  const isPlain = flags.insecurePlaintext === true;
  if (!isPlain && (ca === undefined || cert === undefined || key === undefined)) {
    throw new CommandError('--members needs --ca, --cert and --key, or --insecure-plaintext.');
  }
  return {
    config: { clusterId, ...own, peers, raft: PROFILES[flags.profile] },
    directory: resolve(memberDir),
    tls:
      ca === undefined || cert === undefined || key === undefined || isPlain
        ? undefined
        : { pair: { certificate: cert, key }, authority: ca },
  };
}

async function takeMemberDirectory(
  disk: RealDisk,
  directory: string,
  clock: Clock,
): Promise<DirectoryLock> {
  const deadlineMs = clock.monotonicMs() + LOCK_WAIT_MS;
  for (;;) {
    const lock = await disk.lock('');
    if ('release' in lock) return lock;
    if (clock.monotonicMs() >= deadlineMs) {
      throw new CommandError(
        `Cannot use the data directory ${directory} as another replica holds it ` +
          `(${lock.heldBy ?? 'its process is unknown'}): stop that one first.`,
      );
    }
    await delay(clock, LOCK_RETRY_MS);
  }
}

/** `member.json` says whose directory it is; another member's data is never opened. */
function checkMemberFile(directory: string, config: ReplicaConfig, mustExist: boolean): void {
  const path = join(directory, 'member.json');
  const { clusterId, memberId, name } = config;
  const text = readIfPresent(path);
  if (text === undefined) {
    const isEmpty = readdirSync(directory).every((entry) => entry === 'lock');
    if (!isEmpty || mustExist) {
      throw new CommandError(
        isEmpty
          ? `Cannot start ${name} as its data in ${directory} is gone: a member that lost its log ` +
              'may have voted and must not vote again. Restore the directory.'
          : `Cannot use ${directory} as it is not empty and has no member.json: ` +
              'it is not the directory of a replica.',
      );
    }
    writePrivateFile(path, `${JSON.stringify({ clusterId, memberId, name }, undefined, 2)}\n`);
    return;
  }
  const found = parseMember(text);
  if (found?.clusterId === clusterId && found.memberId === memberId) return;
  throw new CommandError(
    found === undefined
      ? `Cannot use ${path} as it is not what keelson wrote: restore it from a backup.`
      : `Cannot use the data directory ${directory} as it belongs to ${found.name} of cluster ` +
          `${found.clusterId}, and this is ${name} of cluster ${clusterId}: choose another one.`,
  );
}

function parseMember(
  text: string,
): { readonly clusterId: string; readonly memberId: string; readonly name: string } | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const { clusterId, memberId, name } = value;
    if (typeof clusterId !== 'string' || typeof memberId !== 'string') return undefined;
    return { clusterId, memberId, name: String(name) };
  } catch {
    // Not JSON: the caller says so with the path.
    return undefined;
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Liveness, and the member's figures in the text form that Prometheus reads. */
async function startHealth(
  address: string | undefined,
  replica: Replica,
): Promise<{ close(): Promise<void> } | undefined> {
  if (address === undefined) return undefined;
  return startHttpListener(address, async (path): Promise<HttpAnswer | undefined> => {
    if (path === '/healthz') return { status: 200, contentType: 'text/plain', body: 'ok\n' };
    if (path !== '/metrics') return undefined;
    const status = await replica.status();
    const lines = [
      ['keelson_raft_term', status.term],
      ['keelson_raft_is_leader', status.role === 'leader' ? 1 : 0],
      ['keelson_raft_commit_index', status.commitIndex],
      ['keelson_raft_applied_index', status.appliedIndex],
      ['keelson_store_revision', status.revision],
      ['keelson_store_database_bytes', status.databaseBytes],
      ['process_resident_memory_bytes', process.memoryUsage.rss()],
    ].map(([name, value]) => `# TYPE ${name} gauge\n${name} ${value}\n`);
    return { status: 200, contentType: 'text/plain; version=0.0.4', body: lines.join('') };
  });
}
