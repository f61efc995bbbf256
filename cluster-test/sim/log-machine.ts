/** One machine with a Raft log on it, for tests of the log. */
import { nullLogger } from '../../base/logger';
import { SeededRandom } from '../../base/random';
import {
  openWal,
  type Entry,
  type HardState,
  type Index,
  type MemberId,
  type Term,
  type Wal,
  type WalOptions,
} from '../../raft';
import { SimDisk } from './sim-disk';
import { Simulator, type SimProcess } from './simulator';

/** Whose log it is. */
export const LOG_CLUSTER = '00000000000000c1';
/** Whose log it is. */
export const LOG_MEMBER = '00000000000000a1';

/** An entry with data that only its index and term decide. */
export function entry(index: number, term = 1, size = 40): Entry {
  const data = new SeededRandom(`${index}/${term}`).bytes(size);
  return { index: index as Index, term: term as Term, kind: 'normal', data };
}

/** A hard state. */
export function hardState(term: number, commitIndex: number, vote?: string): HardState {
  return {
    term: term as Term,
    vote: vote as MemberId | undefined,
    commitIndex: commitIndex as Index,
  };
}

/** A disk that outlives the processes that open the log on it. */
export class LogMachine {
  readonly simulator: Simulator;
  readonly disk: SimDisk;
  process: SimProcess;
  readonly options: Partial<WalOptions>;

  constructor(seed: string, options: Partial<WalOptions> = {}) {
    this.simulator = new Simulator(seed);
    this.disk = new SimDisk(this.simulator, 'a');
    this.process = this.simulator.process('a');
    this.options = options;
  }

  /** Opens the log in a fresh process. */
  open(extra: Partial<WalOptions> = {}): Promise<Wal> {
    this.process.kill();
    this.process = this.simulator.process('a');
    const opened = openWal({
      disk: this.disk.of(this.process),
      directory: 'wal',
      clusterId: LOG_CLUSTER,
      memberId: LOG_MEMBER,
      clock: this.process.clock,
      random: this.simulator.random.fork('wal'),
      logger: nullLogger,
      segmentBytes: 16 * 1024,
      ...this.options,
      ...extra,
    });
    return this.simulator.runUntilSettled(opened);
  }

  /** Saves and waits until it is durable. */
  async save(wal: Wal, entries: readonly Entry[], state?: HardState): Promise<void> {
    let isDurable = false;
    wal.save({
      hardState: state,
      entries,
      mustSync: true,
      onDurable: () => {
        isDurable = true;
      },
    });
    await this.simulator.runUntil('the save is durable', () => isDurable);
  }

  path(wal: Wal): string {
    return `wal/${wal.segmentNames().at(-1) ?? ''}`;
  }

  powerCut(): void {
    this.process.kill();
    this.disk.powerCut();
  }
}
