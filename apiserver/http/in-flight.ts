/**
 * How many requests are served at once, readers and writers apart (K71). Long-running requests and
 * `system:masters` are exempt: the one would fill the limit for ever, the other must get through.
 */
import { WELL_KNOWN } from '../auth';
import type { ApiServerLimits } from '../limits';
import type { ApiMetrics } from './metrics';
import type { RequestContext } from './request-context';
import { isLongRunning } from './request-info';

type Kind = 'readOnly' | 'mutating';

/** Verbs that change nothing; of other paths the methods that change nothing. */
const READS = new Set(['get', 'list', 'watch', 'head', 'options']);

/** Counts requests in flight. */
export class InFlight {
  readonly #limits: Readonly<Record<Kind, number>>;
  readonly #counts: Record<Kind, number> = { readOnly: 0, mutating: 0 };

  constructor(limits: ApiServerLimits, metrics: ApiMetrics) {
    this.#limits = {
      readOnly: limits.readRequestsInFlightMax,
      mutating: limits.writeRequestsInFlightMax,
    };
    metrics.inFlight.onExpose((gauge) => {
      for (const kind of ['readOnly', 'mutating'] as const) gauge.set([kind], this.#counts[kind]);
    });
  }

  /** Takes a place and returns what gives it back; undefined if there is none. */
  enter({ info, user }: RequestContext): (() => void) | undefined {
    if (isLongRunning(info) || user.groups.includes(WELL_KNOWN.mastersGroup)) {
      return () => undefined;
    }
    const kind: Kind = READS.has(info.verb) ? 'readOnly' : 'mutating';
    if (this.#counts[kind] >= this.#limits[kind]) return undefined;
    this.#counts[kind] += 1;
    return () => {
      this.#counts[kind] -= 1;
    };
  }
}
