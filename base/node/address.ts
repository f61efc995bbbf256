/** `host:port` as text: what flags, files and messages show. IPv6 hosts stand in brackets. */
import { nodeError, systemCode } from './errors';
import type { KeelsonError } from '../error';

/** The two parts of an address. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[v6]:port`; undefined for anything else. */
export function parseAddress(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || !(port <= 65_535) ? undefined : { host, port };
}

/** Writes `host:port`, with brackets where the host has colons. */
export function formatAddress(address: HostPort): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

/** The failure to listen on an address, with a sentence a user can act on. */
export function listenError(address: string, error: unknown): KeelsonError {
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'EADDRINUSE') {
    return nodeError(
      'NETWORK_ADDRESS_IN_USE',
      `Cannot listen on ${address} as that port is in use by another process`,
      { cause: error, details: { address } },
    );
  }
  const why =
    code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
      ? 'this machine has no such address'
      : code === 'EACCES'
        ? 'this user may not listen there (ports below 1024 often need privileges)'
        : message;
  return nodeError('NETWORK_ADDRESS_UNUSABLE', `Cannot listen on ${address} as ${why}`, {
    cause: error,
    details: { address },
  });
}
