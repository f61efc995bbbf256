/** The client's certificate as the authenticators need it (K67); TLS has verified its chain. */
import type { VerifiedCertificate } from '../machinery/api-handler';

/** What of a TLS socket is asked; node's own type would be an import of `node:tls`. */
export interface CertifiedSocket {
  /** Whether the chain of the peer's certificate leads to the clients' CA. */
  readonly authorized: boolean;
  getPeerCertificate(): {
    readonly subject?: { readonly CN?: string | string[]; readonly O?: string | string[] };
  };
}

/** Whether a certificate was presented whose chain does not lead to the clients' CA. */
export function isCertificateWrong(socket: CertifiedSocket): boolean {
  return !socket.authorized && socket.getPeerCertificate().subject !== undefined;
}

/** CN and every O of a verified certificate; undefined if there is none or it is not verified. */
export function clientCertificateOf(socket: CertifiedSocket): VerifiedCertificate | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined) return undefined;
  return { commonName: listOf(subject.CN)[0] ?? '', organizations: listOf(subject.O) };
}

/** node gives one value as a text and several as a list. */
function listOf(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
