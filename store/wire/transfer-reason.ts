/** Why leadership did not move, as it travels: by name. */
import type { TransferReason } from '../kv';

const TRANSFER_REASONS: Readonly<Record<TransferReason, true>> = {
  notLeader: true,
  alreadyLeader: true,
  notVoter: true,
  noTarget: true,
  busy: true,
  timeout: true,
  noLeader: true,
  stopped: true,
};

/** Whether `text` names a reason that this version knows. */
export function isTransferReason(text: string): text is TransferReason {
  return Object.hasOwn(TRANSFER_REASONS, text);
}
