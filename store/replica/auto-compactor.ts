/**
 * The store's own compactor: history is kept for a while (5 min by default) and then forgotten.
 * Every member notes which revision was current when, so that a new leader can go on at once; the
 * leader alone proposes. Time decides only what is proposed, never what applying it does (S2).
 */
import type { Cancel, Clock } from '../../base/clock';
import { hasCode } from '../../base/error';
import type { Logger } from '../../base/logger';
import { isStoreError } from '../errors';
import type { Revision } from '../kv';

/** What a compactor is made of. */
export interface AutoCompactorOptions {
  readonly clock: Clock;
  readonly keptMs: number;
  readonly logger: Logger;
  readonly isLeader: () => boolean;
  readonly revision: () => Revision;
  readonly compactRevision: () => Revision;
  readonly compact: (revision: Revision) => Promise<unknown>;
  /** Told of what is not a failure of the store's table: the process must end (R95). */
  readonly fail: (error: unknown) => void;
}

/** Notes per kept period: history is kept for between 1 and 1.1 periods. */
const NOTES_PER_PERIOD = 10;

/** Proposes compactions. */
export class AutoCompactor {
  readonly #options: AutoCompactorOptions;
  #notes: { readonly atMs: number; readonly revision: Revision }[] = [];
  #cancel: Cancel | undefined;
  #isProposing = false;

  constructor(options: AutoCompactorOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
  }

  #schedule(): void {
    const { clock, keptMs } = this.#options;
    this.#cancel = clock.after(keptMs / NOTES_PER_PERIOD, () => {
      this.#look();
      this.#schedule();
    });
  }

  #look(): void {
    const { clock, keptMs, isLeader, revision, compactRevision } = this.#options;
    const nowMs = clock.monotonicMs();
    const old = this.#notes.filter((note) => note.atMs <= nowMs - keptMs);
    this.#notes = this.#notes.filter((note) => note.atMs > nowMs - keptMs);
    this.#notes.push({ atMs: nowMs, revision: revision() });
    const target = old.at(-1)?.revision;
    if (target === undefined) return;
    if (target <= compactRevision() || !isLeader()) {
      // Kept in mind: a leader that comes to office now compacts there with its next look.
      const last = old.at(-1);
      if (last !== undefined && target > compactRevision()) this.#notes.unshift(last);
      return;
    }
    void this.#propose(target);
  }

  async #propose(target: Revision): Promise<void> {
    if (this.#isProposing) return;
    this.#isProposing = true;
    const { logger } = this.#options;
    try {
      await this.#options.compact(target);
      logger.debug('compacted', { revision: target });
    } catch (error) {
      if (!isStoreError(error)) this.#options.fail(error);
      // Somebody else compacted further: just as well. All else is tried again at the next look.
      else if (!hasCode(error, 'STORE_COMPACTED')) {
        logger.warn('could not compact', { revision: target, error: error.message });
      }
    } finally {
      this.#isProposing = false;
    }
  }
}
