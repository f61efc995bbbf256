/** What many seeds add up to, as a report. */
import type { SeedReport } from './run-seed';
import { REQUIRED_MARKS } from './required-marks';

const SUMMED = [
  ...(['events', 'revisions', 'elections', 'entries', 'answered', 'unknown', 'refused'] as const),
  ...(['batches', 'leasesExpired'] as const),
];

/** Sums and failures. */
export class SimTotals {
  readonly failures: string[] = [];
  readonly #sums = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #marks = new Map<string, number>();
  readonly #sizes = new Map<string, number>();
  #seeds = 0;
  #virtualMs = 0;
  #cpuMs = 0;
  #slowest: { seed: string; ms: number } = { seed: '', ms: 0 };

  /** Required marks that no seed hit. */
  get missed(): number {
    return this.#missed().length;
  }

  add(report: SeedReport & { readonly cpuMs: number }): void {
    this.#seeds += 1;
    this.#virtualMs += report.virtualMs;
    this.#cpuMs += report.cpuMs;
    for (const name of SUMMED) count(this.#sums, name, report[name]);
    for (const [name, times] of Object.entries(report.faults)) count(this.#faults, name, times);
    for (const [name, times] of Object.entries(report.marks)) count(this.#marks, name, times);
    count(this.#sizes, `${report.swarm.size}`, 1);
    if (report.recoveryMs > this.#slowest.ms) {
      this.#slowest = { seed: report.seed, ms: report.recoveryMs };
    }
    if (report.violations.length > 0) {
      this.failures.push(
        `FAILED seed ${report.seed} (Node ${process.version})\n` +
          `  npm run sim -- --seed=${report.seed}\n  ${JSON.stringify(report.swarm)}\n` +
          report.violations.map((each) => `  ${each}\n`).join(''),
      );
    }
  }

  show(): string {
    const hours = this.#virtualMs / 3_600_000;
    const minutes = this.#cpuMs / 60_000;
    const lines = [
      ...this.failures,
      `${this.#seeds} seeds, ${this.failures.length} failed; members ${showCounts(this.#sizes)}`,
      `${hours.toFixed(2)} simulated hours in ${minutes.toFixed(2)} CPU minutes: ` +
        `${(hours / minutes).toFixed(2)} hours per CPU minute`,
      showCounts(this.#sums),
      `slowest recovery ${this.#slowest.ms.toFixed(0)} ms (seed ${this.#slowest.seed})`,
      `faults: ${showCounts(this.#faults)}`,
      `marks hit: ${showCounts(this.#marks)}`,
      `marks missed: ${this.#missed().join(', ') || 'none'}`,
    ];
    return `${lines.join('\n')}\n`;
  }

  #missed(): string[] {
    return REQUIRED_MARKS.filter((name) => !this.#marks.has(name));
  }
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

function showCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort()
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}
