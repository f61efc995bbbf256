/**
 * A cluster's own certificates: an authority, and leaves it signs. Made with @peculiar/x509 (Node
 * can verify certificates but not make them), which is loaded only when one is really made; all
 * checking is Node's own. Keys are P-256: made in under a millisecond, and understood by every
 * Kubernetes client.
 *
 * An authority is renewed with its key and name kept, so that certificates it signed before stay
 * valid; a leaf is renewed with a new key.
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import type * as X509 from '@peculiar/x509';

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** What an authority is called and how long it lasts. */
export interface AuthorityRequest {
  readonly commonName: string;
  readonly validDays: number;
  readonly nowMs: number;
}

/** What a leaf certificate says. */
export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads these as groups. */
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: readonly ('server' | 'client')[];
  readonly validDays: number;
  readonly nowMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of other machines may be behind. */
const BACKDATE_MS = 60 * 60 * 1000;
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const USAGE_OIDS = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Makes a new authority. */
export async function createAuthority(request: AuthorityRequest): Promise<CertifiedKey> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  return { certificate: await signAuthority(request, keys), key: await exportKey(keys.privateKey) };
}

/** The same authority, by name and key, with a new end. */
export async function renewAuthority(
  authority: CertifiedKey,
  request: AuthorityRequest,
): Promise<CertifiedKey> {
  const spki = new X509Certificate(authority.certificate).publicKey.export({
    format: 'der',
    type: 'spki',
  });
  const keys = {
    privateKey: await importKey(authority.key),
    publicKey: await webcrypto.subtle.importKey('spki', spki, KEY_ALGORITHM, true, ['verify']),
  };
  const commonName = commonNameOf(authority.certificate);
  return { certificate: await signAuthority({ ...request, commonName }, keys), key: authority.key };
}

/** Makes a key and has its certificate signed by `authority`. */
export async function issueCertificate(
  authority: CertifiedKey,
  request: CertificateRequest,
): Promise<CertifiedKey> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const names = [
    ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...request.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: distinguishedName(request.commonName, request.organizations),
      issuer: issuer.subjectName,
      ...validity(request),
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.key),
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => USAGE_OIDS[usage])),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    },
    webcrypto,
  );
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/** When a certificate ends, in milliseconds since 1970. */
export function certificateEndMs(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validTo);
}

/** What a certificate in a file must be, so that it need not be made again. */
export interface CertificateDemand {
  readonly authority: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** It must last at least until then. */
  readonly validUntilMs: number;
}

/** Why a certificate has to be made again; undefined if it is as demanded. */
export function certificateFault(
  pair: CertifiedKey,
  demand: CertificateDemand,
): string | undefined {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(demand.authority);
    if (!certificate.checkPrivateKey(createPrivateKey(pair.key))) return 'its key is another one';
    if (!certificate.verify(authority.publicKey)) return 'another authority signed it';
    if (Date.parse(certificate.validTo) < demand.validUntilMs) return 'it is about to end';
    const missing = [
      ...demand.dnsNames.filter((name) => certificate.checkHost(name) === undefined),
      ...demand.ipAddresses.filter((ip) => certificate.checkIP(ip) === undefined),
    ];
    return missing.length === 0 ? undefined : `it does not name ${missing.join(', ')}`;
  } catch (error) {
    return `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
}

async function signAuthority(
  request: AuthorityRequest,
  keys: webcrypto.CryptoKeyPair,
): Promise<string> {
  const x509 = await loadX509();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: distinguishedName(request.commonName, []),
      ...validity(request),
      keys,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return pem(certificate);
}

/** The library needs the metadata polyfill before it, and no global crypto provider of its own. */
async function loadX509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

function distinguishedName(commonName: string, organizations: readonly string[]): X509.JsonName {
  return [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }];
}

function validity(request: { readonly nowMs: number; readonly validDays: number }): {
  readonly notBefore: Date;
  readonly notAfter: Date;
} {
  return {
    notBefore: new Date(request.nowMs - BACKDATE_MS),
    notAfter: new Date(request.nowMs + request.validDays * DAY_MS),
  };
}

function commonNameOf(certificate: string): string {
  const line = new X509Certificate(certificate).subject
    .split('\n')
    .find((part) => part.startsWith('CN='));
  return line?.slice(3) ?? '';
}

function pem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

function importKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, false, ['sign']);
}
