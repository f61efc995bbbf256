/**
 * Assertions that stay on in production. They state facts about the program, never about its
 * input: a failed one is a bug, and ends the process (style: errors, rule 3).
 */

/** A fact about the program that does not hold. Only `bin/` catches it, to log it and exit. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly values: Readonly<Record<string, unknown>>;

  constructor(message: string, values: Readonly<Record<string, unknown>> = {}) {
    super(`${message}${describe(values)}`);
    this.values = values;
  }
}

function describe(values: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  return parts.length === 0 ? '' : `: ${parts.join(' ')}`;
}

/** Throws an {@link InvariantError}: what must hold, and the values that show it does not. */
export function assert(
  condition: boolean,
  mustHold: string,
  values: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantError(mustHold, values);
}

/** Closes a switch over a union: does not compile while a member is not handled. */
export function assertNever(value: never): never {
  throw new InvariantError('every member of the union is handled', {
    value: JSON.stringify(value),
  });
}

/** Marks a branch that cannot be reached, and says why. */
export function unreachable(why: string): never {
  throw new InvariantError(`unreachable: ${why}`);
}
