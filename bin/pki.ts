/**
 * The certificates of a data directory: two authorities that never vouch for each other's users.
 *
 *   store authority   members (`replica-N`, peer name) and the store's clients (API servers, CLI)
 *   API authority     the API servers' serving certificate and Kubernetes users
 *
 * So a Kubernetes user's certificate opens no link to the store, where no RBAC asks who he is.
 * Leaves last a year and are made again when less than a third of that is left; an authority lasts
 * ten years and is renewed, key kept, when it could not outlive a new leaf.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  certificateEndMs,
  certificateFault,
  createAuthority,
  issueCertificate,
  renewAuthority,
  type CertificateRequest,
  type CertifiedKey,
  type TlsIdentity,
} from '../base/node';
import { CommandError } from './failure';
import { makePrivateDirectory, writePrivateFile, type ClusterFile } from './data-directory';

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** A leaf with less left than this is made again. */
const RENEW_BEFORE_MS = (LEAF_DAYS * DAY_MS) / 3;

/** Files of one certificate: `NAME.crt` and `NAME.key`. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** All certificates of a cluster, by path. */
export interface PkiPaths {
  readonly storeAuthority: CertificatePaths;
  readonly apiAuthority: CertificatePaths;
  readonly storeClient: CertificatePaths;
  readonly apiServer: CertificatePaths;
  readonly admin: CertificatePaths;
  member(name: string): CertificatePaths;
}

/** Where the certificates of a `pki/` directory are. */
export function pkiPaths(directory: string): PkiPaths {
  const pair = (name: string): CertificatePaths => ({
    certificate: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  });
  return {
    storeAuthority: pair('store-ca'),
    apiAuthority: pair('api-ca'),
    storeClient: pair('store-client'),
    apiServer: pair('apiserver'),
    admin: pair('admin'),
    member: (name) => pair(`member-${name}`),
  };
}

/** The DNS name in every member's certificate: whoever dials a member asks for it (T1). */
export function peerNameOf(clusterId: string): string {
  return `peer.${clusterId}`;
}

/** The DNS name in the certificate of the store's clients. */
export function clientNameOf(clusterId: string): string {
  return `client.${clusterId}`;
}

/** What the certificates of a cluster depend on. */
export interface PkiOptions {
  readonly directory: string;
  readonly cluster: ClusterFile;
  /** Hosts and addresses under which clients reach the API servers, besides the usual ones. */
  readonly apiNames: readonly string[];
  readonly nowMs: number;
}

/** Makes what is missing or about to end; returns the names of what was made. */
export async function ensureCertificates(options: PkiOptions): Promise<readonly string[]> {
  const { directory, cluster, nowMs } = options;
  makePrivateDirectory(directory);
  const paths = pkiPaths(directory);
  const made: string[] = [];
  const id = cluster.clusterId;
  const [store, api] = await Promise.all([
    ensureAuthority(paths.storeAuthority, `keelson store ${id}`, nowMs, made),
    ensureAuthority(paths.apiAuthority, `keelson kubernetes ${id}`, nowMs, made),
  ]);
  const leaf = (
    path: CertificatePaths,
    authority: CertifiedKey,
    request: Omit<CertificateRequest, 'validDays' | 'nowMs'>,
  ): Promise<void> =>
    ensureLeaf(path, authority, { ...request, validDays: LEAF_DAYS, nowMs }, made);
  await Promise.all([
    ...cluster.members.map((member) =>
      leaf(paths.member(member.name), store, memberRequest(id, member.name, member.address)),
    ),
    leaf(paths.storeClient, store, {
      commonName: 'keelson store client',
      organizations: [],
      dnsNames: [clientNameOf(id)],
      ipAddresses: [],
      usages: ['client'],
    }),
    leaf(paths.apiServer, api, servingRequest(options.apiNames)),
    leaf(paths.admin, api, {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      dnsNames: [],
      ipAddresses: [],
      usages: ['client'],
    }),
  ]);
  return made;
}

/** Reads a certificate, its key and the authority it trusts, for a process that will use them. */
export function readIdentity(pair: CertificatePaths, authority: string): TlsIdentity {
  return {
    certificate: readPem(pair.certificate),
    key: readPem(pair.key),
    authority: readPem(authority),
  };
}

/** Reads a PEM file that must be there. */
export function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`Cannot read the certificate file ${path}: ${(error as Error).message}`);
  }
}

function memberRequest(
  clusterId: string,
  name: string,
  address: string,
): Omit<CertificateRequest, 'validDays' | 'nowMs'> {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const { dnsNames, ipAddresses } = splitNames(['localhost', '127.0.0.1', '::1', host]);
  return {
    commonName: name,
    organizations: [],
    dnsNames: [name, peerNameOf(clusterId), ...dnsNames],
    ipAddresses,
    usages: ['server', 'client'],
  };
}

function servingRequest(names: readonly string[]): Omit<CertificateRequest, 'validDays' | 'nowMs'> {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return {
    commonName: 'keelson apiserver',
    organizations: [],
    ...splitNames([
      'localhost',
      ...service,
      'kubernetes.default.svc.cluster.local',
      '127.0.0.1',
      '::1',
      ...names,
    ]),
    usages: ['server'],
  };
}

function splitNames(names: readonly string[]): {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
} {
  const all = [...new Set(names)];
  return {
    dnsNames: all.filter((name) => isIP(name) === 0),
    ipAddresses: all.filter((name) => isIP(name) !== 0),
  };
}

async function ensureAuthority(
  path: CertificatePaths,
  commonName: string,
  nowMs: number,
  made: string[],
): Promise<CertifiedKey> {
  const request = { commonName, validDays: AUTHORITY_DAYS, nowMs };
  const existing = readPair(path);
  if (existing === undefined) return write(path, await createAuthority(request), made);
  if (certificateEndMs(existing.certificate) >= nowMs + LEAF_DAYS * DAY_MS) return existing;
  return write(path, await renewAuthority(existing, request), made);
}

async function ensureLeaf(
  path: CertificatePaths,
  authority: CertifiedKey,
  request: CertificateRequest,
  made: string[],
): Promise<void> {
  const existing = readPair(path);
  const fault =
    existing === undefined
      ? 'it is missing'
      : certificateFault(existing, {
          authority: authority.certificate,
          dnsNames: request.dnsNames,
          ipAddresses: request.ipAddresses,
          validUntilMs: request.nowMs + RENEW_BEFORE_MS,
        });
  if (fault !== undefined) write(path, await issueCertificate(authority, request), made);
}

/** Key first: a crash between the two leaves a pair that does not match and is made again. */
function write(path: CertificatePaths, pair: CertifiedKey, made: string[]): CertifiedKey {
  writePrivateFile(path.key, pair.key);
  writePrivateFile(path.certificate, pair.certificate);
  made.push(path.certificate);
  return pair;
}

function readPair(path: CertificatePaths): CertifiedKey | undefined {
  try {
    return {
      certificate: readFileSync(path.certificate, 'utf8'),
      key: readFileSync(path.key, 'utf8'),
    };
  } catch {
    // Missing, or one of the two is: made again, as if neither were there.
    return undefined;
  }
}
