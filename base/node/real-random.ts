/** Chance for a real process: a seeded stream whose seed comes from the system and is logged. */
import { randomBytes } from 'node:crypto';
import { SeededRandom, type Random } from '../random';

/** A stream and the seed that replays it. */
export interface SystemRandom {
  readonly seed: string;
  readonly random: Random;
}

/** Draws a seed from the system, unless one is given to replay an earlier run. */
export function systemRandom(seed = randomBytes(16).toString('hex')): SystemRandom {
  return { seed, random: new SeededRandom(seed) };
}
