// Builds `dist/` from nothing: compiles, then generates the tables of built-in Kubernetes types.
// Runs in `prepare`, so after `npm ci` and before `npm pack`.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const require = createRequire(import.meta.url);
const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });

rmSync('dist', { recursive: true, force: true });
run(require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json');
if (existsSync('tools/generate-api/main.ts')) {
  run('-r', 'ts-node/register/transpile-only', 'tools/generate-api/main.ts');
}
if (existsSync('dist/bin/keelson.js')) chmodSync('dist/bin/keelson.js', 0o755);
