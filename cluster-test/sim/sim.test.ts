/**
 * A handful of fixed seeds of the simulator as part of every test run; `npm run sim` for more. In a
 * process of its own, since a run closes ambient time and chance for everybody in it.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';

/** Runs the simulator's command line; what it printed and how it ended. */
async function sim(...flags: readonly string[]): Promise<{ code: number | null; text: string }> {
  // tap hands its loaders down to every child, and with a loader Node refuses an entry in
  // TypeScript unless the preload of the tests names its format.
  const preload = pathToFileURL(join(__dirname, '..', '..', 'tools', 'tap-ts.mjs')).href;
  const loader = [`--import=${preload}`, join(__dirname, 'main.ts')];
  const child = spawn(process.execPath, [...loader, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, text };
}

t.setTimeout(300_000);

t.test('fixed seeds keep every promise, and replay themselves', async (t) => {
  const { code, text } = await sim('--seed=fixed.', '--seeds=8', '--jobs=1');
  t.equal(code, 0, text);
  t.match(text, /^8 seeds, 0 failed/m);
  t.comment(text);
});
