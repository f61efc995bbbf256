/**
 * Log lines on standard error: JSON for machines, or one readable line each. Never blocks and
 * never decides (R69): see `line-writer.ts`. Values of secrets are never passed to a logger.
 */
import type { LogFields, Logger } from '../logger';
import type { LineWriter } from './line-writer';

/** How much is said. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** A level of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The form of a line. */
export type LogFormat = 'human' | 'json';

/** Options of a logger. */
export interface StderrLoggerOptions {
  readonly writer: LineWriter;
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly wallMs: () => number;
  readonly fields?: LogFields;
}

/** A logger that writes lines through a {@link LineWriter}. */
export class StderrLogger implements Logger {
  readonly #options: StderrLoggerOptions;
  readonly #fields: LogFields;
  readonly #threshold: number;

  constructor(options: StderrLoggerOptions) {
    this.#options = options;
    this.#fields = options.fields ?? {};
    this.#threshold = LOG_LEVELS.indexOf(options.level);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#threshold <= 0) this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#threshold <= 1) this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#threshold <= 2) this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  with(fields: LogFields): Logger {
    return new StderrLogger({ ...this.#options, fields: { ...this.#fields, ...fields } });
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const time = new Date(this.#options.wallMs()).toISOString();
    const all = { ...this.#fields, ...fields };
    this.#options.writer.write(
      this.#options.format === 'json'
        ? JSON.stringify({ time, level, message, ...all })
        : humanLine(time, level, message, all),
    );
  }
}

/** The line that stands for lines that were dropped, in either form. */
export function droppedLine(format: LogFormat, count: number): string {
  const message = 'log lines dropped as nobody read them';
  return format === 'json'
    ? JSON.stringify({ level: 'warn', message, count })
    : `WARN  ${message} count=${count}`;
}

function humanLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const values = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quoteIfNeeded(String(value))}`);
  // A line feed inside a message would let a peer forge lines of its own.
  return `${time} ${level.toUpperCase().padEnd(5)} ${message.replaceAll('\n', '\\n')}${values.join('')}`;
}

function quoteIfNeeded(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
