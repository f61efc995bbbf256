/**
 * Makes ambient time and chance throw while a seed runs: whoever asks them would make a run that
 * its seed cannot replay. `setImmediate` stays, as the event loop of the simulator itself needs it.
 */
import crypto from 'node:crypto';
import { performance } from 'node:perf_hooks';

interface Door {
  readonly holder: object;
  readonly name: string;
}

const DOORS: readonly Door[] = [
  { holder: Math, name: 'random' },
  { holder: Date, name: 'now' },
  { holder: performance, name: 'now' },
  { holder: globalThis, name: 'setTimeout' },
  { holder: globalThis, name: 'setInterval' },
  { holder: process, name: 'nextTick' },
  { holder: process, name: 'hrtime' },
  { holder: crypto.webcrypto, name: 'getRandomValues' },
  { holder: crypto.webcrypto, name: 'randomUUID' },
  { holder: crypto, name: 'randomBytes' },
  { holder: crypto, name: 'randomUUID' },
];

/** Runs `work` with every ambient source closed; `onUse` is told who was asked anyway. */
export async function withoutAmbient<T>(
  onUse: (what: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const undo: (() => void)[] = [];
  for (const { holder, name } of DOORS) {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    const refuse = (): never => {
      onUse(name);
      throw new Error(`Cannot use ${name} in a simulation as no seed replays it`);
    };
    Object.defineProperty(holder, name, { value: refuse, configurable: true, writable: true });
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, before);
    });
  }
  const RealDate = globalThis.Date;
  globalThis.Date = new Proxy(RealDate, {
    construct(target, values: unknown[]) {
      if (values.length === 0) onUse('new Date');
      return Reflect.construct(target, values) as object;
    },
  });
  undo.push(() => (globalThis.Date = RealDate));
  try {
    return await work();
  } finally {
    for (const each of undo) each();
  }
}
