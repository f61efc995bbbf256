/** What `keelson up` was asked for, and what follows from it for addresses and names. */
import { isIPv6 } from 'node:net';
import { formatAddress, parseAddress, type HostPort } from '../base/node';
import type { LogFlags } from './flags';

/** The flags of `keelson up`. */
export interface UpFlags extends LogFlags {
  readonly replicas?: number;
  readonly apiservers: number;
  readonly dataDir: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly restart: boolean;
  readonly bindAddress: string;
  readonly tlsSan?: readonly string[];
  readonly tokenFile?: string;
}

/** Where replicas listen, and what clients on this machine dial. */
export const LOOPBACK = '127.0.0.1';

/** `apiserver-1`, `apiserver-2`, … */
export function apiServerNames(flags: UpFlags): readonly string[] {
  return Array.from({ length: flags.apiservers }, (_, i) => `apiserver-${i + 1}`);
}

/** The address the `index`-th API server asks for. */
export function apiServerAddress(flags: UpFlags, index: number): string {
  return formatAddress({ host: flags.bindAddress, port: portAfter(flags.port, index) });
}

/** The front port comes after those of the API servers. */
export function frontAddress(flags: UpFlags): HostPort {
  return { host: flags.bindAddress, port: portAfter(flags.port, flags.apiservers) };
}

/** Names that the API servers' certificate needs beyond the usual ones. */
export function servingNames(flags: UpFlags): readonly string[] {
  const { bindAddress, tlsSan = [] } = flags;
  return isWildcard(bindAddress) ? tlsSan : [bindAddress, ...tlsSan];
}

/** The address at which a listener on this machine is reached from this machine. */
export function reachable(address: string): HostPort | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined || !isWildcard(parsed.host)) return parsed;
  return { host: isIPv6(parsed.host) ? '::1' : LOOPBACK, port: parsed.port };
}

/** The URL of an API server for clients on this machine. */
export function apiUrl(address: string): string {
  const at = reachable(address);
  return `https://${at === undefined ? address : formatAddress(at)}`;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** 0 stays 0: the system chooses each. */
function portAfter(port: number, offset: number): number {
  return port === 0 ? 0 : port + offset;
}
