/**
 * `keelson up`: a cluster of processes on one machine. It makes what a cluster needs (identity,
 * certificates, ports), starts replicas and API servers at once, writes the kubeconfig, and stays
 * to restart what dies. It holds no data and no connection of anybody, except on the front port.
 */
import { resolve } from 'node:path';
import { LineWriter, RealClock } from '../base/node';
import {
  dataPaths,
  makePrivateDirectory,
  writeClusterFile,
  type ClusterFile,
  type ClusterMember,
  type DataPaths,
} from './data-directory';
import { CommandError } from './failure';
import { openFrontPort, type FrontPort } from './front-port';
import { checkKubeconfigPath, writeKubeconfig } from './kubeconfig';
import { packageVersion } from './package-info';
import { ensureCertificates, pkiPaths, readPem } from './pki';
import { Supervisor } from './supervisor';
import { UpFileWriter } from './up-file';
import {
  apiServerAddress,
  apiServerNames,
  apiUrl,
  frontAddress,
  reachable,
  servingNames,
  type UpFlags,
} from './up-flags';
import { apiServerSpec, replicaSpec, type UpContext } from './up-processes';
import { checkPorts, openCluster, takeDirectory } from './up-preparation';

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
  #waiters: (() => void)[] = [];

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
    await checkPorts(this.#flags);
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
    this.#stop.signal.addEventListener('abort', slow, { once: true });
    const failures = await this.#startProcesses();
    if (this.#isStopping()) return undefined;
    const problem = failures.find((failure) => failure !== undefined);
    if (problem !== undefined && !this.#flags.restart) {
      return new CommandError(`Cannot start an API server: ${problem}`);
    }
    await this.#apiServersReady();
    slow();
    if (this.#isStopping()) return undefined;
    await this.#openFront();
    this.#writeKubeconfig();
    this.#changed();
    this.#greet();
    this.#watchCertificates();
    return undefined;
  }

  /** Resolves when each was ready or failed once, with why API servers failed. */
  async #startProcesses(): Promise<readonly (string | undefined)[]> {
    const context: UpContext = { flags: this.#flags, paths: this.#paths };
    const replicas = this.#cluster.members.map(({ name, address }) => {
      const spec = replicaSpec(context, name, () => this.#hasStarted(name));
      return this.#supervisor.start(spec, [address]);
    });
    const apiServers = apiServerNames(this.#flags).map((name, index) => {
      const known = (): string | undefined => this.#supervisor.addressesOf(name)[0];
      const spec = apiServerSpec(context, { name, index }, known);
      return this.#supervisor.start(spec, [apiServerAddress(this.#flags, index)]);
    });
    await Promise.all(replicas);
    return (await Promise.all(apiServers)).map(({ failure }) => failure);
  }

  /** Also those that failed at first and came up at a later try. */
  async #apiServersReady(): Promise<void> {
    const names = apiServerNames(this.#flags);
    while (!this.#isStopping() && !names.every((name) => this.#supervisor.isReady(name))) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** A call, since the compiler takes a property for unchanged across an await. */
  #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #changed(): void {
    this.#noteStarted();
    this.#upFile.write({
      kubeconfig: this.#kubeconfig,
      processes: this.#supervisor.processes,
      ...(this.#front === undefined ? {} : { front: this.#front.address }),
    });
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #hasStarted(name: string): boolean {
    return this.#cluster.members.some((member) => member.name === name && member.hasStarted);
  }

  /** Remembers which members were ready once: from then on their data must be there (R66). */
  #noteStarted(): void {
    const { members } = this.#cluster;
    const isNew = ({ name, hasStarted }: ClusterMember): boolean =>
      !hasStarted && this.#supervisor.isReady(name);
    if (!members.some(isNew)) return;
    const noted = members.map((member) =>
      isNew(member) ? { ...member, hasStarted: true } : member,
    );
    this.#cluster = { ...this.#cluster, members: noted };
    writeClusterFile(this.#paths, this.#cluster);
  }

  async #ensureCertificates(): Promise<boolean> {
    const made = await ensureCertificates({
      directory: this.#paths.pki,
      cluster: this.#cluster,
      apiNames: servingNames(this.#flags),
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

  async #openFront(): Promise<void> {
    if (this.#flags.apiservers < 2) return;
    this.#front = await openFrontPort({
      listen: frontAddress(this.#flags),
      backends: () =>
        this.#apiServers()
          .filter(({ name }) => this.#supervisor.isReady(name))
          .flatMap(({ address }) => reachable(address) ?? []),
    });
  }

  /** All API servers, dead ones too: the kubeconfig names them while they are restarted. */
  #apiServers(): readonly { readonly name: string; readonly address: string }[] {
    return apiServerNames(this.#flags).map((name, index) => ({
      name,
      address: this.#supervisor.addressesOf(name)[0] ?? apiServerAddress(this.#flags, index),
    }));
  }

  #writeKubeconfig(): void {
    const pki = pkiPaths(this.#paths.pki);
    const front = this.#front;
    const servers = this.#apiServers().map(({ name, address }) => ({
      name: front === undefined ? 'keelson' : `keelson-${name}`,
      server: apiUrl(address),
    }));
    writeKubeconfig(this.#kubeconfig, {
      authority: readPem(pki.apiAuthority.certificate),
      certificate: readPem(pki.admin.certificate),
      key: readPem(pki.admin.key),
      contexts: [
        ...(front === undefined ? [] : [{ name: 'keelson', server: apiUrl(front.address) }]),
        ...servers,
      ],
    });
  }

  #greet(): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1);
    const { clusterId } = this.#cluster;
    this.#say(`keelson ${packageVersion()}: cluster ${clusterId} in ${this.#paths.root}`);
    for (const { name, addresses, pid } of this.#supervisor.processes) {
      this.#say(`  ${name.padEnd(12)} ${addresses.join(' ').padEnd(22)} process ${pid}`);
    }
    const url = apiUrl(this.#front?.address ?? this.#apiServers()[0]?.address ?? '');
    const front = this.#front === undefined ? '' : ' (front port of all API servers)';
    this.#say(`Ready in ${seconds} s. Kubernetes API: ${url}${front}`);
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

function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
