/**
 * `npm run sim`: one random seed, or `--seed=S`, or as many as fit into `--minutes=N` on all cores.
 * A failing seed ends the run with status 1 and is printed with the command that replays it.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { runSeed, type SeedReport } from './run-seed';
import { SimTotals } from './totals';

interface Options {
  readonly seed: string | undefined;
  readonly minutes: number | undefined;
  readonly seeds: number;
  readonly jobs: number;
  readonly isChild: boolean;
  readonly isStrict: boolean;
  /** Whether a job ends with its first failing seed. */
  readonly isBailing: boolean;
}

/** Of so many seeds one runs twice and must leave the same digest. */
const TWICE_EVERY = 25;

function readOptions(values: readonly string[]): Options {
  const given = new Map(
    values.map((each) => each.replace(/^--/, '').split('=') as [string, string]),
  );
  const number = (name: string): number | undefined =>
    given.has(name) ? Number(given.get(name)) : undefined;
  return {
    seed: given.get('seed'),
    minutes: number('minutes'),
    seeds: number('seeds') ?? Infinity,
    jobs: number('jobs') ?? availableParallelism(),
    isChild: given.has('child'),
    isStrict: given.has('strict'),
    isBailing: given.has('bail'),
  };
}

async function runOnce(seed: string, isTwice: boolean): Promise<SeedReport> {
  const report = await runSeed(seed);
  if (!isTwice) return report;
  const again = await runSeed(seed);
  if (again.digest === report.digest) return report;
  const violation = `a seed replays itself: ${report.digest}, then ${again.digest}`;
  return { ...report, violations: [...report.violations, violation] };
}

/** Seeds with numbers `first`, `first + step`, … until time is up; a report a line. */
async function runMany(options: Options, base: string, first: number): Promise<void> {
  const endMs = Date.now() + (options.minutes ?? Infinity) * 60_000;
  for (let i = first; i < options.seeds && Date.now() < endMs; i += options.jobs) {
    const startMs = process.cpuUsage();
    const report = await runOnce(`${base}${i}`, i % TWICE_EVERY === 0);
    const { user, system } = process.cpuUsage(startMs);
    process.stdout.write(`${JSON.stringify({ ...report, cpuMs: (user + system) / 1_000 })}\n`);
    if (options.isBailing && report.violations.length > 0) return;
  }
}

/** One child for each job; their lines are added up. */
async function supervise(options: Options, base: string): Promise<SimTotals> {
  const totals = new SimTotals();
  const flags = process.argv.slice(2).filter((each) => !each.startsWith('--seed='));
  const children = Array.from({ length: options.jobs }, (_, job) => {
    const jobs = `--jobs=${options.jobs}`;
    const values = [...process.execArgv, __filename, ...flags, jobs, `--child=${job}`];
    const child = spawn(process.execPath, [...values, `--seed=${base}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      totals.add(JSON.parse(line) as SeedReport & { readonly cpuMs: number });
    });
    return new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (code !== 0) totals.failures.push(`job ${job} ended with status ${code}`);
        resolve();
      });
    });
  });
  await Promise.all(children);
  return totals;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const base = options.seed ?? `${randomInt(1e9)}.`;
  if (options.isChild) {
    const job = Number(process.argv.find((each) => each.startsWith('--child='))?.slice(8));
    await runMany(options, base, job);
    return;
  }
  const isMany = options.minutes !== undefined || options.seeds !== Infinity;
  if (isMany) {
    process.stdout.write(`seeds ${base}0, ${base}1, …\n`);
    const totals = await supervise(options, base);
    process.stdout.write(totals.show());
    process.exitCode =
      totals.failures.length > 0 || (options.isStrict && totals.missed > 0) ? 1 : 0;
    return;
  }
  const startUsage = process.cpuUsage();
  const report = await runOnce(base, true);
  const { user, system } = process.cpuUsage(startUsage);
  // It ran twice.
  const totals = new SimTotals();
  totals.add({ ...report, cpuMs: (user + system) / 2_000 });
  process.stdout.write(`${JSON.stringify(report.swarm)}\n${totals.show()}`);
  process.exitCode = totals.failures.length > 0 ? 1 : 0;
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
  process.exitCode = 1;
});
