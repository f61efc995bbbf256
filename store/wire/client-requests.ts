/**
 * The requests of a client on their way: matched with answers by number, moved to another replica
 * where that is safe, and ended in time. The rule of S26 is here: a write whose frame may have left
 * is never sent again; it ends with an unknown outcome.
 */
import type { Cancel, Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import { storeError, type StoreError, type StoreErrorCode } from '../errors';
import type { ClientConnection } from './client-connection';
import type { ClientBody, ServerBody } from './messages';

const SWEEP_INTERVAL_MS = 250;
const RETRY_DELAY_MS = 50;

/** The replica certainly did nothing, and another one may do it. */
const RETRY_ANYTHING: ReadonlySet<StoreErrorCode> = new Set([
  'STORE_STOPPED',
  'RAFT_NO_LEADER',
  'RAFT_NOT_LEADER',
  'RAFT_PROPOSAL_DROPPED',
]);
/** For a read it does not matter what became of the first attempt. */
const RETRY_READS: ReadonlySet<StoreErrorCode> = new Set(['RAFT_LEADER_CHANGED', 'STORE_TIMEOUT']);

/** One request. */
interface Pending {
  readonly body: ClientBody;
  readonly isWrite: boolean;
  readonly deadlineMs: number;
  readonly resolve: (answer: ServerBody) => void;
  readonly reject: (error: Error) => void;
  connection: ClientConnection | undefined;
  /** Its frame has left. */
  isSent: boolean;
  /** What the last attempt ended with. */
  lastError: StoreError | undefined;
}

/** What the table needs of its client. */
export interface RequestsHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
  current(): ClientConnection | undefined;
  nextId(): number;
  /** A connection is needed. */
  want(): void;
  /** The replica cannot serve: go elsewhere. */
  leave(connection: ClientConnection): void;
  /** One request less on it. */
  settle(connection: ClientConnection): void;
  /** Why there is no connection. */
  reason(): string;
  /** Ends what else has a deadline; true while there is such. */
  expire(nowMs: number): boolean;
}

/** All requests of a client. */
export class ClientRequests {
  readonly #host: RequestsHost;
  readonly #sent = new Map<number, Pending>();
  readonly #waiting = new Set<Pending>();
  #cancelSweep: Cancel | undefined;
  #isClosed = false;

  constructor(host: RequestsHost) {
    this.#host = host;
  }

  /** Whether requests wait for a connection. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether an answer is awaited on `connection`. */
  isUsing(connection: ClientConnection): boolean {
    for (const pending of this.#sent.values()) if (pending.connection === connection) return true;
    return false;
  }

  /** Sends a request, and resolves with its answer. */
  request(body: ClientBody, isWrite: boolean, signal?: AbortSignal): Promise<ServerBody> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(storeError('STORE_STOPPED', `Cannot ${body.kind} as the client is closed`));
        return;
      }
      const { clock, timeoutMs } = this.#host;
      const onAbort = (): void => this.#abort(pending, signal?.reason);
      const release = (): void => signal?.removeEventListener('abort', onAbort);
      const pending: Pending = {
        body,
        isWrite,
        deadlineMs: clock.monotonicMs() + timeoutMs,
        resolve: (answer) => {
          release();
          resolve(answer);
        },
        reject: (error) => {
          release();
          reject(error);
        },
        connection: undefined,
        isSent: false,
        lastError: undefined,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      this.#send(pending);
      this.sweepLater();
    });
  }

  /** A connection is ready: sends what waits for one. */
  sendWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const pending of waiting) this.#send(pending);
  }

  /** An answer arrived; those to requests that have ended are dropped. */
  answer(connection: ClientConnection, id: number, body: ServerBody): void {
    const pending = this.#sent.get(id);
    if (pending?.connection !== connection) return;
    this.#sent.delete(id);
    pending.resolve(body);
    this.#host.settle(connection);
  }

  /** A failure arrived; false if it is for no request of this table. */
  fail(connection: ClientConnection, id: number, error: StoreError): boolean {
    const pending = this.#sent.get(id);
    if (pending?.connection !== connection) return false;
    this.#sent.delete(id);
    if (this.#mayRetry(pending, error)) {
      pending.lastError = error;
      pending.connection = undefined;
      if (RETRY_ANYTHING.has(error.code)) this.#host.leave(connection);
      this.#waiting.add(pending);
      this.#retryLater();
    } else pending.reject(error);
    this.#host.settle(connection);
    return true;
  }

  /** A connection is gone: what is safe goes elsewhere, the rest has an unknown outcome. */
  lost(connection: ClientConnection, reason: string): void {
    for (const [id, pending] of this.#sent) {
      if (pending.connection !== connection) continue;
      this.#sent.delete(id);
      if (pending.isWrite && pending.isSent) {
        const message = `Cannot tell whether ${pending.body.kind} was done as the connection to`;
        pending.reject(
          storeError('STORE_CONNECTION_LOST', `${message} ${connection.address} ended: ${reason}`),
        );
        continue;
      }
      pending.connection = undefined;
      this.#waiting.add(pending);
    }
    if (this.#waiting.size > 0) this.#host.want();
  }

  /** Ends everything. */
  close(): void {
    this.#isClosed = true;
    this.#cancelSweep?.();
    for (const pending of this.#all()) {
      const code = pending.isWrite && pending.isSent ? 'STORE_CONNECTION_LOST' : 'STORE_STOPPED';
      pending.reject(storeError(code, `Cannot ${pending.body.kind} as the client is closed`));
    }
    this.#sent.clear();
    this.#waiting.clear();
  }

  /** Looks for passed deadlines from now on, until nothing has one. */
  sweepLater(): void {
    if (this.#cancelSweep !== undefined || this.#isClosed) return;
    this.#cancelSweep = this.#host.clock.after(SWEEP_INTERVAL_MS, () => {
      this.#cancelSweep = undefined;
      const nowMs = this.#host.clock.monotonicMs();
      const isNeeded = this.#host.expire(nowMs);
      this.#expire(nowMs);
      if (isNeeded || this.#sent.size > 0 || this.#waiting.size > 0) this.sweepLater();
    });
  }

  #send(pending: Pending): void {
    const connection = this.#host.current();
    if (connection === undefined) {
      this.#waiting.add(pending);
      this.#host.want();
      return;
    }
    const id = this.#host.nextId();
    pending.connection = connection;
    pending.isSent = false;
    this.#sent.set(id, pending);
    if (connection.write(id, pending.body, pending)) return;
    this.#sent.delete(id);
    const message = `Cannot send ${pending.body.kind} as it exceeds the limit of a request`;
    pending.reject(storeError('STORE_TOO_LARGE', message));
  }

  #mayRetry(pending: Pending, error: StoreError): boolean {
    if (this.#host.clock.monotonicMs() + RETRY_DELAY_MS >= pending.deadlineMs) return false;
    if (RETRY_ANYTHING.has(error.code)) return true;
    return !pending.isWrite && RETRY_READS.has(error.code);
  }

  /** Not at once: a replica that refuses quickly would be asked in a tight loop. */
  #retryLater(): void {
    const { clock, random } = this.#host;
    clock.after(RETRY_DELAY_MS * (0.5 + random.unit() / 2), () => {
      if (!this.#isClosed) this.sendWaiting();
    });
  }

  #expire(nowMs: number): void {
    for (const [id, pending] of this.#sent) {
      if (pending.deadlineMs > nowMs) continue;
      this.#sent.delete(id);
      pending.reject(
        storeError('STORE_TIMEOUT', `Cannot complete ${pending.body.kind} in time: no answer`),
      );
      if (pending.connection !== undefined) this.#host.settle(pending.connection);
    }
    for (const pending of this.#waiting) {
      if (pending.deadlineMs > nowMs) continue;
      this.#waiting.delete(pending);
      const message = `Cannot ${pending.body.kind} as no replica can be reached`;
      pending.reject(
        pending.lastError ?? storeError('STORE_UNREACHABLE', `${message}: ${this.#host.reason()}`),
      );
    }
  }

  #abort(pending: Pending, reason: unknown): void {
    this.#waiting.delete(pending);
    for (const [id, each] of this.#sent) if (each === pending) this.#sent.delete(id);
    pending.reject(reason as Error);
  }

  *#all(): Iterable<Pending> {
    yield* this.#sent.values();
    yield* this.#waiting;
  }
}
