/** `keelson transfer-leadership`: the leader hands over to another replica (Raft §3.10, R12). */
import { RealClock, systemRandom, type WsNetwork } from '../base/node';
import type { MemberStatus, TransferReason, TransferResult } from '../store';
import { createKvClient, type EndpointStatus } from '../store/wire';
import { CommandError } from './failure';
import type { StoreFlags } from './flags';
import { openStoreAccess } from './store-access';

/** The flags of `keelson transfer-leadership`. */
export interface TransferFlags extends StoreFlags {
  /** The name of the member that is to lead; by default the leader chooses. */
  readonly to?: string;
  readonly output: 'json' | 'text';
}

/** What `-o json` prints. */
export interface TransferReport {
  readonly from: string;
  readonly to: string;
  readonly term: number;
  /** False: the member wanted led already. */
  readonly isMoved: boolean;
  readonly ms: number;
}

/** Longer than a transfer and an election after it may take with the default profile. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Asks the leader to hand over, and prints who leads now. */
export async function runTransfer(flags: TransferFlags): Promise<void> {
  const access = openStoreAccess(flags);
  const answers = await askAll(access.network, access.endpoints);
  const names = new Map(access.members.map(({ address, name }) => [address, name]));
  const choice = chooseTransfer(answers, flags.to, (address) => names.get(address));
  if (choice.kind === 'leadsAlready') {
    const { name, term } = choice.leader;
    print(flags, { from: name, to: name, term, isMoved: false, ms: 0 });
    return;
  }
  const { leader, target, address } = choice;
  const clock = new RealClock();
  const client = makeClient(access.network, [address]);
  const startMs = clock.monotonicMs();
  const result = await client.transferLeadership(target?.memberId).finally(() => client.close());
  const ms = Math.round(clock.monotonicMs() - startMs);
  const to = nameOf(answers, result);
  if (result.reason !== undefined) {
    throw new CommandError(describeRefusal(result.reason, leader.name, target?.name));
  }
  print(flags, { from: leader.name, to, term: result.term, isMoved: true, ms });
  if (target !== undefined && target.memberId !== result.leaderId) {
    throw new CommandError(`${to} was elected instead of ${target.name}: try again.`);
  }
}

/** What to ask of whom. */
export type TransferChoice =
  | { readonly kind: 'leadsAlready'; readonly leader: MemberStatus }
  | {
      readonly kind: 'ask';
      readonly leader: MemberStatus;
      readonly address: string;
      /** Undefined: the leader chooses. */
      readonly target: MemberStatus | undefined;
    };

/** Finds the leader and the target among what the members said; throws what a user can act on. */
export function chooseTransfer(
  answers: readonly EndpointStatus[],
  to: string | undefined,
  nameAt: (address: string) => string | undefined,
): TransferChoice {
  const reachable = answers.flatMap((answer) => (answer.reachable ? [answer] : []));
  const leaders = reachable
    .filter(({ status }) => status.role === 'leader')
    .sort((a, b) => b.status.term - a.status.term);
  const leader = leaders[0];
  if (leader === undefined) {
    const lost = answers.length - reachable.length;
    throw new CommandError(
      `Cannot transfer leadership as none of ${reachable.length} reachable members leads` +
        (lost === 0
          ? ': try again in a moment.'
          : `; ${lost} cannot be reached: see keelson status.`),
    );
  }
  const target = to === undefined ? undefined : findTarget(answers, to, nameAt);
  if (target !== undefined && target.memberId === leader.status.memberId) {
    return { kind: 'leadsAlready', leader: leader.status };
  }
  return { kind: 'ask', leader: leader.status, address: leader.address, target };
}

function findTarget(
  answers: readonly EndpointStatus[],
  to: string,
  nameAt: (address: string) => string | undefined,
): MemberStatus {
  const names: string[] = [];
  for (const answer of answers) {
    const name = answer.reachable ? answer.status.name : nameAt(answer.address);
    names.push(name ?? answer.address);
    if (name !== to) continue;
    if (answer.reachable) return answer.status;
    throw new CommandError(
      `Cannot transfer leadership to ${to} as it cannot be reached: ${answer.reason}`,
    );
  }
  throw new CommandError(
    `Cannot transfer leadership as there is no member ${to}: the members are ${names.join(', ')}.`,
  );
}

/** The sentence for a transfer that did not happen. */
export function describeRefusal(
  reason: TransferReason,
  leader: string,
  target = 'another member',
): string {
  const still = `${leader} leads on, and takes writes again`;
  switch (reason) {
    case 'notLeader':
      return `Cannot transfer leadership as ${leader} lost it meanwhile: see keelson status.`;
    case 'alreadyLeader':
      return `${leader} leads already.`;
    case 'notVoter':
      return `Cannot transfer leadership to ${target} as it has no vote.`;
    case 'noTarget':
      return `Cannot transfer leadership as ${leader} is the only voter.`;
    case 'busy':
      return `Cannot transfer leadership to ${target} as a transfer to another member is under way.`;
    case 'timeout':
      return (
        `Cannot transfer leadership as ${target} did not take over within an election timeout: ` +
        `${still}.`
      );
    case 'noLeader':
      return `${leader} stepped down, and no other leader is known yet: see keelson status.`;
    case 'stopped':
      return `Cannot transfer leadership as ${leader} is stopping.`;
  }
}

function print(flags: TransferFlags, report: TransferReport): void {
  const { from, to, term, isMoved, ms } = report;
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else if (isMoved)
    process.stdout.write(`${to} leads now, after ${from}: term ${term}, ${ms} ms\n`);
  else process.stdout.write(`${to} leads already\n`);
}

function nameOf(answers: readonly EndpointStatus[], { leaderId }: TransferResult): string {
  for (const answer of answers) {
    if (answer.reachable && answer.status.memberId === leaderId) return answer.status.name;
  }
  return leaderId ?? 'nobody';
}

async function askAll(
  network: WsNetwork,
  endpoints: readonly string[],
): Promise<readonly EndpointStatus[]> {
  const client = makeClient(network, endpoints);
  const answers = await client.endpointStatus();
  client.close();
  return answers;
}

function makeClient(
  network: WsNetwork,
  endpoints: readonly string[],
): ReturnType<typeof createKvClient> {
  return createKvClient({
    network,
    clock: new RealClock(),
    random: systemRandom().random,
    endpoints,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
}
