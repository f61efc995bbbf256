/**
 * What `keelson replica` and `keelson apiserver` have in common: a logger on standard error, a
 * channel to the supervisor, and an end. A failure to start or a bug reaches the supervisor as one
 * sentence and the log with its stack; the exit code says the rest.
 */
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { Random } from '../base/random';
import {
  droppedLine,
  installNativeCrc32,
  LineWriter,
  RealClock,
  StderrLogger,
  systemRandom,
} from '../base/node';
import { openChildChannel, type ChildChannel } from './child-channel';
import { describeFailure } from './failure';
import type { LogFlags } from './flags';

/** What a service gets. */
export interface ServiceParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly channel: ChildChannel;
}

/** A service that is up. */
export interface RunningService {
  readonly addresses: readonly string[];
  /** Resolves when it ended by itself, rejects if it failed; absent: it never does. */
  readonly ended?: Promise<void>;
  renewCertificates(): void;
  /** Stops in order. */
  close(): Promise<void>;
}

/** A stop that takes longer than this is cut off: an orphan is worse than an unclean end. */
const STOP_MS = 15_000;
const LAST_LINES_MS = 500;

/** Runs a service until it is told to stop or fails, then ends the process. */
export async function runService(
  name: string,
  flags: LogFlags,
  start: (parts: ServiceParts) => Promise<RunningService>,
): Promise<never> {
  process.title = `keelson ${name}`;
  installNativeCrc32();
  const clock = new RealClock();
  const writer = new LineWriter({
    fd: 2,
    describeDropped: (count) => droppedLine(flags.logFormat, count),
  });
  const logger = new StderrLogger({
    writer,
    level: flags.logLevel,
    format: flags.logFormat,
    wallMs: () => clock.wallMs(),
  }).with({ process: name });
  const channel = openChildChannel();
  const end = async (exitCode: number): Promise<never> => {
    await writer.flush(LAST_LINES_MS);
    process.exit(exitCode);
  };
  const fail = (error: unknown): Promise<never> => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error(describeFailure(error), isExpected(error) ? {} : { stack });
    channel.tell({ kind: 'failed', message: describeFailure(error) });
    return end(1);
  };
  // A bug anywhere ends the process (R95): going on with half of an action done is worse.
  process.on('uncaughtException', (error) => void fail(error));
  process.on('unhandledRejection', (error) => void fail(error));
  try {
    const { random, seed } = systemRandom();
    logger.debug('the seed of this run', { seed });
    await serve({ clock, random, logger, channel }, start);
  } catch (error) {
    return fail(error);
  }
  return end(0);
}

async function serve(
  parts: ServiceParts,
  start: (parts: ServiceParts) => Promise<RunningService>,
): Promise<void> {
  const { channel, logger, clock } = parts;
  const stopped = new Promise<'stop'>((resolve) => {
    if (channel.stop.aborted) resolve('stop');
    channel.stop.addEventListener('abort', () => resolve('stop'), { once: true });
  });
  // Also a start that hangs ends when it is told to.
  const service = await Promise.race([start(parts), stopped]);
  if (service === 'stop') return;
  channel.onRenewCertificates(() => service.renewCertificates());
  channel.tell({ kind: 'ready', addresses: service.addresses });
  logger.info('ready', { address: service.addresses.join(' ') });
  const never = new Promise<void>(() => undefined);
  await Promise.race([stopped, service.ended ?? never]);
  logger.info('stopping');
  const cancel = clock.after(STOP_MS, () => {
    logger.error('stopping took too long; ending anyway');
    process.exit(1);
  });
  await service.close();
  cancel();
  logger.info('stopped');
}

/** Failures that say all there is to say; anything else is logged with its stack. */
function isExpected(error: unknown): boolean {
  return error instanceof Error && !describeFailure(error).includes('this is a bug');
}
