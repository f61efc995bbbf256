/**
 * Where the observer of a simulated cluster listens: the applied batches of a state, the messages
 * that a member sends, the node of a member. The product is not changed for it: the methods of the
 * running classes are wrapped, for the length of a run.
 */
import { PeerTransport, RaftNode, type Message } from '../../raft';
import type { KvEngine } from '../../store/engine';
import { StateStore, type ApplyOutcome, type StateEntry } from '../../store/state';

/** Told of everything, in the turn in which it happens. Must not throw. */
export interface TapSink {
  opened(engine: KvEngine, state: StateStore): void;
  /** The batch has just become visible. */
  applied(engine: KvEngine, state: StateStore, batch: AppliedBatch): void;
  /** Before the messages leave. */
  sent(messages: readonly Message[]): void;
  running(node: RaftNode): void;
}

/** What went into an apply and what came out. */
export interface AppliedBatch {
  readonly entries: readonly StateEntry[];
  readonly outcome: ApplyOutcome;
}

/** Wraps; returns what unwraps. */
export function installTaps(sink: TapSink): () => void {
  const undo = [tapStates(sink), tapTransport(sink), tapNodes(sink)];
  return () => {
    for (const each of undo) each();
  };
}

function tapStates(sink: TapSink): () => void {
  const pending = new WeakMap<StateStore, (readonly StateEntry[])[]>();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this` below
  const { open } = StateStore;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this` below
  const { apply } = StateStore.prototype;
  StateStore.open = async (options) => {
    const opened: { state?: StateStore } = {};
    const state = await open.call(StateStore, {
      ...options,
      onApplied: (outcome) => {
        const { state: own } = opened;
        const entries = own === undefined ? undefined : pending.get(own)?.shift();
        if (own !== undefined && entries !== undefined) {
          sink.applied(options.engine, own, { entries, outcome });
        }
        options.onApplied?.(outcome);
      },
    });
    opened.state = state;
    pending.set(state, []);
    sink.opened(options.engine, state);
    return state;
  };
  StateStore.prototype.apply = function (this: StateStore, entries, confState) {
    pending.get(this)?.push(entries);
    return apply.call(this, entries, confState);
  };
  return () => {
    StateStore.open = open;
    StateStore.prototype.apply = apply;
  };
}

function tapTransport(sink: TapSink): () => void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this` below
  const { send } = PeerTransport.prototype;
  PeerTransport.prototype.send = function (this: PeerTransport, messages) {
    sink.sent(messages);
    send.call(this, messages);
  };
  return () => {
    PeerTransport.prototype.send = send;
  };
}

function tapNodes(sink: TapSink): () => void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this` below
  const { run } = RaftNode.prototype;
  RaftNode.prototype.run = function (this: RaftNode, signal) {
    sink.running(this);
    return run.call(this, signal);
  };
  return () => {
    RaftNode.prototype.run = run;
  };
}
