/**
 * The few calls of etcd's v3 API that the benchmark makes, framed by hand over node:http2: the
 * cheapest client that Node allows, so that the load generator is not what is measured.
 */
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { ProtoWriter } from '../base/proto-writer';
import { ProtoReader } from '../base/protobuf';

/** A client with several connections, used in turn. */
export class EtcdClient {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  constructor(endpoints: readonly string[], connectionsEach: number) {
    this.#sessions = endpoints.flatMap((endpoint) =>
      Array.from({ length: connectionsEach }, () => connect(endpoint)),
    );
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#call('KV/Put', new ProtoWriter().bytes(1, key).bytes(2, value).take());
  }

  /** A linearizable point read; fails if the key is missing, so that no one measures misses. */
  async get(key: Uint8Array): Promise<void> {
    const answer = new ProtoReader(
      await this.#call('KV/Range', new ProtoWriter().bytes(1, key).take()),
    );
    let found = false;
    while (answer.next()) {
      if (answer.field === 2) found = true;
      answer.skip();
    }
    if (!found) throw new Error('Cannot read a benchmark key: not found');
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }

  #call(method: string, message: Uint8Array): Promise<Uint8Array> {
    const session = this.#sessions[this.#next++ % this.#sessions.length] as ClientHttp2Session;
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/etcdserverpb.${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      let status = '';
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? status)));
      stream.on(
        'trailers',
        (headers: IncomingHttpHeaders) => (status = String(headers['grpc-status'] ?? status)),
      );
      stream.on('error', reject);
      stream.on('end', () => {
        if (status === '0') resolve(Buffer.concat(chunks).subarray(5));
        else reject(new Error(`Cannot ${method}: etcd answered with gRPC status ${status}`));
      });
      stream.end(frame);
    });
  }
}
