/**
 * `npm run bench -- store`: keelson's store next to etcd in one run, alternating, both plaintext
 * on loopback and synced to disk. Prints, for each workload, throughput, latency, CPU and memory
 * of the three servers, and the ratio to etcd.
 */
import { arch, cpus, platform } from 'node:os';
import { etcdVersion, startEtcd } from './etcd-cluster';
import { startKeelson } from './keelson-cluster';
import { sumUsage } from './process-usage';
import type { StorePeer } from './store-peer';
import { measure, type Measurement } from './workload';

const VALUE = new Uint8Array(256).fill(0x61);
const EXISTING_KEYS = 1000;

/** How a run is made. */
export interface StoreBenchOptions {
  readonly json: boolean;
  readonly seconds: number;
}

interface PeerReport {
  readonly name: string;
  readonly version: string;
  readonly restingBytesPerServer: number;
  readonly rows: readonly Measurement[];
}

function newKey(round: string): (sequence: number) => Uint8Array {
  return (sequence) => Buffer.from(`/bench/${round}/${String(sequence).padStart(10, '0')}`);
}

function existingKey(sequence: number): Uint8Array {
  return Buffer.from(`/bench/existing/${String(sequence % EXISTING_KEYS).padStart(6, '0')}`);
}

async function measureRound(
  peer: StorePeer,
  inFlight: number,
  seconds: number,
): Promise<readonly Measurement[]> {
  const fresh = newKey(String(inFlight));
  const common = { inFlight, seconds };
  return [
    await measure(peer, {
      ...common,
      workload: 'put, new key',
      request: (sequence) => peer.put(fresh(sequence), VALUE),
    }),
    await measure(peer, {
      ...common,
      workload: 'put, existing key',
      request: (sequence) => peer.put(existingKey(sequence), VALUE),
    }),
    await measure(peer, {
      ...common,
      workload: 'linearizable get',
      request: (sequence) => peer.get(existingKey(sequence)),
    }),
  ];
}

/** Runs the benchmark and prints its report. */
export async function benchStore(options: StoreBenchOptions): Promise<void> {
  const version = etcdVersion();
  const peers = [await startKeelson()];
  if (version !== undefined) peers.push(await startEtcd(version));
  try {
    const reports = new Map<StorePeer, { resting: number; rows: Measurement[] }>();
    for (const peer of peers) {
      for (let i = 0; i < EXISTING_KEYS; i++) await peer.put(existingKey(i), VALUE);
      const resting = sumUsage(peer.pids).residentBytes / peer.pids.length;
      reports.set(peer, { resting, rows: [] });
    }
    // Alternating, so that a machine whose speed drifts slows both.
    for (const inFlight of [1, 100, 1000]) {
      for (const peer of peers) {
        reports.get(peer)?.rows.push(...(await measureRound(peer, inFlight, options.seconds)));
      }
    }
    const result = peers.map((peer): PeerReport => {
      const report = reports.get(peer);
      return {
        name: peer.name,
        version: peer.version,
        restingBytesPerServer: report?.resting ?? 0,
        rows: report?.rows ?? [],
      };
    });
    print(result, options);
  } finally {
    for (const peer of peers) await peer.close();
  }
}

function print(reports: readonly PeerReport[], options: StoreBenchOptions): void {
  const machine = {
    platform: platform(),
    arch: arch(),
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    node: process.version,
    secondsPerRow: options.seconds,
  };
  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'store', machine, reports }, undefined, 2));
    return;
  }
  console.log(
    `store: 3 servers, plaintext on loopback, synced; 256 B values; ${String(machine.cpus)} CPUs, ` +
      `Node ${machine.node}, ${String(options.seconds)} s a row`,
  );
  for (const report of reports) {
    const resting = (report.restingBytesPerServer / 1e6).toFixed(0);
    console.log(`${report.name} ${report.version}: ${resting} MB a server after 1000 keys`);
  }
  const [ours, etcd] = reports;
  if (etcd === undefined) console.log('etcd: not installed here, so no comparison');
  for (const [i, row] of (ours?.rows ?? []).entries()) {
    console.log(`\n${row.workload}, ${String(row.inFlight)} in flight`);
    console.log(`  ${'keelson'.padEnd(8)} ${describe(row)}`);
    const other = etcd?.rows[i];
    if (other === undefined) continue;
    console.log(`  ${'etcd'.padEnd(8)} ${describe(other)}`);
    console.log(
      `  ${'ratio'.padEnd(8)} ${ratio(row.operationsPerSecond, other.operationsPerSecond)} x operations/s, ` +
        `${ratio(row.p50Ms, other.p50Ms)} x p50, ${ratio(row.p99Ms, other.p99Ms)} x p99, ` +
        `${ratio(row.serverCpuSecondsPer10k, other.serverCpuSecondsPer10k)} x CPU`,
    );
  }
}

function describe(row: Measurement): string {
  return (
    `${row.operationsPerSecond.toFixed(0).padStart(6)}/s  p50 ${row.p50Ms.toFixed(2)} ms  ` +
    `p99 ${row.p99Ms.toFixed(2)} ms  servers ${row.serverCpuSecondsPer10k.toFixed(2)} CPU s/10k  ` +
    `(client ${row.clientCpuSecondsPer10k.toFixed(2)})  peak ${(row.serversPeakBytes / 1e6).toFixed(0)} MB`
  );
}

function ratio(a: number, b: number): string {
  return (a / b).toFixed(2);
}
