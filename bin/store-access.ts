/** How a command reaches the store: which replicas, over which network, with which certificate. */
import { WsNetwork, type WsNetworkLimits } from '../base/node';
import { dataPaths, requireClusterFile, type ClusterMember } from './data-directory';
import { CommandError } from './failure';
import type { StoreFlags } from './flags';
import { peerNameOf, pkiPaths, readIdentity } from './pki';

/** A way to the store. */
export interface StoreAccess {
  readonly network: WsNetwork;
  readonly endpoints: readonly string[];
  /** The members by name, as far as the data directory tells. */
  readonly members: readonly ClusterMember[];
  /** Reads the certificate files again, after they were renewed. */
  renew(): void;
}

/** Finds the store by `--endpoints` and certificates, or by `--data-dir`. */
export function openStoreAccess(
  flags: StoreFlags,
  limits: Partial<WsNetworkLimits> = {},
): StoreAccess {
  return flags.endpoints === undefined
    ? accessByDirectory(flags, limits)
    : accessByEndpoints(flags, flags.endpoints, limits);
}

function accessByDirectory(flags: StoreFlags, limits: Partial<WsNetworkLimits>): StoreAccess {
  const paths = dataPaths(flags.dataDir);
  const cluster = requireClusterFile(paths);
  const pki = pkiPaths(paths.pki);
  const identity = (): ReturnType<typeof readIdentity> =>
    readIdentity(pki.storeClient, pki.storeAuthority.certificate);
  const network = new WsNetwork({
    security: {
      kind: 'mutualTls',
      identity: identity(),
      peerName: peerNameOf(cluster.clusterId),
    },
    limits,
  });
  return {
    network,
    endpoints: cluster.members.map((member) => member.address),
    members: cluster.members,
    renew: () => network.replaceIdentity(identity()),
  };
}

function accessByEndpoints(
  flags: StoreFlags,
  endpoints: readonly string[],
  limits: Partial<WsNetworkLimits>,
): StoreAccess {
  if (flags.insecurePlaintext === true) {
    const network = new WsNetwork({ security: { kind: 'plaintext' }, limits });
    return { network, endpoints, members: [], renew: () => undefined };
  }
  const { ca, cert, key, peerName } = flags;
  if (ca === undefined || cert === undefined || key === undefined || peerName === undefined) {
    throw new CommandError(
      '--endpoints needs --ca, --cert, --key and --peer-name (or --insecure-plaintext where the ' +
        'replicas speak that). With --data-dir instead, all of them are found.',
    );
  }
  const identity = (): ReturnType<typeof readIdentity> =>
    readIdentity({ certificate: cert, key }, ca);
  const network = new WsNetwork({
    security: { kind: 'mutualTls', identity: identity(), peerName },
    limits,
  });
  return { network, endpoints, members: [], renew: () => network.replaceIdentity(identity()) };
}
