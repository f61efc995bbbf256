/** `keelson apiserver`: one stateless Kubernetes API server over the store. */
import { readFileSync } from 'node:fs';
import { NamespaceLifecycle } from '../apiserver/admission';
import { createApiServer, type ApiServerParts } from '../apiserver/api-server';
import {
  mastersAuthorizer,
  parseTokenFile,
  RbacAuthorizer,
  rbacFromStorage,
  StaticTokenAuthenticator,
  unionAuthorizer,
  X509Authenticator,
  type StaticToken,
} from '../apiserver/auth';
import { ApiHttpServer } from '../apiserver/http';
import { formatAddress, listenError, parseAddress, readApiFile, type HostPort } from '../base/node';
import { createKvClient } from '../store/wire';
import { dataPaths } from './data-directory';
import { CommandError } from './failure';
import type { LogFlags, StoreFlags } from './flags';
import { pkiPaths, readPem } from './pki';
import { runService, type RunningService, type ServiceParts } from './service';
import { openStoreAccess } from './store-access';

/** The flags of `keelson apiserver`. */
export interface ApiServerFlags extends LogFlags, StoreFlags {
  readonly name: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly tokenFile?: string;
  readonly cache: boolean;
}

/** What the serving side of TLS is made of, PEM. */
interface ServingCertificates {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string;
}

const NAMESPACES = { group: '', resource: 'namespaces' };

/** Runs an API server until it is told to stop. */
export async function runApiServer(flags: ApiServerFlags): Promise<void> {
  await runService(flags.name, flags, (parts) => startApiServer(flags, parts));
}

async function startApiServer(flags: ApiServerFlags, parts: ServiceParts): Promise<RunningService> {
  const { clock, random, logger } = parts;
  const tokens = readTokens(flags.tokenFile);
  const access = openStoreAccess(flags);
  const kv = createKvClient({
    network: access.network,
    clock,
    random: random.fork('kv-client'),
    endpoints: access.endpoints,
    logger,
  });
  const api = createApiServer({
    kv,
    clock,
    random: random.fork('apiserver'),
    logger,
    readApiFile,
    authenticators: () => [new X509Authenticator(), new StaticTokenAuthenticator(tokens)],
    authorizer: ({ storageOf }: ApiServerParts) =>
      unionAuthorizer(mastersAuthorizer, new RbacAuthorizer(rbacFromStorage(storageOf))),
    admissionPlugins: ({ storageOf }: ApiServerParts) => [
      new NamespaceLifecycle(storageOf(NAMESPACES)),
    ],
    withoutCache: !flags.cache,
  });
  const { handle, limits } = api;
  const server = new ApiHttpServer({ handle, clock, logger, limits, ...readServing(flags) });
  const address = await listen(server, flags.listen);
  await api.start();
  return {
    addresses: [address],
    ended: api.run(),
    renewCertificates: () => {
      access.renew();
      server.renew(readServing(flags));
    },
    close: async () => {
      await api.close();
      await server.close();
      kv.close();
    },
  };
}

async function listen(server: ApiHttpServer, address: string): Promise<string> {
  const { host, port } = parseAddress(address) as HostPort;
  try {
    return formatAddress({ host, port: await server.listen({ host, port }) });
  } catch (error) {
    throw new CommandError(`${listenError(address, error).message}: choose another address.`);
  }
}

function readServing(flags: ApiServerFlags): ServingCertificates {
  const { tlsCert, tlsKey, clientCa } = flags;
  if (flags.endpoints !== undefined && (tlsCert === undefined || tlsKey === undefined)) {
    throw new CommandError('--endpoints needs --tls-cert, --tls-key and --client-ca too.');
  }
  const pki = pkiPaths(dataPaths(flags.dataDir).pki);
  return {
    certificate: readPem(tlsCert ?? pki.apiServer.certificate),
    key: readPem(tlsKey ?? pki.apiServer.key),
    clientCa: readPem(clientCa ?? pki.apiAuthority.certificate),
  };
}

function readTokens(file: string | undefined): readonly StaticToken[] {
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`Cannot read the token file ${file}: ${(error as Error).message}`);
  }
  return parseTokenFile(text, file);
}
