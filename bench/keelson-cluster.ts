/**
 * Three replicas on loopback as `keelson replica` runs them, plaintext like the peer, and a client
 * in this process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installNativeCrc32, RealClock, systemRandom, WsNetwork } from '../base/node';
import { createKvClient } from '../store/wire';
import { freePorts, waitFor } from './processes';
import type { StorePeer } from './store-peer';

const PROJECT = join(__dirname, '..', '..');
const CLUSTER_ID = '00000000000be7c4';

/** Starts three replicas and waits until they answer. */
export async function startKeelson(): Promise<StorePeer> {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
  const ports = await freePorts(3);
  const endpoints = ports.map((port) => `127.0.0.1:${String(port)}`);
  const members = endpoints.map((address, i) => `r${String(i + 1)}=${address}`);
  const replicas = members.map((member) => startReplica(directory, member, members.join(',')));
  installNativeCrc32();
  const client = createKvClient({
    network: new WsNetwork({ security: { kind: 'plaintext' } }),
    clock: new RealClock(),
    random: systemRandom().random,
    endpoints,
  });
  await waitFor('keelson answers', async () => {
    await client.currentRevision();
  });
  return {
    name: 'keelson',
    version: packageVersion(),
    pids: replicas.map(pidOf),
    put: async (key, value) => {
      await client.txn({
        compare: [],
        success: [{ kind: 'put', key, value, leaseId: '0000000000000000', withPrevious: false }],
        failure: [],
      });
    },
    get: async (key) => {
      const { keyValue } = await client.get(key);
      if (keyValue === undefined) throw new Error('Cannot read a benchmark key: not found');
    },
    close: async () => {
      client.close();
      await Promise.all(replicas.map(ended));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startReplica(directory: string, member: string, members: string): ChildProcess {
  const name = member.split('=')[0] ?? '';
  const flags = [
    ['replica', '--name', name, '--members', members, '--cluster-id', CLUSTER_ID],
    ['--member-dir', join(directory, name), '--insecure-plaintext', '--profile', 'default'],
    ['--log-level', 'error'],
  ].flat();
  const command = join(PROJECT, 'dist', 'bin', 'keelson.js');
  return spawn(process.execPath, [command, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function packageVersion(): string {
  const text = readFileSync(join(PROJECT, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('Cannot start a replica: it has no process id');
  return child.pid;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
