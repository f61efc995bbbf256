/** What goes into an apply and what comes out of it. */
import type { Command, CommandResult } from '../command';
import type { Revision } from '../kv';
import type { Configuration } from '../mvcc';
import type { RevisionEvents } from '../watch';

/** One committed entry; no command for empty entries and membership changes. */
export interface StateEntry {
  readonly index: number;
  readonly term: number;
  readonly command: Command | undefined;
}

/** How far the state is, stored together with it (R60). */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
  readonly confState: Configuration;
}

/** What one batch of entries did. */
export interface ApplyOutcome {
  /** One for each entry, in order; undefined for entries without a command. */
  readonly results: readonly (CommandResult | undefined)[];
  readonly changes: readonly RevisionEvents[];
  /** After the batch. */
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly appliedIndex: number;
}
