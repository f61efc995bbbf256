/** CPU seconds and memory of other processes, from the operating system. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process has used since it started. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly residentPeakBytes: number;
}

/** Linux counts CPU time in ticks of 1/100 s on all platforms that Node runs on (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Reads one process; Linux by /proc, elsewhere by ps (where the peak is only the present). */
export function processUsage(pid: number): ProcessUsage {
  if (process.platform !== 'linux') return usageByPs(pid);
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The second field is the name in brackets and may hold anything: count from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND,
    residentBytes: kilobytes('VmRSS') * 1024,
    residentPeakBytes: kilobytes('VmHWM') * 1024,
  };
}

function usageByPs(pid: number): ProcessUsage {
  const printed = execFileSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], { encoding: 'utf8' });
  const [rss = '0', time = '0:0'] = printed.trim().split(/\s+/);
  const cpuSeconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const residentBytes = Number(rss) * 1024;
  return { cpuSeconds, residentBytes, residentPeakBytes: residentBytes };
}

/** The sum over several processes. */
export function sumUsage(pids: readonly number[]): ProcessUsage {
  const all = pids.map(processUsage);
  const sum = (pick: (usage: ProcessUsage) => number): number =>
    all.reduce((total, usage) => total + pick(usage), 0);
  return {
    cpuSeconds: sum((usage) => usage.cpuSeconds),
    residentBytes: sum((usage) => usage.residentBytes),
    residentPeakBytes: sum((usage) => usage.residentPeakBytes),
  };
}
