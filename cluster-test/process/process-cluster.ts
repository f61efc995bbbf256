/**
 * A real cluster of real processes for tests: `keelson up` from the built package, in a temporary
 * directory, on free ports. Whatever happens to the test, its processes end and its files go.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kubectl, run, type CommandResult } from './kubectl';

/** The built command; tests run what users run. */
export const KEELSON = join(__dirname, '..', '..', 'dist', 'bin', 'keelson.js');

/** One process as `up.json` names it. */
export interface UpProcess {
  readonly name: string;
  readonly role: 'replica' | 'apiserver';
  readonly pid: number;
  readonly addresses: readonly string[];
}

/** What `up.json` holds. */
export interface UpFile {
  readonly kubeconfig: string;
  readonly processes: readonly UpProcess[];
}

/** A row of `keelson status -o json`. */
export interface StatusRow {
  readonly name: string;
  readonly role: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly databaseBytes: number;
  readonly address: string;
}

/** Runs `keelson` with arguments to its end. */
export function keelson(args: readonly string[], ms = 60_000): Promise<CommandResult> {
  return run(process.execPath, [KEELSON, ...args], { ms });
}

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until `condition` gives a value; asks often, and fails loudly at the deadline. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | Promise<T | undefined>,
  ms = 30_000,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A running `keelson up`. */
export class ProcessCluster {
  readonly dataDir: string;
  #supervisor: ChildProcess | undefined;
  #output = '';
  readonly #isOwner: boolean;
  readonly #command: string;

  private constructor(dataDir: string, isOwner: boolean, command: string) {
    this.dataDir = dataDir;
    this.#isOwner = isOwner;
    this.#command = command;
  }

  /** Starts `keelson up` and resolves when it says that it is ready. */
  static async start(
    args: readonly string[] = [],
    options: { readonly dataDir?: string; readonly command?: string } = {},
  ): Promise<ProcessCluster> {
    const directory = options.dataDir ?? mkdtempSync(join(tmpdir(), 'keelson-test-'));
    const isOwner = options.dataDir === undefined;
    const cluster = new ProcessCluster(directory, isOwner, options.command ?? KEELSON);
    await cluster.up(args);
    return cluster;
  }

  /** Starts the supervisor again on the same directory. */
  async up(args: readonly string[] = []): Promise<void> {
    const all = ['up', '--data-dir', this.dataDir, '--port', '0', ...args];
    const child = spawn(process.execPath, ['--enable-source-maps', this.#command, ...all], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#supervisor = child;
    this.#output = '';
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    await eventually('keelson up is ready', () => {
      if (child.exitCode !== null) throw new Error(`keelson up ended: ${this.#output}`);
      return this.#output.includes('export KUBECONFIG=') ? true : undefined;
    });
  }

  /** All that the supervisor printed since it started. */
  get output(): string {
    return this.#output;
  }

  get supervisorPid(): number {
    return this.#supervisor?.pid ?? -1;
  }

  /** `up.json` as it is now. */
  upFile(): UpFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'up.json'), 'utf8')) as UpFile;
  }

  hasUpFile(): boolean {
    return existsSync(join(this.dataDir, 'up.json'));
  }

  replicas(): readonly UpProcess[] {
    return this.upFile().processes.filter((process) => process.role === 'replica');
  }

  kubectl(): Kubectl {
    return new Kubectl(this.upFile().kubeconfig);
  }

  /** `keelson status -o json` of this cluster. */
  async status(): Promise<readonly StatusRow[]> {
    const result = await keelson(['status', '-o', 'json', '--data-dir', this.dataDir]);
    return JSON.parse(result.stdout) as readonly StatusRow[];
  }

  /** The process that leads now. */
  async leader(): Promise<UpProcess> {
    return eventually('there is a leader', async () => {
      const row = (await this.status()).find((status) => status.role === 'leader');
      return this.replicas().find((replica) => replica.name === row?.name);
    });
  }

  kv(...args: readonly string[]): Promise<CommandResult> {
    return keelson(['kv', ...args, '--data-dir', this.dataDir]);
  }

  /** Stops as a user does, with SIGTERM; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#supervisor;
    if (child === undefined) return 0;
    const ended = new Promise<number | null>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
      else child.once('exit', (code) => resolve(code));
    });
    child.kill(signal);
    const exitCode = await ended;
    this.#supervisor = undefined;
    return exitCode;
  }

  /** Ends everything and removes the directory if it was made here. */
  async destroy(): Promise<void> {
    const pids = this.hasUpFile() ? this.upFile().processes.map((process) => process.pid) : [];
    await this.stop();
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    if (this.#isOwner) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
