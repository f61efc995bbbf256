/**
 * The suite of every `TxnKv` on the store called directly and over the wire: a store without a log
 * on the memory engine, on virtual time that passes while the test waits.
 */
import t from 'tap';
import { nullLogger } from '../../base/logger';
import { Simulator, SimNetwork } from '../../cluster-test/sim';
import { MemoryEngine } from '../engine';
import { kvConformance, type KvUnderTest } from '../kv-conformance';
import { createKvClient, KvServer } from '../wire';
import { openLocalStore } from './local-store';

let runs = 0;

/** Lets virtual time pass until told to stop. */
function drive(simulator: Simulator): () => Promise<void> {
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      if (!(await simulator.step())) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const running = run();
  return () => {
    isStopped = true;
    return running;
  };
}

async function openDirect(): Promise<KvUnderTest> {
  const simulator = new Simulator(`kv ${++runs}`);
  const stop = drive(simulator);
  const { clock } = simulator.process('store');
  const { random } = simulator;
  const store = await openLocalStore({ engine: new MemoryEngine(), clock, random });
  return {
    kv: store.kv,
    close: async () => {
      await store.close();
      await stop();
    },
  };
}

async function openOverWire(): Promise<KvUnderTest> {
  const simulator = new Simulator(`kv wire ${++runs}`);
  const stop = drive(simulator);
  const network = new SimNetwork(simulator);
  const [server, client] = [simulator.process('server'), simulator.process('client')];
  const { clock } = server;
  const { random } = simulator;
  const store = await openLocalStore({ engine: new MemoryEngine(), clock, random });
  const kvServer = new KvServer({
    store: store.kv,
    clusterId: '00000000000000c1',
    memberId: '0000000000000001',
    health: { hasLeader: () => true, onChange: () => () => undefined },
    logger: nullLogger,
  });
  await network.of(server).listen('server:1', (link, protocol) => {
    t.equal(protocol, 'kv');
    return kvServer.accept(link);
  });
  const kv = createKvClient({
    network: network.of(client),
    clock: client.clock,
    random: random.fork('client'),
    endpoints: ['server:1'],
  });
  return {
    kv,
    close: async () => {
      kv.close();
      kvServer.close();
      await store.close();
      await stop();
    },
  };
}

t.test('the store called directly', async (t) => {
  await kvConformance(t, openDirect);
});

t.test('the store over the wire', async (t) => {
  await kvConformance(t, openOverWire);
});
