/**
 * The supervisor with small children of its own: what it says, when it restarts, that it leaves
 * nobody behind. The last tests run it in a process of its own and kill that.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import * as ts from 'typescript';
import { RealClock } from '../base/node';
import type { Cancel, Clock } from '../base/clock';
import type { ChildEvents, ChildSpec, RunningChild } from './child-process';
import { Supervisor, type SupervisedProcess } from './supervisor';

/** The few files that children need, as JavaScript: ts-node in each child takes ten times as long. */
const COMPILED = mkdtempSync(join(tmpdir(), 'keelson-supervisor-'));
t.teardown(() => rmSync(COMPILED, { recursive: true, force: true }));
for (const name of [
  'bin/child-channel',
  'bin/child-process',
  'bin/supervisor',
  'base/node/real-clock',
]) {
  const source = readFileSync(join(__dirname, '..', `${name}.ts`), 'utf8');
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  mkdirSync(dirname(join(COMPILED, name)), { recursive: true });
  writeFileSync(
    join(COMPILED, `${name}.js`),
    ts.transpileModule(source, { compilerOptions }).outputText,
  );
}
const requireCompiled = (name: string): string =>
  `require(${JSON.stringify(join(COMPILED, name))})`;

/** A child that opens the real channel; `body` is what it does with it. */
function childScript(t: Test, body: string): { readonly directory: string; readonly path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-child-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'child.js');
  writeFileSync(
    path,
    `const channel = ${requireCompiled('bin/child-channel')}.openChildChannel();
     const keep = setInterval(() => undefined, 1000);
     channel.stop.addEventListener('abort', () => process.exit(0));
     ${body}`,
  );
  return { directory, path };
}

function specOf(
  script: { readonly directory: string; readonly path: string },
  name = 'replica-1',
): ChildSpec {
  return {
    name,
    role: 'replica',
    args: () => [script.path],
    env: {},
    logFile: join(script.directory, `${name}.log`),
  };
}

/** A supervisor whose lines and changes a test can wait for. */
class Watched {
  readonly lines: string[] = [];
  readonly supervisor: Supervisor;
  #waiters: (() => void)[] = [];

  constructor(options: {
    readonly restart: boolean;
    readonly clock?: Clock;
    readonly start?: (spec: ChildSpec, events: ChildEvents) => RunningChild;
  }) {
    this.supervisor = new Supervisor({
      clock: options.clock ?? new RealClock(),
      restart: options.restart,
      say: (line) => {
        this.lines.push(line);
        this.#wake();
      },
      onChange: () => this.#wake(),
      backoff: { firstMs: 10, maxMs: 80, stableMs: 60_000 },
      ...(options.start === undefined ? {} : { start: options.start }),
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

const READY = `channel.tell({ kind: 'ready', addresses: ['127.0.0.1:' + process.pid] });`;

t.test('a child that dies is restarted at once, which is said in one line', async (t) => {
  const watched = new Watched({ restart: true });
  const { supervisor } = watched;
  t.same(await supervisor.start(specOf(childScript(t, READY)), ['first']), {});
  const [first] = supervisor.processes as [SupervisedProcess];
  t.same(first.addresses, [`127.0.0.1:${first.pid}`], 'its own word replaces the plan');
  process.kill(first.pid, 'SIGKILL');
  await watched.until(
    () =>
      (supervisor.processes[0]?.pid ?? first.pid) !== first.pid && supervisor.isReady('replica-1'),
  );
  t.same(watched.lines, [
    `replica-1 (process ${first.pid}) ended, killed by SIGKILL; restarting it`,
    'replica-1 is running again',
  ]);
  await supervisor.stop('replica', 30_000);
  t.same(supervisor.processes, []);
});

t.test('a child that cannot start is reported with its own last message', async (t) => {
  const cases = [
    [
      `channel.tell({ kind: 'failed', message: 'the port is taken' }); process.on('disconnect', () => undefined); setTimeout(() => process.exit(1), 50);`,
      /exit code 1: the port is taken; next try in/,
    ],
    [
      `console.error('first'); console.error('no such thing'); process.exit(3);`,
      /exit code 3: no such thing; next/,
    ],
    [
      `console.error('2026-01-01T00:00:00Z INFO  fine so far'); process.exit(3);`,
      /exit code 3; next/,
    ],
    [`throw new Error('a bug');`, /exit code 1: .*; next/],
  ] as const;
  for (const [body, expected] of cases) {
    const watched = new Watched({ restart: true });
    const { failure } = await watched.supervisor.start(specOf(childScript(t, body)), []);
    t.ok(failure);
    t.match(watched.lines[0], expected);
    await watched.supervisor.stop('replica', 30_000);
  }
});

t.test('a script that does not exist is a failure like any other', async (t) => {
  const watched = new Watched({ restart: false });
  const script = childScript(t, '');
  const { failure } = await watched.supervisor.start(
    { ...specOf(script), args: () => ['/no/such/file'] },
    [],
  );
  t.match(failure, /exit code 1/);
  const noLog = await watched.supervisor.start(
    { ...specOf(script, 'replica-2'), logFile: '/no/such/directory/log' },
    [],
  );
  t.match(noLog.failure, /ENOENT/);
  t.equal(watched.lines.length, 2);
});

/** Time that moves only when told; children are objects. */
class ManualClock implements Clock {
  nowMs = 0;
  readonly timers: { readonly dueMs: number; readonly run: () => void }[] = [];

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(ms: number, run: () => void): Cancel {
    const timer = { dueMs: this.nowMs + ms, run };
    this.timers.push(timer);
    return () => {
      const at = this.timers.indexOf(timer);
      if (at >= 0) this.timers.splice(at, 1);
    };
  }

  /** Jumps to the next timer; returns how far that was. */
  next(): number {
    const timer = this.timers.sort((a, b) => a.dueMs - b.dueMs).shift();
    if (timer === undefined) return -1;
    const ms = timer.dueMs - this.nowMs;
    this.nowMs = timer.dueMs;
    timer.run();
    return ms;
  }
}

t.test('back-off doubles up to its limit, and the noise halves', (t) => {
  const clock = new ManualClock();
  const events: ChildEvents[] = [];
  const watched = new Watched({
    restart: true,
    clock,
    start: (_spec, childEvents) => {
      events.push(childEvents);
      const nothing = (): void => undefined;
      return { pid: 1, stop: nothing, kill: nothing, renewCertificates: nothing };
    },
  });
  void watched.supervisor.start(
    { name: 'r', role: 'replica', args: () => [], env: {}, logFile: '' },
    [],
  );
  const delays: number[] = [];
  const fail = (lastMessage: string): void => {
    events.at(-1)?.onEnd({ how: 'exit code 1', lastMessage });
    delays.push(clock.next());
  };
  for (let i = 0; i < 20; i++) fail('same');
  t.same(delays.slice(0, 6), [10, 20, 40, 80, 80, 80]);
  t.equal(watched.lines.length, 3, 'tries 1, 8 and 16 are reported');
  fail('another reason');
  t.match(watched.lines.at(-1), /try 21.*another reason/);
  t.equal(watched.lines.length, 4);
  // Once it ran for long enough, its next death is a first one again.
  events.at(-1)?.onReady([]);
  t.match(watched.lines.at(-1), /is running again/);
  clock.nowMs += 60_000;
  fail('same');
  t.equal(delays.at(-1), 0);
  t.match(watched.lines.at(-1), /restarting it$/);
  t.end();
});

t.test('--no-restart leaves the dead dead', async (t) => {
  const watched = new Watched({ restart: false });
  await watched.supervisor.start(specOf(childScript(t, READY)), []);
  process.kill(watched.supervisor.processes[0]!.pid, 'SIGKILL');
  await watched.until(() => watched.lines.length > 0);
  t.match(watched.lines[0], /killed by SIGKILL; not restarted, as --no-restart says$/);
  t.same(watched.supervisor.processes, []);
});

t.test('a child that ignores its orders is killed after the grace, which is said', async (t) => {
  const stubborn = `${READY} process.removeAllListeners('message'); process.on('message', () => undefined);`;
  const watched = new Watched({ restart: true });
  await watched.supervisor.start(specOf(childScript(t, stubborn)), []);
  await watched.supervisor.stop('replica', 20);
  t.match(watched.lines[0], /did not stop within 0.02 s; killing it/);
});

t.test('a stop while a child waits for its next try ends the waiting', async (t) => {
  const watched = new Watched({ restart: true });
  await watched.supervisor.start(specOf(childScript(t, 'process.exit(1)')), []);
  await watched.supervisor.stop('replica', 30_000);
  const before = watched.lines.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(watched.lines.length, before);
  t.same(watched.supervisor.processes, []);
});

t.test('children read renewed certificates when told', async (t) => {
  const script = childScript(
    t,
    `channel.onRenewCertificates(() => console.error('renewed')); ${READY}`,
  );
  const watched = new Watched({ restart: true });
  await watched.supervisor.start(specOf(script), []);
  watched.supervisor.renewCertificates();
  const log = join(script.directory, 'replica-1.log');
  const deadline = Date.now() + 30_000;
  while (!readFileSync(log, 'utf8').includes('renewed') && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.match(readFileSync(log, 'utf8'), /renewed/);
  await watched.supervisor.stop('replica', 30_000);
});

/** A supervisor in a process of its own with two children; resolves with everybody's ids. */
async function supervisorProcess(
  t: Test,
  body = READY,
): Promise<{ readonly parent: ChildProcess; readonly pids: readonly number[] }> {
  const script = childScript(t, body);
  const code = `
    const { RealClock } = ${requireCompiled('base/node/real-clock')};
    const { Supervisor } = ${requireCompiled('bin/supervisor')};
    const supervisor = new Supervisor({
      clock: new RealClock(), restart: true, say: () => undefined, onChange: () => undefined,
    });
    const spec = (name) => ({
      name, role: 'replica', env: {}, logFile: ${JSON.stringify(script.directory)} + '/' + name,
      args: () => [${JSON.stringify(script.path)}],
    });
    process.on('SIGTERM', () => void supervisor.stop('replica', 30000).then(() => process.exit(0)));
    void Promise.all(['a', 'b'].map((name) => supervisor.start(spec(name), []))).then(() => {
      console.log(JSON.stringify(supervisor.processes.map((process) => process.pid)));
    });`;
  const parent = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  return { parent, pids: JSON.parse(line.toString()) as number[] };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that ended but was not waited for yet still has its number.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

async function untilDead(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (pids.some(isAlive)) {
    if (Date.now() > deadline) throw new Error(`still alive: ${pids.filter(isAlive).join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

t.test('SIGTERM stops all children, and then the supervisor', async (t) => {
  const { parent, pids } = await supervisorProcess(t);
  t.equal(pids.filter(isAlive).length, 2);
  parent.kill('SIGTERM');
  const [exitCode] = (await once(parent, 'exit')) as [number];
  t.equal(exitCode, 0);
  t.same(pids.filter(isAlive), [], 'nobody outlives it');
});

t.test('no child outlives a supervisor that was killed with SIGKILL', async (t) => {
  const { parent, pids } = await supervisorProcess(t);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await untilDead(pids);
  t.pass('all are gone');
});

t.test('Control-C, which reaches the whole group, is left to the supervisor', async (t) => {
  const { parent, pids } = await supervisorProcess(t);
  for (const pid of pids) process.kill(pid, 'SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(pids.filter(isAlive).length, 2);
  parent.kill('SIGTERM');
  await once(parent, 'exit');
  t.same(pids.filter(isAlive), []);
});
