/**
 * Keeps processes running. Each child is in one state:
 *
 *   starting --ready--> running --ends--> waiting --delay over--> starting
 *      |                                    ^
 *      +------------ends before ready-------+        stopping --ends--> ended
 *
 * The first restart of a child that had been running comes at once; one that keeps failing waits
 * twice as long each time, up to a limit, and is reported with its own last message: at the first
 * failure, whenever the message changes, and then at the 8th, 16th, 32nd … try, not at each.
 */
import type { Cancel, Clock } from '../base/clock';
import {
  startChild,
  type ChildEnd,
  type ChildEvents,
  type ChildSpec,
  type RunningChild,
} from './child-process';

/** One process as `up.json` shows it. */
export interface SupervisedProcess {
  readonly name: string;
  readonly role: ChildSpec['role'];
  readonly pid: number;
  readonly addresses: readonly string[];
}

/** Options of a supervisor. */
export interface SupervisorOptions {
  readonly clock: Clock;
  readonly restart: boolean;
  /** Prints one line for the user. */
  readonly say: (line: string) => void;
  /** Called after each change of what runs. */
  readonly onChange: () => void;
  readonly backoff?: Partial<Backoff>;
  /** How a child is started; tests may give another way. */
  readonly start?: (spec: ChildSpec, events: ChildEvents) => RunningChild;
}

/** The delays between the tries to start a child that keeps failing. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A child that has run so long without ending is no longer a failing one. */
  readonly stableMs: number;
}

const BACKOFF: Backoff = { firstMs: 200, maxMs: 10_000, stableMs: 10_000 };

type ChildState =
  | { readonly kind: 'starting'; readonly running: RunningChild }
  | { readonly kind: 'running'; readonly running: RunningChild; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly cancel: Cancel }
  | { readonly kind: 'stopping'; readonly running: RunningChild }
  | { readonly kind: 'ended' };

interface Child {
  readonly spec: ChildSpec;
  state: ChildState;
  addresses: readonly string[];
  wasReady: boolean;
  /** Failed starts in a row. */
  failures: number;
  lastSaid: string | undefined;
  onSettled: (() => void)[];
  onEnded: (() => void)[];
}

/** Starts, watches, restarts and stops processes. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #backoff: Backoff;
  readonly #children = new Map<string, Child>();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#backoff = { ...BACKOFF, ...options.backoff };
  }

  /** What runs now, in the order it was started first. */
  get processes(): readonly SupervisedProcess[] {
    return [...this.#children.values()].flatMap((child) => {
      const running = runningOf(child.state);
      if (running === undefined) return [];
      const { name, role } = child.spec;
      return [{ name, role, pid: running.pid, addresses: child.addresses }];
    });
  }

  /** Whether a child said that it is ready, and has not ended since. */
  isReady(name: string): boolean {
    return this.#children.get(name)?.state.kind === 'running';
  }

  /** Where a child said that it listens; nothing before it was ready once. */
  addressesOf(name: string): readonly string[] {
    const child = this.#children.get(name);
    return child === undefined || !child.wasReady ? [] : child.addresses;
  }

  /**
   * Starts a child for the first time; resolves when it is ready, or when it failed for the first
   * time, with what it said. It is restarted in both cases.
   */
  start(spec: ChildSpec, addresses: readonly string[]): Promise<{ readonly failure?: string }> {
    const child: Child = {
      spec,
      state: { kind: 'ended' },
      addresses,
      wasReady: false,
      failures: 0,
      lastSaid: undefined,
      onSettled: [],
      onEnded: [],
    };
    this.#children.set(spec.name, child);
    return new Promise((resolve) => {
      child.onSettled.push(() => {
        if (child.state.kind === 'running') resolve({});
        else resolve({ failure: child.lastSaid ?? 'it was stopped' });
      });
      this.#run(child);
    });
  }

  /** Tells all running children that their certificates are new. */
  renewCertificates(): void {
    for (const child of this.#children.values()) runningOf(child.state)?.renewCertificates();
  }

  /** Stops restarting, and stops the children of a role; after `graceMs` they are killed. */
  async stop(role: ChildSpec['role'], graceMs: number): Promise<void> {
    this.#isStopping = true;
    const children = [...this.#children.values()].filter((child) => child.spec.role === role);
    await Promise.all(children.map((child) => this.#stopChild(child, graceMs)));
  }

  /** Kills everything at once. */
  killAll(): void {
    this.#isStopping = true;
    for (const child of this.#children.values()) runningOf(child.state)?.kill('SIGKILL');
  }

  #run(child: Child): void {
    const start = this.#options.start ?? startChild;
    try {
      const running = start(child.spec, {
        onReady: (addresses) => this.#ready(child, running, addresses),
        onEnd: (end) => this.#ended(child, end),
      });
      child.state = { kind: 'starting', running };
      this.#options.onChange();
    } catch (error) {
      // No process was made: its log cannot be opened, or the system has none left.
      const how = `failed: ${error instanceof Error ? error.message : String(error)}`;
      this.#ended(child, { how, lastMessage: undefined });
    }
  }

  #ready(child: Child, running: RunningChild, addresses: readonly string[]): void {
    if (child.state.kind !== 'starting') return;
    child.state = { kind: 'running', running, sinceMs: this.#options.clock.monotonicMs() };
    child.addresses = addresses;
    child.wasReady = true;
    if (child.failures > 0) this.#options.say(`${child.spec.name} is running again`);
    this.#settle(child);
  }

  #ended(child: Child, end: ChildEnd): void {
    const { state } = child;
    if (state.kind === 'stopping' || this.#isStopping) {
      child.state = { kind: 'ended' };
    } else {
      const wasStable =
        state.kind === 'running' &&
        this.#options.clock.monotonicMs() - state.sinceMs >= this.#backoff.stableMs;
      if (wasStable) child.failures = 0;
      child.failures += 1;
      this.#report(child, end, state.kind === 'running');
      child.state = this.#options.restart ? this.#planRestart(child) : { kind: 'ended' };
    }
    for (const told of child.onEnded.splice(0)) told();
    this.#settle(child);
  }

  /** A child that was running starts again at once, the first time. */
  #planRestart(child: Child): ChildState {
    const delayMs = this.#delayMs(child);
    const cancel = this.#options.clock.after(delayMs, () => this.#run(child));
    return { kind: 'waiting', cancel };
  }

  #delayMs(child: Child): number {
    if (child.failures === 1 && child.state.kind === 'running') return 0;
    const { firstMs, maxMs } = this.#backoff;
    return Math.min(maxMs, firstMs * 2 ** Math.min(20, child.failures - 1));
  }

  #report(child: Child, end: ChildEnd, wasRunning: boolean): void {
    const { name } = child.spec;
    const pid = runningOf(child.state)?.pid ?? -1;
    const words = end.lastMessage === undefined ? '' : `: ${end.lastMessage.replace(/\.$/, '')}`;
    const what = `${end.how}${words}`;
    const isReminder = child.failures >= 8 && (child.failures & (child.failures - 1)) === 0;
    if (what === child.lastSaid && !isReminder && !wasRunning) return;
    child.lastSaid = what;
    const plan = this.#planText(child);
    const verb = wasRunning ? 'ended' : 'did not start';
    const tries = child.failures > 1 && !wasRunning ? `, try ${child.failures}` : '';
    this.#options.say(`${name} (process ${pid}${tries}) ${verb}, ${what}; ${plan}`);
  }

  #planText(child: Child): string {
    if (!this.#options.restart) return 'not restarted, as --no-restart says';
    const delayMs = this.#delayMs(child);
    return delayMs === 0 ? 'restarting it' : `next try in ${delayMs / 1000} s`;
  }

  #settle(child: Child): void {
    for (const told of child.onSettled.splice(0)) told();
    this.#options.onChange();
  }

  async #stopChild(child: Child, graceMs: number): Promise<void> {
    const { state } = child;
    if (state.kind === 'waiting') {
      state.cancel();
      child.state = { kind: 'ended' };
      return;
    }
    const running = runningOf(state);
    if (running === undefined) return;
    child.state = { kind: 'stopping', running };
    const ended = new Promise<void>((resolve) => child.onEnded.push(resolve));
    running.stop();
    const cancel = this.#options.clock.after(graceMs, () => {
      this.#options.say(`${child.spec.name} did not stop within ${graceMs / 1000} s; killing it`);
      running.kill('SIGKILL');
    });
    await ended;
    cancel();
  }
}

function runningOf(state: ChildState): RunningChild | undefined {
  return 'running' in state ? state.running : undefined;
}
