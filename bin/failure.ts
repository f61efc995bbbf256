/**
 * How a command fails: one sentence that names the thing and what to do, on standard error, and an
 * exit code other than 0. Never a stack trace: `KEELSON_DEBUG=1` shows one to whoever looks for a
 * bug.
 */
import { InvariantError } from '../base/assert';
import { KeelsonError } from '../base/error';

/** A failure whose message is complete for a user: what, why, and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The sentence for a user. Bugs say that they are bugs. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CommandError || error instanceof KeelsonError) return error.message;
  if ('code' in error && typeof error.code === 'string' && !(error instanceof InvariantError)) {
    return error.message;
  }
  return `${error.message} (this is a bug in keelson: ${error.name}; KEELSON_DEBUG=1 shows where)`;
}

/** Writes the failure of a command and sets the exit code. */
export function reportFailure(error: unknown): void {
  process.stderr.write(`keelson: ${describeFailure(error)}\n`);
  if (process.env['KEELSON_DEBUG'] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  process.exitCode = 1;
}
