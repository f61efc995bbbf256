/** Users by client certificate, verified by the TLS layer: CN is the name, each O a group (K67). */
import type { ApiRequest } from '../machinery/api-handler';
import type { AuthenticationResult, Authenticator } from './authenticator';

/** Recognises requests whose connection carries a verified client certificate. */
export class X509Authenticator implements Authenticator {
  authenticate(request: ApiRequest): Promise<AuthenticationResult> {
    const certificate = request.certificate;
    if (certificate === undefined) return Promise.resolve({ kind: 'notMine' });
    if (certificate.commonName === '') return Promise.resolve({ kind: 'rejected' });
    return Promise.resolve({
      kind: 'user',
      user: {
        name: certificate.commonName,
        uid: '',
        groups: certificate.organizations,
        extra: {},
      },
    });
  }
}
