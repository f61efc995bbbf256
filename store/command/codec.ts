/** Commands as bytes of the log. Skeleton of signatures. */
import { unreachable } from '../../base/assert';
import type { Command } from './command';

/** The bytes of a log entry. */
export function encodeCommand(_command: Command): Uint8Array {
  return unreachable('being written');
}

/** Reads them; throws a `RangeError` for anything this version does not know (spec: store 3.2). */
export function decodeCommand(_bytes: Uint8Array): Command {
  return unreachable('being written');
}
