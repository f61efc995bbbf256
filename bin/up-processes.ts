/** The processes of a cluster as the supervisor starts them: arguments, environment, log file. */
import { join, resolve } from 'node:path';
import type { ChildSpec } from './child-process';
import type { DataPaths } from './data-directory';
import { apiServerAddress, type UpFlags } from './up-flags';

/** What all processes of a cluster share. */
export interface UpContext {
  readonly flags: UpFlags;
  readonly paths: DataPaths;
}

/** A replica. `hasStarted` is asked at each start: a member that ran once must find its data. */
export function replicaSpec(
  context: UpContext,
  name: string,
  hasStarted: () => boolean,
): ChildSpec {
  return processSpec(context, name, 'replica', () => {
    return ['--name', name, '--profile', 'up', ...(hasStarted() ? ['--existing'] : [])];
  });
}

/**
 * An API server. A port that the system chose is kept for as long as the supervisor runs, since
 * clients know it: `knownAddress` is what it said when it was ready the last time.
 */
export function apiServerSpec(
  context: UpContext,
  { name, index }: { readonly name: string; readonly index: number },
  knownAddress: () => string | undefined,
): ChildSpec {
  const { flags } = context;
  const tokens = flags.tokenFile === undefined ? [] : ['--token-file', resolve(flags.tokenFile)];
  return processSpec(context, name, 'apiserver', () => {
    const listen = knownAddress() ?? apiServerAddress(flags, index);
    return ['--name', name, '--listen', listen, ...tokens];
  });
}

function processSpec(
  { flags, paths }: UpContext,
  name: string,
  role: ChildSpec['role'],
  args: () => readonly string[],
): ChildSpec {
  const script = process.argv[1] as string;
  const log = ['--log-level', flags.logLevel, '--log-format', flags.logFormat];
  return {
    name,
    role,
    args: () => [
      ...process.execArgv,
      script,
      role,
      ...['--data-dir', paths.root],
      ...log,
      ...args(),
    ],
    // LevelDB's reads share libuv's pool with everything else that is asynchronous (R91).
    env: role === 'replica' ? { UV_THREADPOOL_SIZE: '16' } : {},
    logFile: join(paths.logs, `${name}.log`),
  };
}
