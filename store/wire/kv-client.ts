/**
 * `TxnKv` over the network (Raft §6.2): any replica may be asked, requests and watches move on to
 * another one when theirs dies, and a write that may have happened is reported as such and never
 * sent again (S26). Reads that ask for a real past state never see one older than what this client
 * has already seen (S50), whichever replica answers.
 */
import { assert } from '../../base/assert';
import type { Clock } from '../../base/clock';
import { NO_ID } from '../../base/hex-id';
import { nullLogger, type Logger } from '../../base/logger';
import type { Network } from '../../base/network';
import type { Random } from '../../base/random';
import type {
  CountResult,
  GetResult,
  KeyRange,
  KvWatch,
  LeaseGrant,
  ListOptions,
  ListResult,
  MemberStatus,
  OptimisticResult,
  ReadOptions,
  Revision,
  TransferResult,
  Txn,
  TxnKv,
  TxnResult,
  WatchOptions,
} from '../kv';
import { ClientRequests } from './client-requests';
import { ClientSession } from './client-session';
import { WatchTable } from './client-watch-table';
import { askEndpoint, type EndpointStatus } from './endpoint-status';
import type { ClientBody, ServerBody, ServerMessage, WireRead } from './messages';
import type { ClientConnection } from './client-connection';
import { fromWireFailure } from './wire-failure';

/** What a client is made of. */
export interface KvClientOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** Addresses of replicas, any of them will do; `host:port`. */
  readonly endpoints: readonly string[];
  readonly logger?: Logger;
  /** How long a request may take, fail-over included. Default 10 s. */
  readonly requestTimeoutMs?: number;
}

/** A client: `TxnKv`, and what only somebody with several endpoints can do. */
export interface KvClient extends TxnKv {
  /** Renews a lease at the replica asked, which refuses unless it leads. Between members. */
  renewHere(leaseId: string): ReturnType<TxnKv['keepAliveLease']>;
  /** Asks the replica at hand, which has to lead, to hand over. Tried once. */
  transferLeadership(targetId?: string): Promise<TransferResult>;
  /** Asks every endpoint, each on a connection of its own, in the order of the endpoints. */
  endpointStatus(timeoutMs?: number): Promise<readonly EndpointStatus[]>;
  /** Ends the connection, all requests and all watches. May be called twice. */
  close(): void;
}

/** More than a replica's own deadline for writes: its answer is better than our guess. */
const REQUEST_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 2_000;

/** Makes a client; it connects at its first request and stays connected. */
export function createKvClient(options: KvClientOptions): KvClient {
  assert(options.endpoints.length > 0, 'a client has an endpoint');
  return new WireClient(options);
}

class WireClient implements KvClient {
  readonly #options: KvClientOptions;
  readonly #session: ClientSession;
  readonly #requests: ClientRequests;
  readonly #watches: WatchTable;
  #lastId = 0;
  #seenRevision = 0 as Revision;

  constructor(options: KvClientOptions) {
    this.#options = options;
    const { network, clock, random, endpoints, logger = nullLogger } = options;
    const timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#session = new ClientSession(
      { network, clock, random: random.fork('session'), endpoints, logger },
      {
        onCurrent: (connection) => this.#onCurrent(connection),
        onMessage: (connection, message) => this.#onMessage(connection, message),
        beforeFlush: (connection) => this.#watches.writeDue(connection),
        onLost: (connection, reason) => this.#onLost(connection, reason),
        isWaiting: () => this.#requests.isWaiting || this.#watches.size > 0,
        isUsing: (connection) => this.#requests.isUsing(connection),
      },
    );
    const nextId = (): number => ++this.#lastId;
    const current = (): ClientConnection | undefined => this.#session.current;
    const want = (): void => this.#session.want();
    this.#watches = new WatchTable({
      current,
      nextId,
      want,
      deadlineMs: () => {
        this.#requests.sweepLater();
        return clock.monotonicMs() + timeoutMs;
      },
    });
    this.#requests = new ClientRequests({
      clock,
      random: random.fork('retry'),
      timeoutMs,
      current,
      nextId,
      want,
      leave: (connection) => this.#session.leave(connection),
      settle: (connection) => this.#session.settle(connection),
      reason: () => this.#session.reason,
      expire: (nowMs) => this.#watches.expire(nowMs),
    });
  }

  async get(key: Uint8Array, options: ReadOptions = {}): Promise<GetResult> {
    const body = { kind: 'get', key, read: this.#read(options) } as const;
    const { revision, keyValue } = await this.#ask(body, 'get', options.signal);
    return { revision, keyValue };
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    const { limit = 0, keysOnly = false, withCount = false } = options;
    const read = this.#read(options);
    const body = { kind: 'list', range, read, limit, keysOnly, withCount } as const;
    const answer = await this.#ask(body, 'list', options.signal);
    const { revision, keyValues, more, count } = answer;
    return { revision, keyValues, more, count };
  }

  async count(range: KeyRange, options: ReadOptions = {}): Promise<CountResult> {
    const body = { kind: 'count', range, read: this.#read(options) } as const;
    const { revision, count } = await this.#ask(body, 'count', options.signal);
    return { revision, count };
  }

  async optimisticPut(
    key: Uint8Array,
    value: Uint8Array,
    expectedModRevision: Revision,
    { leaseId = NO_ID }: { readonly leaseId?: string } = {},
  ): Promise<OptimisticResult> {
    return optimisticResult(
      await this.#write(
        { kind: 'optimisticPut', key, value, expectedModRevision, leaseId },
        'optimistic',
      ),
    );
  }

  async optimisticDelete(
    key: Uint8Array,
    expectedModRevision: Revision,
  ): Promise<OptimisticResult> {
    const body = { kind: 'optimisticDelete', key, expectedModRevision } as const;
    return optimisticResult(await this.#write(body, 'optimistic'));
  }

  watch(range: KeyRange, { startRevision, signal }: WatchOptions = {}): KvWatch {
    return this.#watches.open(range, startRevision ?? (0 as Revision), signal);
  }

  async txn(txn: Txn): Promise<TxnResult> {
    return (await this.#write({ kind: 'txn', txn }, 'txn')).result;
  }

  async grantLease(ttlSeconds: number): Promise<LeaseGrant> {
    const answer = await this.#write({ kind: 'grantLease', ttlSeconds }, 'lease');
    return {
      revision: answer.revision,
      leaseId: answer.leaseId,
      ttlSeconds: answer.ttlSeconds,
    };
  }

  async revokeLease(leaseId: string): Promise<{ readonly revision: Revision }> {
    const { revision } = await this.#write({ kind: 'revokeLease', leaseId }, 'revision');
    return { revision };
  }

  keepAliveLease(leaseId: string): ReturnType<TxnKv['keepAliveLease']> {
    return this.#renew({ kind: 'keepAliveLease', leaseId, atLeader: false });
  }

  renewHere(leaseId: string): ReturnType<TxnKv['keepAliveLease']> {
    return this.#renew({ kind: 'keepAliveLease', leaseId, atLeader: true });
  }

  async compact(revision: Revision): Promise<{ readonly revision: Revision }> {
    const answer = await this.#write({ kind: 'compact', revision }, 'revision');
    return { revision: answer.revision };
  }

  async currentRevision(): Promise<Revision> {
    return (await this.#ask({ kind: 'currentRevision' }, 'revision', undefined)).revision;
  }

  async status(): Promise<MemberStatus> {
    return (await this.#ask({ kind: 'status' }, 'status', undefined)).status;
  }

  async transferLeadership(targetId?: string): Promise<TransferResult> {
    return (await this.#write({ kind: 'transferLeadership', targetId }, 'transfer')).result;
  }

  endpointStatus(timeoutMs = STATUS_TIMEOUT_MS): Promise<readonly EndpointStatus[]> {
    // Bounded by the number of members of a cluster.
    const { endpoints } = this.#options;
    return Promise.all(endpoints.map((each) => askEndpoint(this.#options, each, timeoutMs)));
  }

  close(): void {
    this.#requests.close();
    this.#watches.close();
    this.#session.close();
  }

  async #renew(body: ClientBody): ReturnType<TxnKv['keepAliveLease']> {
    // Renewing twice does no harm, so a lost answer is simply asked for again.
    const { revision, ttlSeconds } = await this.#ask(body, 'lease', undefined);
    return { revision, ttlSeconds };
  }

  #read({ revision = 0 as Revision, serializable = false }: ReadOptions): WireRead {
    const seenRevision = serializable ? this.#seenRevision : (0 as Revision);
    return { revision, serializable, seenRevision };
  }

  async #ask<Kind extends ServerBody['kind']>(
    body: ClientBody,
    kind: Kind,
    signal: AbortSignal | undefined,
  ): Promise<Answer<Kind>> {
    return expectAnswer(await this.#requests.request(body, false, signal), kind);
  }

  async #write<Kind extends ServerBody['kind']>(
    body: ClientBody,
    kind: Kind,
  ): Promise<Answer<Kind>> {
    return expectAnswer(await this.#requests.request(body, true), kind);
  }

  #onCurrent(connection: ClientConnection): void {
    // Watches first: what this client writes next must reach those that it opened before.
    this.#watches.moveTo(connection);
    this.#requests.sendWaiting();
  }

  #onLost(connection: ClientConnection, reason: string): void {
    this.#watches.lost(connection);
    this.#requests.lost(connection, reason);
  }

  #onMessage(connection: ClientConnection, { id, body }: ServerMessage): void {
    this.#see(body);
    switch (body.kind) {
      case 'watchStarted':
      case 'events':
      case 'progress':
      case 'watchEnded': {
        this.#watches.receive(connection, id, body);
        return;
      }
      case 'failure': {
        const error = fromWireFailure(body.failure);
        if (!this.#requests.fail(connection, id, error)) this.#watches.unanswered(id);
        return;
      }
      case 'pong':
        return;
      default: {
        this.#requests.answer(connection, id, body);
        return;
      }
    }
  }

  #see(body: ServerBody): void {
    if ('revision' in body && body.revision > this.#seenRevision) {
      this.#seenRevision = body.revision;
    } else if (body.kind === 'txn' && body.result.revision > this.#seenRevision) {
      this.#seenRevision = body.result.revision;
    }
  }
}

type Answer<Kind extends ServerBody['kind']> = Extract<ServerBody, { readonly kind: Kind }>;

/** A replica that answers something else than was asked is a bug of ours, not a condition. */
function expectAnswer<Kind extends ServerBody['kind']>(body: ServerBody, kind: Kind): Answer<Kind> {
  assert(body.kind === kind, 'an answer is of the kind asked for', { kind, received: body.kind });
  return body as Answer<Kind>;
}

function optimisticResult({
  revision,
  succeeded,
  keyValue,
}: Answer<'optimistic'>): OptimisticResult {
  return succeeded
    ? { succeeded, revision, previous: keyValue }
    : { succeeded, revision, keyValue };
}
