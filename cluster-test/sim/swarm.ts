/**
 * What a seed draws: the size of the cluster, limits, faults and their rates, the workload. Every
 * concern has a stream of its own, so that switching one off does not reshuffle the others. Limits
 * are only those that a configuration may set.
 */
import type { Random } from '../../base/random';
import { RAFT_DEFAULTS, type RaftSettings } from '../../raft';

/** The kinds of faults, each with a weight that a seed draws; 0 leaves it out. */
export const FAULT_KINDS = [
  'kill',
  'powerCut',
  'powerCutAll',
  'crashAtWrite',
  'crashAtStep',
  'crashAfterVote',
  'pause',
  'partition',
  'isolate',
  'oneWay',
  'clog',
  'cutClient',
  'slowDisk',
  'lossyNetwork',
  'slowNetwork',
  'wallJump',
] as const;

/** One of them. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Everything that a seed decides before the first event. */
export interface Swarm {
  readonly size: number;
  readonly raft: RaftSettings;
  readonly walSegmentBytes: number;
  readonly historyKeptMs: number;
  readonly flushEveryEntries: number;
  /** Virtual time under faults. */
  readonly safetyMs: number;
  /** Mean time between two faults. */
  readonly faultEveryMs: number;
  readonly faultLastsMs: number;
  readonly weights: Readonly<Record<FaultKind, number>>;
  readonly clients: number;
  readonly watchers: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly thinkMs: number;
  readonly requestTimeoutMs: number;
}

/** Draws. */
export function drawSwarm(random: Random): Swarm {
  const draw = random.fork('limits');
  const faults = random.fork('faults');
  const work = random.fork('workload');
  const size = draw.pick([1, 3, 3, 3, 3, 5]);
  const raft = drawRaft(draw);
  const electionMs = raft.tickMs * raft.electionTimeoutTicks;
  return {
    size,
    raft,
    walSegmentBytes: draw.pick([16, 16, 64, 256]) * 1024,
    historyKeptMs: draw.pick([0, 1_000, 5_000, 300_000]),
    flushEveryEntries: draw.pick([0, 20, 200]),
    safetyMs: 20_000 + work.below(60_000),
    faultEveryMs: faults.pick([electionMs / 2, electionMs * 2, 1_000, 3_000, 10_000]),
    faultLastsMs: faults.pick([electionMs / 8, electionMs, 500, 2_000, 8_000]),
    weights: drawWeights(faults),
    clients: 1 + work.below(4),
    watchers: 1 + work.below(3),
    keys: work.pick([1, 3, 10, 40]),
    valueBytes: work.pick([10, 100, 3_000]),
    thinkMs: work.pick([5, 50, 50, 300, 300]),
    requestTimeoutMs: work.pick([500, 3_000, 10_000]),
  };
}

function drawRaft(draw: Random): RaftSettings {
  const heartbeatTicks = 2 + draw.below(4);
  const electionTimeoutTicks = heartbeatTicks * (3 + draw.below(6));
  return {
    ...RAFT_DEFAULTS,
    tickMs: draw.pick([10, 10, 20, 30]),
    heartbeatTicks,
    electionTimeoutTicks,
    isFirstCampaignAtOnce: draw.unit() < 0.5,
    maxMessageBytes: draw.pick([1, 200, 10_000, 1_048_576]),
    maxInflightMessages: draw.pick([1, 2, 16, 256]),
    maxInflightBytes: draw.pick([1, 5_000, 8_388_608]),
    maxUncommittedBytes: draw.pick([20_000, 67_108_864]),
    maxCommittedBytesPerReady: draw.pick([1, 1_000, 4_194_304]),
  };
}

/** Some kinds are left out of a seed, so that the others meet states they would never see. */
function drawWeights(faults: Random): Record<FaultKind, number> {
  const isQuiet = faults.unit() < 0.05;
  const drawn = FAULT_KINDS.map((kind) => {
    const weight = faults.unit() < 0.5 ? 0 : faults.unit();
    return [kind, isQuiet ? 0 : kind === 'powerCutAll' ? weight / 4 : weight];
  });
  return Object.fromEntries(drawn) as Record<FaultKind, number>;
}
