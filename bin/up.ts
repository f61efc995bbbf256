/**
 * `keelson up`: a cluster of processes on one machine. It makes what a cluster needs (identity,
 * certificates, ports), starts replicas and API servers at once, writes the kubeconfig, and stays
 * to restart what dies. It holds no data and no connection of anybody, except on the front port.
 */
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { DirectoryLock } from '../base/disk';
import {
  formatAddress,
  LineWriter,
  parseAddress,
  RealClock,
  RealDisk,
  systemRandom,
} from '../base/node';
import type { ChildSpec } from './child-process';
import {
  dataPaths,
  makePrivateDirectory,
  newCluster,
  probePort,
  readClusterFile,
  writeClusterFile,
  type ClusterFile,
  type DataPaths,
} from './data-directory';
import { CommandError } from './failure';
import type { LogFlags } from './flags';
import { openFrontPort, type FrontPort } from './front-port';
import { checkKubeconfigPath, writeKubeconfig } from './kubeconfig';
import { packageVersion } from './package-info';
import { ensureCertificates, pkiPaths, readPem } from './pki';
import { Supervisor, type SupervisedProcess } from './supervisor';
import { UpFileWriter } from './up-file';

/** The flags of `keelson up`. */
export interface UpFlags extends LogFlags {
  readonly replicas?: number;
  readonly apiservers: number;
  readonly dataDir: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly restart: boolean;
  readonly bindAddress: string;
  readonly tlsSan?: readonly string[];
  readonly tokenFile?: string;
}

const LOOPBACK = '127.0.0.1';
const DEFAULT_REPLICAS = 3;
const API_GRACE_MS = 12_000;
const REPLICA_GRACE_MS = 10_000;
const RENEWAL_CHECK_MS = 12 * 60 * 60 * 1000;
const SLOW_START_MS = 10_000;

/** Runs `keelson up` until it is told to stop. */
export async function runUp(flags: UpFlags): Promise<void> {
  const startMs = performance.now();
  const paths = dataPaths(flags.dataDir);
  makePrivateDirectory(paths.root);
  makePrivateDirectory(paths.logs);
  const lock = await takeDirectory(paths);
  try {
    await new Up(flags, paths, startMs).run();
  } finally {
    await lock.release();
  }
}

async function takeDirectory(paths: DataPaths): Promise<DirectoryLock> {
  const lock = await new RealDisk(paths.root).lock('');
  if ('release' in lock) return lock;
  throw new CommandError(
    `Cannot use the data directory ${paths.root} as another keelson up holds it ` +
      `(${lock.heldBy ?? 'its process is unknown'}): stop that one, or choose another directory ` +
      'with --data-dir.',
  );
}

class Up {
  readonly #flags: UpFlags;
  readonly #paths: DataPaths;
  readonly #startMs: number;
  readonly #clock = new RealClock();
  readonly #out = new LineWriter({ fd: 1, describeDropped: (n) => `(${n} lines were not read)` });
  readonly #kubeconfig: string;
  readonly #upFile: UpFileWriter;
  readonly #supervisor: Supervisor;
  readonly #stop = new AbortController();
  #cluster: ClusterFile = { clusterId: '', members: [] };
  #front: FrontPort | undefined;
  #signals = 0;

  constructor(flags: UpFlags, paths: DataPaths, startMs: number) {
    this.#flags = flags;
    this.#paths = paths;
    this.#startMs = startMs;
    this.#kubeconfig =
      flags.kubeconfig === undefined ? paths.kubeconfig : resolve(flags.kubeconfig);
    this.#upFile = new UpFileWriter(paths.up);
    this.#supervisor = new Supervisor({
      clock: this.#clock,
      restart: flags.restart,
      say: (line) => this.#say(line),
      onChange: () => this.#changed(),
    });
  }

  async run(): Promise<void> {
    checkKubeconfigPath(this.#kubeconfig);
    this.#cluster = await openCluster(this.#flags, this.#paths);
    await this.#checkPorts();
    await this.#ensureCertificates();
    const onSignal = (): void => this.#signalled();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    const stopped = new Promise<void>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve());
    });
    try {
      const problem = await Promise.race([this.#start(), stopped]);
      if (problem !== undefined) throw problem;
      await stopped;
    } finally {
      await this.#stopAll();
    }
  }

  /** Starts everything at once; resolves with what makes going on pointless. */
  async #start(): Promise<CommandError | undefined> {
    this.#changed();
    const slow = this.#clock.after(SLOW_START_MS, () =>
      this.#say(`not ready yet; what the processes say is in ${this.#paths.logs}`),
    );
    const replicas = this.#cluster.members.map(async (member) => {
      const { failure } = await this.#supervisor.start(this.#replicaSpec(member.name), [
        member.address,
      ]);
      if (failure === undefined) this.#noteStarted(member.name);
      return failure;
    });
    const apiServers = Array.from({ length: this.#flags.apiservers }, (_, i) => {
      const { spec, address } = this.#apiServerSpec(i);
      return this.#supervisor.start(spec, [address]).then(({ failure }) => failure);
    });
    const failures = await Promise.all([...replicas, ...apiServers]);
    if (this.#stop.signal.aborted) return undefined;
    const problem = failures.find((failure) => failure !== undefined);
    if (problem !== undefined && !this.#flags.restart) {
      return new CommandError(`Cannot start the cluster: ${problem}`);
    }
    await this.#apiServersReady();
    slow();
    if (this.#stop.signal.aborted) return undefined;
    await this.#openFront();
    this.#writeKubeconfig();
    this.#changed();
    this.#greet();
    this.#watchCertificates();
    return undefined;
  }

  /** Also those that failed at first and came up at a later try. */
  async #apiServersReady(): Promise<void> {
    const names = Array.from({ length: this.#flags.apiservers }, (_, i) => apiServerName(i));
    while (!this.#stop.signal.aborted && !names.every((name) => this.#supervisor.isReady(name))) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #waiters: (() => void)[] = [];

  #changed(): void {
    this.#upFile.write({
      kubeconfig: this.#kubeconfig,
      processes: this.#supervisor.processes,
      ...(this.#front === undefined ? {} : { front: this.#front.address }),
    });
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #noteStarted(name: string): void {
    const members = this.#cluster.members.map((member) =>
      member.name === name ? { ...member, hasStarted: true } : member,
    );
    if (this.#cluster.members.find((member) => member.name === name)?.hasStarted === true) return;
    this.#cluster = { ...this.#cluster, members };
    writeClusterFile(this.#paths, this.#cluster);
  }

  async #checkPorts(): Promise<void> {
    const { port, apiservers, bindAddress } = this.#flags;
    if (port === 0) return;
    const count = apiservers > 1 ? apiservers + 1 : 1;
    if (port + count - 1 > 65_535) {
      throw new CommandError(`Cannot use ports up to ${port + count - 1}: choose a lower --port.`);
    }
    for (let wanted = port; wanted < port + count; wanted++) {
      const found = await probePort(bindAddress, wanted);
      if (found === 'free') continue;
      const at = formatAddress({ host: bindAddress, port: wanted });
      throw new CommandError(
        found === 'EADDRINUSE'
          ? `Cannot listen on ${at} as another process listens there: stop it, ` +
              'or choose another port with --port (0 takes any free one).'
          : `Cannot listen on ${at} (${found}): choose others with --bind-address and --port.`,
      );
    }
  }

  async #ensureCertificates(): Promise<boolean> {
    const { bindAddress, tlsSan = [] } = this.#flags;
    const made = await ensureCertificates({
      directory: this.#paths.pki,
      cluster: this.#cluster,
      apiNames: [...(isWildcard(bindAddress) ? [] : [bindAddress]), ...tlsSan],
      nowMs: this.#clock.wallMs(),
    });
    return made.length > 0;
  }

  /** Certificates are renewed while the cluster runs: its processes read them anew. */
  #watchCertificates(): void {
    const cancel = this.#clock.after(RENEWAL_CHECK_MS, () => {
      void this.#ensureCertificates().then(
        (isNew) => {
          if (isNew) {
            this.#supervisor.renewCertificates();
            this.#writeKubeconfig();
            this.#say('certificates were renewed');
          }
          this.#watchCertificates();
        },
        (error: unknown) => {
          this.#say(`certificates could not be renewed: ${String(error)}`);
          this.#watchCertificates();
        },
      );
    });
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
  }

  #replicaSpec(name: string): ChildSpec {
    return this.#spec(name, 'replica', () => {
      const hasStarted = this.#cluster.members.find((member) => member.name === name)?.hasStarted;
      return ['--name', name, ...(hasStarted === true ? ['--existing'] : [])];
    });
  }

  #apiServerSpec(index: number): { readonly spec: ChildSpec; readonly address: string } {
    const { port, bindAddress, tokenFile } = this.#flags;
    const name = apiServerName(index);
    const first = formatAddress({ host: bindAddress, port: port === 0 ? 0 : port + index });
    const spec = this.#spec(name, 'apiserver', () => {
      // A port the system chose is kept for as long as the supervisor runs: clients know it.
      const known = this.#supervisor.addressesOf(name)[0] ?? first;
      const tokens = tokenFile === undefined ? [] : ['--token-file', resolve(tokenFile)];
      return ['--name', name, '--listen', known, ...tokens];
    });
    return { spec, address: first };
  }

  #spec(name: string, role: ChildSpec['role'], args: () => readonly string[]): ChildSpec {
    const { logLevel, logFormat } = this.#flags;
    const script = process.argv[1] as string;
    const common = [
      '--data-dir',
      this.#paths.root,
      '--log-level',
      logLevel,
      '--log-format',
      logFormat,
    ];
    return {
      name,
      role,
      args: () => [...process.execArgv, script, role, ...common, ...args()],
      // LevelDB's reads share libuv's pool with everything else that is asynchronous (R91).
      env: role === 'replica' ? { UV_THREADPOOL_SIZE: '16' } : {},
      logFile: `${this.#paths.logs}/${name}.log`,
    };
  }

  async #openFront(): Promise<void> {
    const { apiservers, port, bindAddress } = this.#flags;
    if (apiservers < 2) return;
    this.#front = await openFrontPort({
      listen: { host: bindAddress, port: port === 0 ? 0 : port + apiservers },
      backends: () =>
        this.#apiServers()
          .filter((process) => this.#supervisor.isReady(process.name))
          .flatMap((process) => reachable(process.addresses[0] ?? '') ?? []),
    });
  }

  #apiServers(): readonly SupervisedProcess[] {
    return this.#supervisor.processes.filter((process) => process.role === 'apiserver');
  }

  #writeKubeconfig(): void {
    const pki = pkiPaths(this.#paths.pki);
    const url = (address: string): string => {
      const at = reachable(address);
      return `https://${at === undefined ? address : formatAddress(at)}`;
    };
    const servers = this.#apiServers().map((process) => ({
      name: this.#front === undefined ? 'keelson' : `keelson-${process.name}`,
      server: url(process.addresses[0] ?? ''),
    }));
    const front =
      this.#front === undefined ? [] : [{ name: 'keelson', server: url(this.#front.address) }];
    writeKubeconfig(this.#kubeconfig, {
      authority: readPem(pki.apiAuthority.certificate),
      certificate: readPem(pki.admin.certificate),
      key: readPem(pki.admin.key),
      contexts: [...front, ...servers],
    });
  }

  #greet(): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1);
    const { clusterId } = this.#cluster;
    this.#say(`keelson ${packageVersion()}: cluster ${clusterId} in ${this.#paths.root}`);
    for (const { name, addresses, pid } of this.#supervisor.processes) {
      this.#say(`  ${name.padEnd(12)} ${addresses.join(' ').padEnd(22)} process ${pid}`);
    }
    const api = this.#front?.address ?? this.#apiServers()[0]?.addresses[0] ?? '';
    const at = reachable(api);
    const front = this.#front === undefined ? '' : ' (front port of all API servers)';
    this.#say(
      `Ready in ${seconds} s. Kubernetes API: https://${at === undefined ? api : formatAddress(at)}${front}`,
    );
    this.#say('Control-C stops it; the data stays. For kubectl:');
    this.#say(`export KUBECONFIG=${quoteForShell(this.#kubeconfig)}`);
  }

  #say(line: string): void {
    this.#out.write(line);
  }

  /** The first signal stops in order, a second one at once. */
  #signalled(): void {
    this.#signals += 1;
    if (this.#signals === 1) {
      this.#say('stopping');
      this.#stop.abort();
      for (const wake of this.#waiters.splice(0)) wake();
    } else {
      this.#supervisor.killAll();
    }
  }

  /** API servers first: while they finish what they do, the store still answers. */
  async #stopAll(): Promise<void> {
    this.#stop.abort();
    this.#front?.close();
    await this.#supervisor.stop('apiserver', API_GRACE_MS);
    await this.#supervisor.stop('replica', REPLICA_GRACE_MS);
    this.#upFile.remove();
    if (this.#signals > 0) this.#say('stopped');
    await this.#out.flush(1_000);
  }
}

async function openCluster(flags: UpFlags, paths: DataPaths): Promise<ClusterFile> {
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

function apiServerName(index: number): string {
  return `apiserver-${index + 1}`;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The address at which a listener on this machine is reached from this machine. */
function reachable(address: string): { readonly host: string; readonly port: number } | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined || !isWildcard(parsed.host)) return parsed;
  return { host: isIPv6(parsed.host) ? '::1' : LOOPBACK, port: parsed.port };
}

function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
