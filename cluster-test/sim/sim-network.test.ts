/** The simulated network does what every `Network` must do: the suite that WebSockets run too. */
import t from 'tap';
import { networkConformance } from '../../base/network-conformance';
import { SimNetwork } from './sim-network';
import { Simulator } from './simulator';

networkConformance(t, () => {
  const simulator = new Simulator('network conformance');
  const network = new SimNetwork(simulator);
  return Promise.resolve({
    server: network.of(simulator.process('server')),
    client: network.of(simulator.process('client')),
    address: 'server:0',
    deadAddress: 'nowhere:1',
    frameBytesMax: undefined,
    until: (what, condition) => simulator.runUntil(what, condition),
    close: () => Promise.resolve(),
  });
});
