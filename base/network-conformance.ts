/** What every `Network` must do: run on WebSockets (`node/`) and on the simulated network. */
import type { Test } from 'tap';
import { hasCode } from './error';
import type { CloseReason, Link, LinkHandler, Listener, Network, Protocol } from './network';

/** Two ends of one network, and a way to let it work. */
export interface NetworkUnderTest {
  readonly server: Network;
  readonly client: Network;
  /** An address on which the server may listen; port 0 for any. */
  readonly address: string;
  /** An address where nobody listens. */
  readonly deadAddress: string;
  /** The largest frame; undefined where frames and buffers are not limited. */
  readonly frameBytesMax: number | undefined;
  /** Lets the network work until `condition` holds; fails the test if it never does. */
  until(what: string, condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** A handler that remembers what happened. */
class Recorder implements LinkHandler {
  isOpen = false;
  readonly frames: Uint8Array[] = [];
  readonly closes: CloseReason[] = [];
  drains = 0;
  bytes = 0;

  onOpen(): void {
    this.isOpen = true;
  }

  onFrame(frame: Uint8Array): void {
    this.bytes += frame.length;
    if (frame.length <= 64) this.frames.push(Uint8Array.from(frame));
  }

  onClose(reason: CloseReason): void {
    this.closes.push(reason);
  }

  onDrain(): void {
    this.drains += 1;
  }
}

interface Pair {
  readonly listener: Listener;
  readonly near: Link;
  readonly far: Link;
  readonly nearEvents: Recorder;
  readonly farEvents: Recorder;
}

async function connect(network: NetworkUnderTest, protocol: Protocol = 'raft'): Promise<Pair> {
  const farEvents = new Recorder();
  const accepted: { link: Link; protocol: Protocol }[] = [];
  const listener = await network.server.listen(network.address, (link, arrived) => {
    accepted.push({ link, protocol: arrived });
    return arrived === protocol ? farEvents : undefined;
  });
  const nearEvents = new Recorder();
  const near = network.client.dial(listener.address, protocol, nearEvents);
  await network.until('the link opens', () => nearEvents.isOpen && accepted.length === 1);
  return { listener, near, far: (accepted[0] as { link: Link }).link, nearEvents, farEvents };
}

const byte = (value: number): Uint8Array => Uint8Array.of(value);

/** Adds the suite to `t`; `open` makes a fresh network for each test. */
export function networkConformance(t: Test, open: () => Promise<NetworkUnderTest>): void {
  const test = (
    name: string,
    body: (t: Test, network: NetworkUnderTest) => Promise<void>,
  ): void => {
    t.test(name, async (t) => {
      const network = await open();
      try {
        await body(t, network);
      } finally {
        await network.close();
      }
    });
  };
  orderTests(test);
  endTests(test);
  limitTests(test);
}

type AddTest = (name: string, body: (t: Test, network: NetworkUnderTest) => Promise<void>) => void;

function orderTests(test: AddTest): void {
  test('frames arrive whole, once and in order, both ways', async (t, network) => {
    const { near, far, nearEvents, farEvents, listener } = await connect(network);
    for (let i = 0; i < 200; i++) {
      t.ok(near.send(byte(i)));
      t.ok(far.send(Uint8Array.of(i, i)));
    }
    await network.until('all frames arrive', () => {
      return farEvents.frames.length === 200 && nearEvents.frames.length === 200;
    });
    t.same(
      farEvents.frames.map((frame) => frame[0]),
      [...Array(200).keys()],
    );
    t.ok(nearEvents.frames.every((frame, i) => frame.length === 2 && frame[1] === i));
    await listener.close();
  });

  test('an empty frame is a frame', async (t, network) => {
    const { near, farEvents, listener } = await connect(network);
    near.send(new Uint8Array(0));
    near.send(byte(1));
    await network.until('both arrive', () => farEvents.frames.length === 2);
    t.same(
      farEvents.frames.map((frame) => frame.length),
      [0, 1],
    );
    await listener.close();
  });

  test('the acceptor is told the protocol that was dialled', async (t, network) => {
    for (const protocol of ['raft', 'kv', 'snapshot'] as const) {
      const { listener, farEvents, near } = await connect(network, protocol);
      near.send(byte(7));
      await network.until('the frame arrives', () => farEvents.frames.length === 1);
      t.equal(farEvents.frames[0]?.[0], 7);
      await listener.close();
    }
  });

  test('a paused link delivers nothing until it is resumed, and then all', async (t, network) => {
    const { near, far, nearEvents, farEvents, listener } = await connect(network);
    far.pause();
    for (let i = 0; i < 20; i++) near.send(byte(i));
    far.send(byte(1));
    await network.until('the other way works', () => nearEvents.frames.length === 1);
    t.equal(farEvents.frames.length, 0);
    far.resume();
    await network.until('the rest arrives', () => farEvents.frames.length === 20);
    t.same(
      farEvents.frames.map((frame) => frame[0]),
      [...Array(20).keys()],
    );
    await listener.close();
  });
}

function endTests(test: AddTest): void {
  test('closing ends both ends once each, with the reason, and nothing is sent after', async (t, network) => {
    const { near, nearEvents, farEvents, listener } = await connect(network);
    near.close(4001, 'enough');
    t.equal(nearEvents.closes.length, 0, 'not from inside close()');
    t.equal(near.send(byte(1)), false);
    near.close(4002, 'again');
    await network.until('both ends know', () => {
      return nearEvents.closes.length > 0 && farEvents.closes.length > 0;
    });
    t.same(nearEvents.closes, [{ code: 4001, message: 'enough' }]);
    t.same(farEvents.closes, [{ code: 4001, message: 'enough' }]);
    t.equal(farEvents.frames.length, 0);
    await listener.close();
  });

  test('dialling where nobody listens closes the link without opening it', async (t, network) => {
    const events = new Recorder();
    const link = network.client.dial(network.deadAddress, 'raft', events);
    t.equal(link.send(byte(1)), false, 'not open yet');
    await network.until('it fails', () => events.closes.length > 0);
    t.equal(events.isOpen, false);
    t.equal(events.closes.length, 1);
  });

  test('a refused link ends', async (t, network) => {
    const listener = await network.server.listen(network.address, () => undefined);
    const events = new Recorder();
    network.client.dial(listener.address, 'kv', events);
    await network.until('it ends', () => events.closes.length > 0);
    t.equal(events.closes.length, 1);
    await listener.close();
  });

  test('a closed listener accepts nothing more, and its address is free', async (t, network) => {
    const { listener } = await connect(network);
    await listener.close();
    const events = new Recorder();
    network.client.dial(listener.address, 'raft', events);
    await network.until('dialling fails', () => events.closes.length > 0);
    t.equal(events.isOpen, false);
    const again = await network.server.listen(listener.address, () => undefined);
    t.equal(again.address, listener.address);
    await again.close();
  });

  test('a taken address is refused by its code', async (t, network) => {
    const { listener } = await connect(network);
    const error: unknown = await network.client
      .listen(listener.address, () => undefined)
      .catch((reason: unknown) => reason);
    t.ok(hasCode(error, 'NETWORK_ADDRESS_IN_USE'));
    t.match((error as Error).message, listener.address);
    await listener.close();
  });
}

function limitTests(test: AddTest): void {
  test('a frame of the largest size passes', async (t, network) => {
    const { frameBytesMax } = network;
    const { near, farEvents, listener } = await connect(network);
    const size = frameBytesMax ?? 1024 * 1024;
    t.ok(near.send(new Uint8Array(size)));
    await network.until('it arrives', () => farEvents.bytes === size);
    if (frameBytesMax !== undefined) {
      t.throws(() => near.send(new Uint8Array(size + 1)), /within its limit/);
    }
    await listener.close();
  });

  test('unsent bytes are counted, and draining is told', async (t, network) => {
    const { near, far, nearEvents, farEvents, listener } = await connect(network);
    if (network.frameBytesMax === undefined) return;
    far.pause();
    let sent = 0;
    const frame = new Uint8Array(1024 * 1024);
    while (near.bufferedBytes < 8 * frame.length && sent < 64 * frame.length) {
      t.ok(near.send(frame));
      sent += frame.length;
    }
    t.ok(near.bufferedBytes > 0);
    far.resume();
    await network.until('it drains', () => nearEvents.drains > 0 && farEvents.bytes === sent);
    await network.until('nothing is left', () => near.bufferedBytes === 0);
    await listener.close();
  });
}
