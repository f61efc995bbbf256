/**
 * One run of one child: spawned with its output in a log file of its own (a file never blocks its
 * writer, R69), watched until it ends, and asked for its last words.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { SUPERVISED_VARIABLE, type ChildMessage, type SupervisorMessage } from './child-channel';

/** A process that the supervisor keeps running. */
export interface ChildSpec {
  readonly name: string;
  readonly role: 'replica' | 'apiserver';
  /** Arguments for `node`: flags, the script, its arguments; asked for at every start. */
  readonly args: () => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** How a run ended. */
export interface ChildEnd {
  /** `exit code 1`, `killed by SIGKILL`, or why it did not start. */
  readonly how: string;
  /** What it said last, in one line; undefined if it said nothing. */
  readonly lastMessage: string | undefined;
}

/** A child that is running. */
export interface RunningChild {
  readonly pid: number;
  /** Asks it to stop; it decides how. */
  stop(): void;
  kill(signal: NodeJS.Signals): void;
  renewCertificates(): void;
}

/** Told what happens to a child; `onEnd` exactly once. */
export interface ChildEvents {
  onReady(addresses: readonly string[]): void;
  onEnd(end: ChildEnd): void;
}

const LOG_BYTES_MAX = 8 * 1024 * 1024;
const LAST_WORDS_BYTES = 8 * 1024;
const LAST_WORDS_CHARS = 500;

/** Starts a child. A failure to start reaches `onEnd` like any other end. */
export function startChild(spec: ChildSpec, events: ChildEvents): RunningChild {
  rotateLog(spec.logFile);
  const log = openSync(spec.logFile, 'a', 0o600);
  const logStart = fstatSync(log).size;
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...spec.args()], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...spec.env, [SUPERVISED_VARIABLE]: '1' },
    });
  } finally {
    closeSync(log);
  }
  let told: string | undefined;
  let isEnded = false;
  const end = (how: string): void => {
    if (isEnded) return;
    isEnded = true;
    events.onEnd({ how, lastMessage: told ?? lastLine(spec.logFile, logStart) });
  };
  child.on('message', (message: ChildMessage) => {
    if (message.kind === 'ready') events.onReady(message.addresses);
    else told = message.message;
  });
  child.on('error', (error) => end(`failed: ${error.message}`));
  child.on('exit', (code, signal) => {
    end(signal === null ? `exit code ${code ?? 0}` : `killed by ${signal}`);
  });
  const tell = (message: SupervisorMessage): void => {
    // A child that is ending closes its side first; its exit then follows.
    if (child.connected) child.send(message, undefined, {}, () => undefined);
  };
  return {
    pid: child.pid ?? -1,
    stop: () => tell({ kind: 'stop' }),
    kill: (signal) => child.kill(signal),
    renewCertificates: () => tell({ kind: 'renewCertificates' }),
  };
}

/** Keeps one older file; what a process says during one run is bounded by its being rare. */
function rotateLog(path: string): void {
  try {
    if (statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  } catch {
    // There is no log yet.
  }
}

/** The last line since `start` that may tell why: news of normal work do not. */
function lastLine(path: string, start: number): string | undefined {
  let text: string;
  try {
    text = readTail(path, start);
  } catch {
    // Somebody removed the log: then there are no last words.
    return undefined;
  }
  const lines = text.split('\n').map((line) => line.trim());
  const said = lines.findLast((line) => line !== '' && !/^Node\.js v|^\^$/.test(line));
  if (said === undefined || /^\S+ (INFO|DEBUG) |"level":"(info|debug)"/.test(said))
    return undefined;
  return said.slice(0, LAST_WORDS_CHARS);
}

function readTail(path: string, start: number): string {
  const size = statSync(path).size;
  const from = Math.max(start, size - LAST_WORDS_BYTES);
  if (from === 0) return readFileSync(path, 'utf8');
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, size - from));
    const read = readSync(fd, bytes, 0, bytes.length, from);
    return bytes.toString('utf8', 0, read);
  } finally {
    closeSync(fd);
  }
}
