/** `keelson status`: one row a member, asked of each member itself. */
import { RealClock, systemRandom } from '../base/node';
import { createKvClient, type EndpointStatus } from '../store/wire';
import { CommandError } from './failure';
import type { StoreFlags } from './flags';
import { openStoreAccess } from './store-access';
import { renderTable } from './table';

/** The flags of `keelson status`. */
export interface StatusFlags extends StoreFlags {
  readonly output: 'json' | 'table';
}

/** A row of `keelson status -o json`. The figures of a member that cannot be reached are null. */
export interface StatusRow {
  readonly name: string;
  readonly role: string;
  readonly term: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  readonly revision: number | null;
  readonly databaseBytes: number | null;
  readonly address: string;
  /** Why it cannot be reached. */
  readonly reason?: string;
}

const COLUMNS = [
  'name',
  'role',
  'term',
  'commitIndex',
  'appliedIndex',
  'revision',
  'databaseBytes',
  'address',
] as const satisfies readonly (keyof StatusRow)[];

/** Asks every member and prints what it says, or why it says nothing. */
export async function runStatus(flags: StatusFlags): Promise<void> {
  const { network, endpoints, members } = openStoreAccess(flags);
  const clock = new RealClock();
  const client = createKvClient({ network, clock, random: systemRandom().random, endpoints });
  const names = new Map(members.map((member) => [member.address, member.name]));
  const answers = await client.endpointStatus();
  client.close();
  const rows = answers.map((answer) => statusRow(answer, names.get(answer.address) ?? '?'));
  const lost = rows.filter((row) => row.reason !== undefined);
  if (flags.output === 'json') {
    process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  } else {
    const cells = rows.map((row) => COLUMNS.map((column) => String(row[column] ?? '-')));
    process.stdout.write(renderTable([[...COLUMNS], ...cells]));
    for (const { name, address, reason = '' } of lost) {
      process.stdout.write(`${name} (${address}) cannot be reached: ${reason}\n`);
    }
  }
  if (lost.length * 2 > rows.length) {
    throw new CommandError(
      `${lost.length} of ${rows.length} members cannot be reached: the store serves nothing. ` +
        'Is `keelson up` running?',
    );
  }
}

function statusRow(answer: EndpointStatus, name: string): StatusRow {
  if (!answer.reachable) {
    return {
      name,
      role: 'unreachable',
      term: null,
      commitIndex: null,
      appliedIndex: null,
      revision: null,
      databaseBytes: null,
      address: answer.address,
      reason: answer.reason,
    };
  }
  const { role, term, commitIndex, appliedIndex, revision, databaseBytes } = answer.status;
  return {
    name: answer.status.name,
    role,
    term,
    commitIndex,
    appliedIndex,
    revision,
    databaseBytes,
    address: answer.address,
  };
}
