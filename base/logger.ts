/** Structured logging as an injected thing. Logging never blocks and never decides (R69). */

/** Values beside a message. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes lines with fields; implementations drop and count rather than wait. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each line. */
  with(fields: LogFields): Logger;
}

/** A logger that says nothing. */
export const nullLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with() {
    return nullLogger;
  },
};
