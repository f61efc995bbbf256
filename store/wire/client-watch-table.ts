/**
 * All watches of a client, on whatever connection is current. A frame may ask for progress on any
 * number of them in one message; the answer names those that are up to date, as they become so.
 */
import { storeError, type StoreError } from '../errors';
import type { KeyRange, KvWatch, Revision } from '../kv';
import type { ClientConnection } from './client-connection';
import { ClientWatch, type WatchClient } from './client-watch';
import type { ServerBody } from './messages';
import { fromWireFailure } from './wire-failure';

/** What the table needs of its client. */
export interface WatchTableHost {
  current(): ClientConnection | undefined;
  nextId(): number;
  want(): void;
  /** When somebody who begins to wait now gives up. */
  deadlineMs(): number;
}

type WatchBody = Extract<
  ServerBody,
  { readonly kind: 'watchStarted' | 'events' | 'progress' | 'watchEnded' }
>;

/** The watches of a client. */
export class WatchTable implements WatchClient {
  readonly #host: WatchTableHost;
  readonly #watches = new Set<ClientWatch>();
  readonly #byWireId = new Map<number, ClientWatch>();
  /** Watches that somebody waits on, and that no question on its way names yet. */
  readonly #due = new Set<ClientWatch>();
  /** Questions under way, with the watches they name. */
  readonly #asked = new Map<number, ClientWatch[]>();
  /** Where the watches are; may be draining already. */
  #home: ClientConnection | undefined;
  #isClosed = false;

  constructor(host: WatchTableHost) {
    this.#host = host;
  }

  /** Number of open watches. */
  get size(): number {
    return this.#watches.size;
  }

  /** Opens a watch. */
  open(range: KeyRange, startRevision: Revision, signal: AbortSignal | undefined): KvWatch {
    const watch = new ClientWatch(this, {
      range,
      startRevision,
      deadline: () => this.#host.deadlineMs(),
    });
    if (this.#isClosed) {
      watch.fail(storeError('STORE_STOPPED', 'Cannot watch as the client is closed'));
      return watch;
    }
    if (signal?.aborted === true) {
      watch.close();
      return watch;
    }
    signal?.addEventListener('abort', () => watch.close(), { once: true });
    this.#watches.add(watch);
    const connection = this.#host.current();
    if (connection === undefined) this.#host.want();
    else this.#attach(watch, connection);
    return watch;
  }

  /** All watches go on at `connection`, each exactly where it is. */
  moveTo(connection: ClientConnection): void {
    const before = this.#home;
    this.#home = connection;
    for (const watch of [...this.#watches]) {
      if (watch.wireId !== 0 && before?.isReady === true) {
        before.write(watch.wireId, { kind: 'cancelWatch' });
      }
      this.#detach(watch);
      this.#attach(watch, connection);
    }
  }

  /** A connection is gone; its watches wait for the next one. */
  lost(connection: ClientConnection): void {
    if (this.#home !== connection) return;
    this.#home = undefined;
    for (const watch of [...this.#watches]) this.#detach(watch);
    if (this.#watches.size > 0) this.#host.want();
  }

  /** A message for a watch, or for several. */
  receive(connection: ClientConnection, id: number, body: WatchBody): void {
    if (connection !== this.#home) return;
    if (body.kind === 'progress') {
      for (const watchId of body.watchIds) this.#byWireId.get(watchId)?.progress(id, body.revision);
      return;
    }
    const watch = this.#byWireId.get(id);
    if (watch === undefined) return;
    if (body.kind === 'watchStarted') watch.started(body.startRevision);
    else if (body.kind === 'events') watch.receive(body.revision, body.events, body.more);
    else if (body.failure !== undefined) this.#ended(watch, fromWireFailure(body.failure));
  }

  /** A question about progress failed. Whoever still waits has it asked again, until too late. */
  unanswered(requestId: number): void {
    const watches = this.#asked.get(requestId);
    this.#asked.delete(requestId);
    for (const watch of watches ?? []) watch.askAgain(requestId);
  }

  /** Adds the question about progress to the frame that is about to leave. */
  writeDue(connection: ClientConnection): void {
    if (this.#due.size === 0 || connection !== this.#home) return;
    const requestId = this.#host.nextId();
    const watches: ClientWatch[] = [];
    for (const watch of this.#due) {
      if (watch.wireId !== 0 && watch.takeDue(requestId)) watches.push(watch);
    }
    this.#due.clear();
    if (watches.length === 0) return;
    this.#asked.set(requestId, watches);
    connection.write(requestId, {
      kind: 'progress',
      watchIds: watches.map((watch) => watch.wireId),
    });
  }

  /** Ends the wait of whoever waited too long; true while others wait. */
  expire(nowMs: number): boolean {
    let isWaiting = false;
    for (const watch of this.#watches) if (watch.expire(nowMs)) isWaiting = true;
    for (const [id, watches] of this.#asked) {
      if (!watches.some((watch) => watch.isAsking(id))) this.#asked.delete(id);
    }
    return isWaiting;
  }

  /** Ends all watches; their iterations just end. */
  close(): void {
    this.#isClosed = true;
    for (const watch of [...this.#watches]) watch.close();
  }

  sendCredit(watch: ClientWatch, bytes: number): void {
    if (watch.wireId === 0) return;
    this.#home?.write(watch.wireId, { kind: 'credit', bytes });
  }

  askProgress(watch: ClientWatch): void {
    this.#due.add(watch);
    if (this.#home?.isReady === true) this.#home.touch();
    else this.#host.want();
  }

  onWatchClosed(watch: ClientWatch): void {
    this.#watches.delete(watch);
    this.#due.delete(watch);
    if (watch.wireId === 0) return;
    this.#byWireId.delete(watch.wireId);
    if (this.#home?.isReady === true) this.#home.write(watch.wireId, { kind: 'cancelWatch' });
    watch.wireId = 0;
  }

  #attach(watch: ClientWatch, connection: ClientConnection): void {
    this.#home = connection;
    watch.wireId = this.#host.nextId();
    this.#byWireId.set(watch.wireId, watch);
    connection.write(watch.wireId, {
      kind: 'watch',
      range: watch.range,
      startRevision: watch.nextRevision,
    });
    if (watch.hasDue) this.#due.add(watch);
  }

  #detach(watch: ClientWatch): void {
    this.#byWireId.delete(watch.wireId);
    watch.detach();
  }

  #ended(watch: ClientWatch, error: StoreError): void {
    if (error.code === 'STORE_STOPPED') {
      // The replica cannot serve it; the end of the connection follows, and then the next replica.
      this.#detach(watch);
      return;
    }
    watch.fail(error);
  }
}
