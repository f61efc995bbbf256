/** WebSockets as a `Network`: the shared suite over TLS and plain, and what is special to TLS. */
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { networkConformance, type NetworkUnderTest } from '../network-conformance';
import type { CloseReason, Link } from '../network';
import { createAuthority, issueCertificate, type CertifiedKey } from './certificates';
import { parseAddress } from './address';
import type { TlsIdentity } from './http-listener';
import { WsNetwork, type WsNetworkLimits, type WsNetworkOptions } from './ws-network';

const PEER_NAME = 'peer.test.keelson';
const FRAME_BYTES_MAX = 2 * 1024 * 1024;

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function identity(authority: CertifiedKey, names: readonly string[]): Promise<TlsIdentity> {
  const pair = await issueCertificate(authority, {
    commonName: names[0] ?? '',
    organizations: [],
    dnsNames: names,
    ipAddresses: [],
    usages: ['server', 'client'],
    validDays: 1,
    nowMs: Date.now(),
  });
  return { ...pair, authority: authority.certificate };
}

const newAuthority = (): Promise<CertifiedKey> =>
  createAuthority({ commonName: 'test authority', validDays: 1, nowMs: Date.now() });

function mutualTls(own: TlsIdentity): WsNetworkOptions['security'] {
  return { kind: 'mutualTls', identity: own, peerName: PEER_NAME };
}

function underTest(security: WsNetworkOptions['security']): Promise<NetworkUnderTest> {
  const limits: Partial<WsNetworkLimits> = { frameBytesMax: FRAME_BYTES_MAX };
  return Promise.resolve({
    server: new WsNetwork({ security, limits }),
    client: new WsNetwork({ security, limits }),
    address: '127.0.0.1:0',
    deadAddress: '127.0.0.1:1',
    frameBytesMax: FRAME_BYTES_MAX,
    until,
    close: () => Promise.resolve(),
  });
}

interface Dialled {
  readonly names: readonly (readonly string[])[];
  readonly opened: boolean;
  readonly reason: CloseReason | undefined;
}

/** Dials once; tells whether it opened and whom each end saw. */
async function dialOnce(server: WsNetwork, client: WsNetwork): Promise<Dialled> {
  const links: Link[] = [];
  const listener = await server.listen('127.0.0.1:0', (link) => {
    links.push(link);
    return { onFrame: () => undefined, onClose: () => undefined };
  });
  const seen: { opened: boolean; reason: CloseReason | undefined } = {
    opened: false,
    reason: undefined,
  };
  const near = client.dial(listener.address, 'raft', {
    onOpen: () => (seen.opened = true),
    onFrame: () => undefined,
    onClose: (why) => (seen.reason = why),
  });
  await until('the dial ends', () => {
    return seen.reason !== undefined || (seen.opened && links.length === 1);
  });
  const names = seen.opened ? [near.peerNames, ...links.map((link) => link.peerNames)] : [];
  await listener.close();
  return { names, ...seen };
}

t.test('plain WebSockets', (t) => {
  networkConformance(t, () => underTest({ kind: 'plaintext' }));
  t.end();
});

t.test('WebSockets with certificates on both sides (T1)', async (t: Test) => {
  const own = await identity(await newAuthority(), ['replica-1', PEER_NAME]);
  networkConformance(t, () => underTest(mutualTls(own)));
});

t.test('each end knows the names the other proved (T1)', async (t) => {
  const authority = await newAuthority();
  const server = new WsNetwork({
    security: mutualTls(await identity(authority, ['replica-1', PEER_NAME])),
  });
  const client = new WsNetwork({ security: mutualTls(await identity(authority, ['client.test'])) });
  const { names } = await dialOnce(server, client);
  t.same(names, [['replica-1', PEER_NAME], ['client.test']]);
});

t.test('who is not of the cluster gets no link (T1)', async (t) => {
  const authority = await newAuthority();
  const member = await identity(authority, ['replica-1', PEER_NAME]);
  const nameless = await identity(authority, ['client.test']);
  const stranger = await identity(await newAuthority(), ['replica-1', PEER_NAME]);
  const impostor = { ...stranger, authority: authority.certificate };
  const network = (own: TlsIdentity): WsNetwork => new WsNetwork({ security: mutualTls(own) });
  const cases = [
    ['a client of another authority', network(member), network(stranger)],
    ['a client that only trusts the right one', network(member), network(impostor)],
    ['a server of another authority', network(stranger), network(member)],
    ['a server without the peer name', network(nameless), network(member)],
    ['a client without TLS', network(member), new WsNetwork({ security: { kind: 'plaintext' } })],
    ['a server without TLS', new WsNetwork({ security: { kind: 'plaintext' } }), network(member)],
  ] as const;
  for (const [name, server, client] of cases) {
    t.equal((await dialOnce(server, client)).opened, false, name);
  }
});

t.test('new certificates are used for new links', async (t) => {
  const authority = await newAuthority();
  const network = new WsNetwork({
    security: mutualTls(await identity(authority, ['old', PEER_NAME])),
  });
  const client = new WsNetwork({ security: mutualTls(await identity(authority, ['client'])) });
  const links: Link[] = [];
  const handler = { onFrame: () => undefined, onClose: () => undefined };
  const listener = await network.listen('127.0.0.1:0', (link) => (links.push(link), handler));
  network.replaceIdentity(await identity(authority, ['new', PEER_NAME]));
  const near = client.dial(listener.address, 'raft', handler);
  await until('it opens', () => links.length === 1 && near.peerNames.length > 0);
  t.same(near.peerNames, ['new', PEER_NAME]);
  await listener.close();
});

t.test('an end that has gone silent is noticed (T8)', async (t) => {
  const limits = { pingIntervalMs: 20, deadAfterMs: 100 };
  const server = new WsNetwork({ security: { kind: 'plaintext' } });
  const client = new WsNetwork({ security: { kind: 'plaintext' }, limits });
  let far: Link | undefined;
  const listener = await server.listen('127.0.0.1:0', (link) => {
    far = link;
    return { onFrame: () => undefined, onClose: () => undefined };
  });
  let reason: CloseReason | undefined;
  client.dial(listener.address, 'raft', {
    onFrame: () => undefined,
    onClose: (why) => (reason = why),
  });
  await until('it is accepted', () => far !== undefined);
  // A paused end reads nothing, so it answers no ping: as good as dead.
  far?.pause();
  await until('the client gives up', () => reason !== undefined);
  t.match(reason?.message, /nothing was heard/);
  await listener.close();
});

t.test('a frame over the limit ends the link, not the process (R93)', async (t) => {
  const server = new WsNetwork({
    security: { kind: 'plaintext' },
    limits: { frameBytesMax: 1000 },
  });
  const client = new WsNetwork({ security: { kind: 'plaintext' } });
  const reasons: CloseReason[] = [];
  const handler = {
    onFrame: () => t.fail('delivered'),
    onClose: (why: CloseReason) => reasons.push(why),
  };
  const listener = await server.listen('127.0.0.1:0', () => handler);
  const near = client.dial(listener.address, 'kv', {
    onOpen: () => near.send(new Uint8Array(1001)),
    onFrame: () => undefined,
    onClose: (why) => reasons.push(why),
  });
  await until('both ends end', () => reasons.length === 2);
  t.equal(reasons.filter((why) => why.code === 1009).length > 0, true);
  await listener.close();
});

t.test('too much unsent ends the link instead of filling the memory', async (t) => {
  const limits = { frameBytesMax: 1024 * 1024, bufferedBytesMax: 4 * 1024 * 1024 };
  const server = new WsNetwork({ security: { kind: 'plaintext' } });
  const client = new WsNetwork({ security: { kind: 'plaintext' }, limits });
  const listener = await server.listen('127.0.0.1:0', (link) => {
    link.pause();
    return { onFrame: () => undefined, onClose: () => undefined };
  });
  let reason: CloseReason | undefined;
  const near = client.dial(listener.address, 'kv', {
    onOpen: () => {
      for (let i = 0; i < 64 && near.send(new Uint8Array(1024 * 1024)); i++);
    },
    onFrame: () => undefined,
    onClose: (why) => (reason = why),
  });
  await until('the link ends', () => reason !== undefined);
  t.equal(reason?.code, 1013);
  await listener.close();
});

t.test('garbage on the port harms nobody', async (t) => {
  const own = await identity(await newAuthority(), ['replica-1', PEER_NAME]);
  for (const security of [{ kind: 'plaintext' } as const, mutualTls(own)]) {
    const network = new WsNetwork({ security });
    const listener = await network.listen('127.0.0.1:0', () => {
      t.fail('accepted');
      return undefined;
    });
    const port = parseAddress(listener.address)?.port ?? 0;
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end('\u0016\u0003 nonsense\r\n\r\n'));
      socket.resume();
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
    await listener.close();
  }
  t.pass('still here');
});
