/** Leases by the moment their time is over. Deadlines that were moved are passed over lazily. */
import { Heap } from '../../base/heap';

interface Deadline {
  readonly leaseId: string;
  readonly atMs: number;
}

/** A queue of deadlines, at most one valid per lease. */
export class LeaseQueue {
  readonly #heap = new Heap<Deadline>((a, b) => a.atMs < b.atMs);
  readonly #deadlines = new Map<string, number>();

  /** Sets or moves the deadline of a lease. */
  set(leaseId: string, atMs: number): void {
    this.#deadlines.set(leaseId, atMs);
    this.#heap.push({ leaseId, atMs });
  }

  delete(leaseId: string): void {
    this.#deadlines.delete(leaseId);
  }

  /** The deadline of a lease; undefined if it has none. */
  deadline(leaseId: string): number | undefined {
    return this.#deadlines.get(leaseId);
  }

  /** The first deadline; undefined if there is none. */
  firstMs(): number | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined) return undefined;
      if (this.#deadlines.get(first.leaseId) === first.atMs) return first.atMs;
      this.#heap.pop();
    }
  }

  /** Takes the first lease whose deadline is at or before `nowMs`; it then has none. */
  takeDue(nowMs: number): string | undefined {
    const firstMs = this.firstMs();
    if (firstMs === undefined || firstMs > nowMs) return undefined;
    const leaseId = this.#heap.pop()?.leaseId;
    if (leaseId !== undefined) this.#deadlines.delete(leaseId);
    return leaseId;
  }

  clear(): void {
    this.#deadlines.clear();
    while (this.#heap.pop() !== undefined);
  }
}
