/**
 * How a supervised process and `keelson up` talk, over Node's channel between parent and child:
 *
 *   child -> supervisor   ready {addresses} · failed {message}
 *   supervisor -> child   stop · renewCertificates
 *
 * The channel is also the guard against orphans: however the supervisor ends, SIGKILL included,
 * the system closes its end, and the child stops itself. A process started by hand has no channel;
 * it is stopped by SIGINT or SIGTERM.
 */

/** Set in the environment of supervised processes. */
export const SUPERVISED_VARIABLE = 'KEELSON_SUPERVISED';

/** What a child tells. */
export type ChildMessage =
  | { readonly kind: 'ready'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

/** What a child is told. */
export type SupervisorMessage = { readonly kind: 'stop' } | { readonly kind: 'renewCertificates' };

/** A child's view of whoever started it. */
export interface ChildChannel {
  readonly isSupervised: boolean;
  /** Aborted when this process has to stop. */
  readonly stop: AbortSignal;
  tell(message: ChildMessage): void;
  onRenewCertificates(run: () => void): void;
}

/** Joins this process to its supervisor if it has one, and to its signals. */
export function openChildChannel(): ChildChannel {
  const stop = new AbortController();
  const isSupervised = process.env[SUPERVISED_VARIABLE] !== undefined && process.send !== undefined;
  let renew: (() => void) | undefined;
  const end = (): void => stop.abort();
  process.on('SIGTERM', end);
  // Control-C reaches the whole group: a supervised process waits for the supervisor's order.
  process.on('SIGINT', isSupervised ? () => undefined : end);
  process.on('SIGHUP', isSupervised ? () => undefined : end);
  if (isSupervised) {
    process.on('disconnect', end);
    process.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'stop') end();
      else renew?.();
    });
    if (!process.connected) end();
  }
  return {
    isSupervised,
    stop: stop.signal,
    tell: (message) => {
      // The supervisor may be gone this very moment; `disconnect` then says so.
      if (isSupervised && process.connected)
        process.send?.(message, undefined, {}, () => undefined);
    },
    onRenewCertificates: (run) => (renew = run),
  };
}
