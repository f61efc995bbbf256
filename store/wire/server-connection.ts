/**
 * One client's connection on a replica: requests by number, watches, and one frame a turn for all
 * their answers. The order on the link carries two promises: the events of a revision go before
 * the answer of the write that made it (store 3.1), and before word that the revision is current.
 */
import { assertNever } from '../../base/assert';
import type { Link, LinkHandler } from '../../base/network';
import { isStoreError, storeError, type StoreError } from '../errors';
import type { KeyRange, ReadOptions, Revision, TxnKv } from '../kv';
import { readClientFrame } from './client-codec';
import { WIRE_LIMITS } from './flow-control';
import { FrameCork } from './frame-cork';
import type { ClientBody, ClientMessage, ServerBody, WireRead } from './messages';
import { PROTOCOL_VERSION } from './messages';
import { writeServerMessage } from './server-codec';
import { ServerWatch, type WatchOutlet } from './server-watch';
import type { ServedStore } from './watch-source';
import { toWireFailure } from './wire-failure';

/** What a connection needs of its server. */
export interface ServerContext {
  readonly store: ServedStore;
  readonly clusterId: string;
  readonly memberId: string;
  hasLeader(): boolean;
  isStopping(): boolean;
  /** The connection is gone. */
  onGone(connection: ServerConnection): void;
  /** A connection has no request left to answer. */
  onIdle(): void;
  /** A frame was malformed. */
  onMalformed(link: Link, error: RangeError): void;
}

/** One connection. */
export class ServerConnection implements LinkHandler, WatchOutlet {
  readonly #link: Link;
  readonly #context: ServerContext;
  readonly #cork: FrameCork;
  readonly #watches = new Map<number, ServerWatch>();
  /** Words of progress of this turn by request, so that one message serves many watches. */
  readonly #progress = new Map<number, { revision: Revision; watchIds: number[] }>();
  #requests = 0;
  #isPaused = false;
  #isClosed = false;

  constructor(link: Link, context: ServerContext) {
    this.#link = link;
    this.#context = context;
    this.#cork = new FrameCork(() => this.#link, { beforeFlush: () => this.#flushProgress() });
    const { clusterId, memberId } = context;
    const hasLeader = context.hasLeader();
    const protocolVersion = PROTOCOL_VERSION;
    this.write(0, { kind: 'hello', protocolVersion, clusterId, memberId, hasLeader });
  }

  /** Requests that wait for their answer. */
  get requests(): number {
    return this.#requests;
  }

  onFrame(frame: Uint8Array): void {
    let messages: ClientMessage[];
    try {
      messages = readClientFrame(frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#context.onMalformed(this.#link, error);
      this.#link.close(1002, 'malformed frame');
      return;
    }
    for (const { id, body } of messages) this.#receive(id, body);
    this.#steer();
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    this.#context.onGone(this);
  }

  onDrain(): void {
    this.#steer();
    if (this.isCongested()) return;
    for (const watch of [...this.#watches.values()]) watch.unblock();
  }

  /** Tells the client whether this member follows or is a leader. */
  tellHealth(hasLeader: boolean): void {
    this.write(0, { kind: 'health', hasLeader });
  }

  /** Tells the client to go elsewhere with what is new. */
  sayGoodbye(): void {
    this.write(0, { kind: 'goodbye' });
  }

  /** Sends what was collected, and ends the connection. */
  close(): void {
    this.#cork.flush();
    this.#link.close(1001, 'replica stops');
  }

  isCongested(): boolean {
    return this.#link.bufferedBytes + this.#cork.writer.length > WIRE_LIMITS.linkBufferedBytesMax;
  }

  write(id: number, body: ServerBody): void {
    if (this.#isClosed) return;
    this.#flushProgress();
    const { writer } = this.#cork;
    const before = writer.length;
    writeServerMessage(writer, id, body);
    if (writer.length - before > WIRE_LIMITS.answerBytesMax) {
      writer.rewind(before);
      writeServerMessage(writer, id, {
        kind: 'failure',
        failure: toWireFailure(
          storeError(
            'STORE_TOO_LARGE',
            `Cannot send an answer as it exceeds ${WIRE_LIMITS.answerBytesMax} bytes`,
          ),
        ),
      });
    }
    this.#cork.touch();
  }

  writeProgress(requestId: number, watchId: number, revision: Revision): void {
    const group = this.#progress.get(requestId);
    if (group?.revision === revision) group.watchIds.push(watchId);
    else {
      if (group !== undefined) this.#flushProgress();
      this.#progress.set(requestId, { revision, watchIds: [watchId] });
    }
    this.#cork.touch();
  }

  forget(watchId: number): void {
    this.#watches.delete(watchId);
  }

  #flushProgress(): void {
    if (this.#progress.size === 0) return;
    for (const [requestId, { revision, watchIds }] of this.#progress) {
      writeServerMessage(this.#cork.writer, requestId, { kind: 'progress', revision, watchIds });
    }
    this.#progress.clear();
  }

  #receive(id: number, body: ClientBody): void {
    switch (body.kind) {
      case 'ping': {
        this.write(id, { kind: 'pong' });
        return;
      }
      case 'watch': {
        this.#openWatch(id, body.range, body.startRevision);
        return;
      }
      case 'cancelWatch':
        this.#watches.get(id)?.close();
        this.#watches.delete(id);
        this.write(id, { kind: 'watchEnded', failure: undefined });
        return;
      case 'credit':
        return this.#watches.get(id)?.credit(body.bytes);
      case 'progress': {
        this.#askProgress(id, body.watchIds);
        return;
      }
      default: {
        this.#request(id, body);
        return;
      }
    }
  }

  #request(id: number, body: RequestBody): void {
    if (this.#context.isStopping()) {
      const failure = toWireFailure(storeError('STORE_STOPPED', 'Cannot serve as member stops'));
      this.write(id, { kind: 'failure', failure });
      return;
    }
    this.#requests += 1;
    // The rejection of a bug is passed on by settle(): it must end the process (R95).
    void this.#call(body).then(
      (answer) => this.#settle(id, answer, undefined),
      (error: unknown) => this.#settle(id, undefined, error),
    );
  }

  #settle(id: number, answer: ServerBody | undefined, error: unknown): void {
    this.#requests -= 1;
    if (answer !== undefined) this.write(id, answer);
    else this.write(id, { kind: 'failure', failure: toWireFailure(expectStoreError(error)) });
    this.#steer();
    if (this.#requests === 0) this.#context.onIdle();
  }

  #call(body: RequestBody): Promise<ServerBody> {
    const { store } = this.#context;
    switch (body.kind) {
      case 'get':
        return store.get(body.key, this.#readOptions(body.read)).then(
          ({ revision, keyValue }) => ({ kind: 'get', revision, keyValue }), //
        );
      case 'list': {
        const { limit, keysOnly, withCount } = body;
        const options = { ...this.#readOptions(body.read), limit, keysOnly, withCount };
        return store.list(body.range, options).then((result) => ({ kind: 'list', ...result }));
      }
      case 'count':
        return store
          .count(body.range, this.#readOptions(body.read))
          .then((result) => ({ kind: 'count', ...result }));
      case 'currentRevision':
        return store.currentRevision().then((revision) => ({ kind: 'revision', revision }));
      case 'status':
        return store.status().then((status) => ({ kind: 'status', status }));
      case 'transferLeadership':
        return store
          .transferLeadership(body.targetId)
          .then((result) => ({ kind: 'transfer', result }));
      default:
        return this.#callWrite(body);
    }
  }

  #callWrite(body: WriteBody): Promise<ServerBody> {
    const { store } = this.#context;
    switch (body.kind) {
      case 'optimisticPut': {
        const { key, value, expectedModRevision, leaseId } = body;
        return store
          .optimisticPut(key, value, expectedModRevision, { leaseId })
          .then(optimisticAnswer);
      }
      case 'optimisticDelete':
        return store.optimisticDelete(body.key, body.expectedModRevision).then(optimisticAnswer);
      case 'txn':
        return store.txn(body.txn).then((result) => ({ kind: 'txn', result }));
      case 'compact':
        return store
          .compact(body.revision)
          .then(({ revision }) => ({ kind: 'revision', revision }));
      case 'grantLease':
        return store.grantLease(body.ttlSeconds).then((grant) => ({ kind: 'lease', ...grant }));
      case 'revokeLease':
        return store
          .revokeLease(body.leaseId)
          .then(({ revision }) => ({ kind: 'revision', revision }));
      case 'keepAliveLease': {
        const { leaseId, atLeader } = body;
        const renewed = atLeader ? store.renewHere(leaseId) : store.keepAliveLease(leaseId);
        return renewed.then((kept) => ({ kind: 'lease', leaseId, ...kept }));
      }
      default:
        return assertNever(body);
    }
  }

  #readOptions(read: WireRead): ReadOptions {
    const { revision, seenRevision } = read;
    // A replica that lags behind what the client has seen would let time run backwards (S50); a
    // confirmed read waits until it has caught up.
    const isBehind = seenRevision > this.#context.store.localRevision();
    return { revision, serializable: read.serializable && !isBehind };
  }

  #openWatch(id: number, range: KeyRange, startRevision: Revision): void {
    if (this.#watches.size >= WIRE_LIMITS.watchesPerConnectionMax) {
      const failure = toWireFailure(
        storeError('STORE_OVERLOADED', 'Cannot watch as the connection has too many watches'),
      );
      this.write(id, { kind: 'watchEnded', failure });
      return;
    }
    const { store } = this.#context;
    const start = (startRevision === 0 ? store.localRevision() + 1 : startRevision) as Revision;
    const watch = new ServerWatch(id, this);
    this.#watches.set(id, watch);
    // Written first: the store may offer while the watch is being opened.
    this.write(id, { kind: 'watchStarted', startRevision: start });
    watch.attach(store.openWatch(range, start, watch));
  }

  #askProgress(id: number, watchIds: readonly number[]): void {
    // One confirmation of the current revision serves all these watches.
    void this.#context.store.currentRevision().then(
      (revision) => {
        for (const watchId of watchIds) this.#watches.get(watchId)?.progressAt(id, revision);
      },
      (error: unknown) => {
        const failure = toWireFailure(expectStoreError(error));
        this.write(id, { kind: 'failure', failure });
      },
    );
  }

  /** Reads from the link only while its answers find room. */
  #steer(): void {
    const isFull = this.#requests >= WIRE_LIMITS.requestsPerConnectionMax || this.isCongested();
    if (isFull === this.#isPaused || this.#isClosed) return;
    this.#isPaused = isFull;
    if (isFull) this.#link.pause();
    else this.#link.resume();
  }
}

type ReadBody = Extract<
  ClientBody,
  { readonly kind: 'get' | 'list' | 'count' | 'currentRevision' | 'status' | 'transferLeadership' }
>;
type WriteBody = Exclude<
  ClientBody,
  ReadBody | { readonly kind: 'ping' | 'watch' | 'cancelWatch' | 'credit' | 'progress' }
>;
type RequestBody = ReadBody | WriteBody;

function optimisticAnswer(
  result: Awaited<ReturnType<TxnKv['optimisticPut']>>,
): Extract<ServerBody, { readonly kind: 'optimistic' }> {
  const { revision, succeeded } = result;
  const keyValue = result.succeeded ? result.previous : result.keyValue;
  return { kind: 'optimistic', revision, succeeded, keyValue };
}

/** Anything but a failure of the table is a bug, and nobody but `bin` catches those. */
function expectStoreError(error: unknown): StoreError {
  if (isStoreError(error)) return error;
  throw error;
}
