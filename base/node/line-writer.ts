/**
 * Lines to a file descriptor without ever waiting for its reader (R69). Node writes to a pipe
 * synchronously, so a process whose standard error nobody reads would stop at its 65th kilobyte:
 * a replica that logs would lose its leadership to a forgotten `| less`. Here one write is under
 * way at a time, the rest waits in a bounded queue, and what does not fit is dropped and counted.
 *
 *   write(line) -> queue (bounded) -> one write to the system -> next
 *
 * A pipe is written through a socket, which waits in the event loop; a file or terminal through
 * the thread pool, where a stopped terminal holds one thread and nothing else.
 */
import { fstatSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Options of a line writer. */
export interface LineWriterOptions {
  /** 1 or 2, or any descriptor opened for writing. */
  readonly fd: number;
  /** The most that waits, in UTF-16 units of the lines. */
  readonly queuedMax?: number;
  /** The line that tells how many were dropped, once there is room again. */
  readonly describeDropped: (count: number) => string;
}

/** Writes a chunk and calls back once, with whatever became of it. */
type Sink = (chunk: string, written: () => void) => void;

const QUEUED_MAX = 256 * 1024;

/** Writes lines as fast as the reader takes them, and not faster. */
export class LineWriter {
  readonly #options: LineWriterOptions;
  readonly #queuedMax: number;
  readonly #sink: Sink;
  #queue: string[] = [];
  #queuedLength = 0;
  #dropped = 0;
  #isWriting = false;
  #idle: (() => void)[] = [];

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#queuedMax = options.queuedMax ?? QUEUED_MAX;
    this.#sink = openSink(options.fd);
  }

  /** Lines dropped since the last time that was said in the output. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Queues a line, given without its line feed; false if it was dropped. */
  write(line: string): boolean {
    if (this.#queuedLength + line.length > this.#queuedMax) {
      this.#dropped += 1;
      return false;
    }
    this.#queue.push(line);
    this.#queuedLength += line.length;
    this.#pump();
    return true;
  }

  /** Resolves when all lines were given to the system, or after `timeoutMs` with a slow reader. */
  flush(timeoutMs: number): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Writes what waits at once, for a process that is about to end; a full pipe loses the rest. */
  flushNow(): void {
    const rest = this.#takeQueue();
    if (rest === '') return;
    try {
      writeSync(this.#options.fd, rest);
    } catch {
      // A full pipe (EAGAIN) or one without a reader (EPIPE): there is nobody left to tell.
    }
  }

  #pump(): void {
    if (this.#isWriting) return;
    const chunk = this.#takeQueue();
    if (chunk === '') {
      for (const wake of this.#idle.splice(0)) wake();
      return;
    }
    this.#isWriting = true;
    this.#sink(chunk, () => {
      this.#isWriting = false;
      this.#pump();
    });
  }

  #takeQueue(): string {
    if (this.#dropped > 0 && this.#queuedLength < this.#queuedMax / 2) {
      this.#queue.push(this.#options.describeDropped(this.#dropped));
      this.#dropped = 0;
    }
    const chunk = this.#queue.map((line) => `${line}\n`).join('');
    this.#queue = [];
    this.#queuedLength = 0;
    return chunk;
  }
}

function openSink(fd: number): Sink {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isSocket()) return (chunk, written) => write(fd, chunk, written);
  const socket = new Socket({ fd, readable: false, writable: true });
  // Output alone keeps no process alive, and a reader that went away is no reason to fail.
  socket.unref();
  socket.on('error', () => undefined);
  return (chunk, written) => socket.write(chunk, () => written());
}
