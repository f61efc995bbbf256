/** Asks one endpoint about itself, for `keelson status`: reachable or why not. */
import type { Clock } from '../../base/clock';
import type { Network } from '../../base/network';
import type { MemberStatus } from '../kv';
import { ClientConnection } from './client-connection';

/** What one endpoint said, or why it did not. */
export type EndpointStatus = { readonly address: string } & (
  | { readonly reachable: true; readonly status: MemberStatus }
  | { readonly reachable: false; readonly reason: string }
);

/** Connects to `address`, asks, and hangs up; a failure is a value. */
export function askEndpoint(
  { network, clock }: { readonly network: Network; readonly clock: Clock },
  address: string,
  timeoutMs: number,
): Promise<EndpointStatus> {
  return new Promise((resolve) => {
    let answer: EndpointStatus | undefined;
    const connection = new ClientConnection(network, address, {
      onReady: (ready) => void ready.write(1, { kind: 'status' }),
      onMessage: (from, { body }) => {
        if (body.kind === 'status') answer = { address, reachable: true, status: body.status };
        else if (body.kind === 'failure') {
          answer = { address, reachable: false, reason: body.failure.message };
        }
        if (answer !== undefined) from.close('done');
      },
      onHealth: () => undefined,
      onGoodbye: () => undefined,
      beforeFlush: () => undefined,
      onGone: (_gone, reason) => {
        cancel();
        resolve(answer ?? { address, reachable: false, reason });
      },
    });
    const cancel = clock.after(timeoutMs, () =>
      connection.close(`no answer within ${timeoutMs} ms`),
    );
  });
}
