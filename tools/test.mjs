// Runs tap, then prints `N passed, N failed` from tap's own report. Arguments go to tap.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const report = '.tap/out.tap';
mkdirSync('.tap', { recursive: true });
rmSync(report, { force: true });
const run = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
const tests = run(
  'node_modules/tap/dist/esm/run.mjs',
  ...['run', '--reporter=terse', `--output-file=${report}`, ...process.argv.slice(2)],
);
process.exitCode = run('tools/tap-summary.mjs', report) || tests;
