/**
 * Operational failures. Each layer has a closed table of codes in its own `errors.ts` and a
 * subclass-free constructor function; expected outcomes are values and never pass through here.
 */

/**
 * What is known about a write that failed: `none` means that it certainly did not happen,
 * `unknown` that it may have happened or may still happen.
 */
export type Outcome = 'none' | 'unknown';

/** The facts of an operational failure. */
export interface KeelsonErrorOptions {
  readonly retriable: boolean;
  readonly outcome?: Outcome;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An operational failure with a code from its layer's table. */
export class KeelsonError<Code extends string = string> extends Error {
  override readonly name = 'KeelsonError';
  readonly code: Code;
  /** Whether the same request may succeed later unchanged. Says nothing about the outcome. */
  readonly retriable: boolean;
  readonly outcome: Outcome;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, options: KeelsonErrorOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable;
    this.outcome = options.outcome ?? 'none';
    this.details = options.details ?? {};
  }
}

/** Whether `error` is a {@link KeelsonError} with this code. */
export function hasCode<Code extends string>(
  error: unknown,
  code: Code,
): error is KeelsonError<Code> {
  return error instanceof KeelsonError && error.code === code;
}
