/**
 * A network of function calls on virtual time: delays, drops, cuts (also one way), clogs. Frames of
 * one direction keep their order. A link of protocol `raft` or `snapshot` may lose frames, since
 * their users stand it; any other one is cut instead, as TCP would be.
 */
import { copyBytes } from '../../base/bytes';
import { KeelsonError } from '../../base/error';
import type {
  Acceptor,
  CloseReason,
  Link,
  LinkHandler,
  Listener,
  Network,
  Protocol,
} from '../../base/network';
import type { Random } from '../../base/random';
import type { SimProcess, Simulator } from './simulator';

/** How the network behaves; may be changed while it runs. */
export interface SimNetworkConditions {
  delayMinMs: number;
  delayMaxMs: number;
  /** Chance of each frame of a lossy protocol to be lost. */
  dropRate: number;
}

const DIAL_TIMEOUT_MS = 500;
const DEAD_AFTER_MS = 4_000;
const ABNORMAL = 1006;
const NORMAL_ADDRESS_IN_USE = 'NETWORK_ADDRESS_IN_USE';

interface Bound {
  readonly process: SimProcess;
  readonly accept: Acceptor;
}

/** All links of a simulated cluster. */
export class SimNetwork {
  readonly conditions: SimNetworkConditions = { delayMinMs: 0.2, delayMaxMs: 1, dropRate: 0 };
  readonly simulator: Simulator;
  readonly random: Random;
  readonly bound = new Map<string, Bound>();
  readonly #cuts = new Set<string>();
  readonly #clogs = new Set<string>();
  readonly #ends = new Set<SimLink>();
  #nextPort = 1;

  constructor(simulator: Simulator) {
    this.simulator = simulator;
    this.random = simulator.random.fork('network');
  }

  /** The network as one process uses it. */
  of(process: SimProcess): Network {
    return {
      listen: (address, accept) => this.#listen(process, address, accept),
      dial: (address, protocol, handler) => this.#dial(process, address, protocol, handler),
    };
  }

  /** Loses what `from` sends to `to`, by process name, until healed. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
    for (const end of this.#ends) {
      const names = [end.process.name, end.peerProcess?.name];
      if (!end.isLossy && names.includes(from) && names.includes(to)) {
        end.fail({ code: ABNORMAL, message: 'the connection broke' });
      }
    }
  }

  /** Cuts both ways between the groups. */
  partition(one: readonly string[], other: readonly string[]): void {
    for (const a of one) {
      for (const b of other) {
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  /** Holds what `from` sends to `to`: it stays in the sender's buffer until healed. */
  clog(from: string, to: string): void {
    this.#clogs.add(`${from}>${to}`);
  }

  /** Ends all cuts and clogs. */
  heal(): void {
    this.#cuts.clear();
    this.#clogs.clear();
    for (const end of [...this.#ends]) end.release();
  }

  isCut(from: SimProcess, to: SimProcess): boolean {
    return this.#cuts.has(`${from.name}>${to.name}`);
  }

  isClogged(from: SimProcess, to: SimProcess): boolean {
    return this.#clogs.has(`${from.name}>${to.name}`);
  }

  delayMs(): number {
    const { delayMinMs, delayMaxMs } = this.conditions;
    return delayMinMs + this.random.unit() * (delayMaxMs - delayMinMs);
  }

  track(end: SimLink, isOpen: boolean): void {
    if (isOpen) this.#ends.add(end);
    else this.#ends.delete(end);
  }

  #listen(process: SimProcess, address: string, accept: Acceptor): Promise<Listener> {
    const [host = '', port] = address.split(':');
    const real = port === '0' ? `${host}:${this.#nextPort++}` : address;
    if (this.bound.has(real)) {
      const message = `Cannot listen at ${real} as it is in use`;
      return Promise.reject(new KeelsonError(NORMAL_ADDRESS_IN_USE, message, { retriable: false }));
    }
    const bound: Bound = { process, accept };
    this.bound.set(real, bound);
    const close = (): void => {
      if (this.bound.get(real) === bound) this.bound.delete(real);
    };
    process.onKill(close);
    return Promise.resolve({
      address: real,
      close: () => {
        close();
        return Promise.resolve();
      },
    });
  }

  #dial(process: SimProcess, address: string, protocol: Protocol, handler: LinkHandler): Link {
    const near = new SimLink(this, process, protocol, address);
    near.handler = handler;
    const bound = this.bound.get(address);
    const isReachable =
      bound !== undefined &&
      !this.isCut(process, bound.process) &&
      !this.isCut(bound.process, process);
    if (!isReachable) {
      const waitMs = bound === undefined ? this.delayMs() : DIAL_TIMEOUT_MS;
      process.schedule(waitMs, () => near.fail({ code: ABNORMAL, message: 'cannot connect' }));
      return near;
    }
    process.schedule(this.delayMs(), () => {
      if (near.isClosed) return;
      const target = this.bound.get(address);
      if (target === undefined) {
        near.fail({ code: ABNORMAL, message: 'cannot connect' });
        return;
      }
      const far = new SimLink(this, target.process, protocol, process.name);
      near.connect(far);
      far.connect(near);
      const accepted = target.accept(far, protocol);
      if (accepted === undefined) {
        far.close(1008, 'refused');
        return;
      }
      far.handler = accepted;
      near.handler?.onOpen?.();
    });
    return near;
  }
}

/** One end of a link. */
export class SimLink implements Link {
  readonly peerNames: readonly string[] = [];
  readonly remoteAddress: string;
  readonly process: SimProcess;
  readonly isLossy: boolean;
  handler: LinkHandler | undefined;
  isClosed = false;
  readonly #network: SimNetwork;
  #peer: SimLink | undefined;
  #lastArrivalMs = 0;
  #held: Uint8Array[] = [];
  #isPaused = false;
  #unread: Uint8Array[] = [];

  constructor(network: SimNetwork, process: SimProcess, protocol: Protocol, remote: string) {
    this.#network = network;
    this.process = process;
    this.isLossy = protocol !== 'kv';
    this.remoteAddress = remote;
    network.track(this, true);
    process.onKill(() => this.#onKilled());
  }

  get peerProcess(): SimProcess | undefined {
    return this.#peer?.process;
  }

  get bufferedBytes(): number {
    return this.#held.reduce((sum, frame) => sum + frame.length, 0);
  }

  connect(peer: SimLink): void {
    this.#peer = peer;
  }

  send(frame: Uint8Array): boolean {
    const peer = this.#peer;
    if (this.isClosed || peer === undefined || !this.process.isAlive) return false;
    const copy = copyBytes(frame);
    if (this.#network.isClogged(this.process, peer.process)) this.#held.push(copy);
    else this.#deliver(peer, copy);
    return true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const unread = this.#unread;
    this.#unread = [];
    for (const frame of unread) this.#receive(frame);
  }

  close(code: number, message: string): void {
    if (this.isClosed) return;
    const reason = { code, message };
    const peer = this.#peer;
    this.#end();
    // Never from within close(), as sockets do.
    this.process.schedule(0, () => this.handler?.onClose(reason));
    if (peer !== undefined) this.#arrive(peer, () => peer.fail(reason));
  }

  /** The link broke, or the other end closed it. */
  fail(reason: CloseReason): void {
    if (this.isClosed) return;
    this.#end();
    if (this.process.isAlive) this.handler?.onClose(reason);
  }

  /** The network was healed: what was held leaves. */
  release(): void {
    const peer = this.#peer;
    if (this.#held.length === 0 || peer === undefined) return;
    const held = this.#held;
    this.#held = [];
    for (const frame of held) this.#deliver(peer, frame);
    this.process.schedule(0, () => {
      if (!this.isClosed) this.handler?.onDrain?.();
    });
  }

  #deliver(peer: SimLink, frame: Uint8Array): void {
    const network = this.#network;
    const isLost = this.isLossy && network.random.unit() < network.conditions.dropRate;
    if (isLost || network.isCut(this.process, peer.process)) return;
    this.#arrive(peer, () => peer.#receive(frame));
  }

  /** Runs `run` at the other end, after everything sent before. */
  #arrive(peer: SimLink, run: () => void): void {
    const { simulator } = this.#network;
    const atMs = Math.max(this.#lastArrivalMs, simulator.nowMs + this.#network.delayMs());
    this.#lastArrivalMs = atMs;
    peer.process.schedule(atMs - simulator.nowMs, run);
  }

  #receive(frame: Uint8Array): void {
    if (this.isClosed) return;
    if (this.#isPaused) this.#unread.push(frame);
    else this.handler?.onFrame(frame);
  }

  #end(): void {
    this.isClosed = true;
    this.#network.track(this, false);
  }

  #onKilled(): void {
    if (this.isClosed) return;
    const peer = this.#peer;
    this.#end();
    if (peer === undefined) return;
    const reason = { code: ABNORMAL, message: 'the process ended' };
    // Through a cut nobody is told: the other end finds out by its pings.
    if (!this.#network.isCut(this.process, peer.process)) {
      this.#arrive(peer, () => peer.fail(reason));
    } else peer.process.schedule(DEAD_AFTER_MS, () => peer.fail(reason));
  }
}
