/** Three etcd members on loopback: defaults of the installed version, plaintext, synced to disk. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdClient } from './etcd-client';
import { freePorts, waitFor } from './processes';
import type { StorePeer } from './store-peer';

/** The version of the etcd on PATH; undefined if there is none. */
export function etcdVersion(): string | undefined {
  try {
    const printed = execFileSync('etcd', ['--version'], { encoding: 'utf8' });
    return /etcd Version: (\S+)/.exec(printed)?.[1];
  } catch {
    return undefined;
  }
}

/** Starts three members and waits until they answer. */
export async function startEtcd(version: string): Promise<StorePeer> {
  const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-etcd-'));
  const ports = await freePorts(6);
  const names = ['e1', 'e2', 'e3'];
  const clientUrl = (i: number): string => `http://127.0.0.1:${String(ports[i])}`;
  const peerUrl = (i: number): string => `http://127.0.0.1:${String(ports[i + 3])}`;
  const cluster = names.map((name, i) => `${name}=${peerUrl(i)}`).join(',');
  const members = names.map((name, i) => {
    const flags = [
      ['--name', name, '--data-dir', join(directory, name)],
      ['--listen-client-urls', clientUrl(i), '--advertise-client-urls', clientUrl(i)],
      ['--listen-peer-urls', peerUrl(i), '--initial-advertise-peer-urls', peerUrl(i)],
      ['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
    ].flat();
    return spawn('etcd', flags, { stdio: 'ignore' });
  });
  await waitFor('etcd listens', () => Promise.all([0, 1, 2].map((i) => reach(ports[i] ?? 0))));
  const client = new EtcdClient([0, 1, 2].map(clientUrl), 2);
  await waitFor('etcd answers', async () => {
    await client.put(Buffer.from('ready'), Buffer.from('1'));
  });
  return {
    name: 'etcd',
    version,
    pids: members.map(pidOf),
    put: (key, value) => client.put(key, value),
    get: (key) => client.get(key),
    close: async () => {
      client.close();
      await Promise.all(members.map(ended));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Resolves if somebody listens on a port of loopback. */
function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('Cannot start etcd: it has no process id');
  return child.pid;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
