/** Closed-loop load: a fixed number of requests in flight for a fixed time. */
import { performance } from 'node:perf_hooks';
import { sumUsage } from './process-usage';
import type { StorePeer } from './store-peer';

/** One row of a report. */
export interface Measurement {
  readonly workload: string;
  readonly inFlight: number;
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Summed over the servers. */
  readonly serverCpuSecondsPer10k: number;
  /** Of the process that makes the load: not part of the comparison. */
  readonly clientCpuSecondsPer10k: number;
  readonly serversPeakBytes: number;
}

/** What to do again and again; called with a number that rises by one. */
export type Request = (sequence: number) => Promise<void>;

/** Runs `request` with `inFlight` at a time for `seconds`. */
export async function measure(
  peer: StorePeer,
  options: {
    readonly workload: string;
    readonly inFlight: number;
    readonly seconds: number;
    readonly request: Request;
  },
): Promise<Measurement> {
  const { inFlight, request } = options;
  const latencies: number[] = [];
  let sequence = 0;
  const serversBefore = sumUsage(peer.pids).cpuSeconds;
  const clientBefore = process.cpuUsage();
  const start = performance.now();
  const end = start + options.seconds * 1000;
  const worker = async (): Promise<void> => {
    for (;;) {
      const sent = performance.now();
      if (sent >= end) return;
      await request(sequence++);
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedSeconds = (performance.now() - start) / 1000;
  const servers = sumUsage(peer.pids);
  const client = process.cpuUsage(clientBefore);
  latencies.sort((a, b) => a - b);
  const per10k = 10_000 / latencies.length;
  return {
    workload: options.workload,
    inFlight,
    operations: latencies.length,
    operationsPerSecond: latencies.length / elapsedSeconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    serverCpuSecondsPer10k: (servers.cpuSeconds - serversBefore) * per10k,
    clientCpuSecondsPer10k: ((client.user + client.system) / 1e6) * per10k,
    serversPeakBytes: servers.residentPeakBytes,
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
