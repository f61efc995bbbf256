/** Replicas' servers with a local store or a double behind them, on a simulated network. */
import { nullLogger } from '../../base/logger';
import type { Link, Network } from '../../base/network';
import type { Random } from '../../base/random';
import { SimNetwork, Simulator, type SimProcess } from '../../cluster-test/sim';
import { MemoryEngine } from '../engine';
import { openLocalStore, type LocalStore } from '../replica';
import { createKvClient, KvServer, type KvClient, type ServedStore } from '../wire';

/** Servers with one store behind all of them, as replicas would have; and a client. */
export class World {
  readonly simulator: Simulator;
  readonly network: SimNetwork;
  readonly #home: SimProcess;
  #clients = 0;

  constructor(seed: string) {
    this.simulator = new Simulator(seed);
    this.network = new SimNetwork(this.simulator);
    this.#home = this.simulator.process('home');
  }

  /** Lets time pass until `promise` settles. */
  run<T>(promise: Promise<T>, withinMs?: number): Promise<T> {
    return this.simulator.runUntilSettled(promise, withinMs);
  }

  /** A store in a process of its own. */
  store(): Promise<LocalStore> {
    const { clock } = this.#home;
    return this.run(
      openLocalStore({ engine: new MemoryEngine(), clock, random: this.simulator.random }),
    );
  }

  /** Serves `store` as the replica `name`. */
  async serve(
    name: string,
    store: ServedStore,
    options: { clusterId?: string; hasLeader?: () => boolean } = {},
  ): Promise<{ process: SimProcess; server: KvServer }> {
    const process = this.simulator.process(name);
    const { clusterId = '00000000000000c1', hasLeader = () => true } = options;
    const server = new KvServer({
      store,
      clusterId,
      memberId: '0000000000000001',
      health: { hasLeader, onChange: () => () => undefined },
      logger: nullLogger,
    });
    await this.network.of(process).listen(`${name}:1`, (link) => server.accept(link));
    return { process, server };
  }

  /** A client of these replicas, the first one first. */
  client(names: readonly string[], network?: (own: Network) => Network): KvClient {
    const process = this.simulator.process(`client${++this.#clients}`);
    const own = this.network.of(process);
    return createKvClient({
      network: network?.(own) ?? own,
      clock: process.clock,
      // Begins with the first endpoint: draws of this seed are not what is tested here.
      random: zeroRandom,
      endpoints: names.map((name) => `${name}:1`),
    });
  }
}

const zeroRandom: Random = {
  below: () => 0,
  unit: () => 0.5,
  pick: <T>(items: readonly T[]) => items[0] as T,
  bytes: (length: number) => new Uint8Array(length),
  fork: () => zeroRandom,
};

/** A store whose named calls answer as told. */
export function double(store: ServedStore, overrides: Partial<ServedStore>): ServedStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Shows each frame that a client receives. */
export function tap(own: Network, see: (frame: Uint8Array) => void): Network {
  return {
    listen: (address, accept) => own.listen(address, accept),
    dial: (address, protocol, handler): Link =>
      own.dial(address, protocol, {
        onOpen: () => handler.onOpen?.(),
        onFrame: (frame) => {
          see(Uint8Array.from(frame));
          handler.onFrame(frame);
        },
        onClose: (reason) => handler.onClose(reason),
        onDrain: () => handler.onDrain?.(),
      }),
  };
}
