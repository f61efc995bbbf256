/**
 * The package as its users get it: packed, installed into an empty folder, started with npx. Needs
 * the npm registry, which the gate has; elsewhere it is left out unless CI=true asks for it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run } from './kubectl';
import { ProcessCluster } from './process-cluster';

t.setTimeout(240_000);

const PROJECT = join(__dirname, '..', '..');
const skip = process.env['CI'] === 'true' ? false : 'needs the npm registry: run with CI=true';

t.test('npx keelson up works in an empty folder', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-pack-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  // Without scripts: the build is there, and building again would pull it from under other tests.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const packed = await run('npm', [...pack, PROJECT], { ms: 120_000 });
  t.equal(packed.exitCode, 0, packed.stderr);
  const [{ filename, files }] = JSON.parse(packed.stdout) as [Packed];
  const paths = files.map(({ path }) => path);
  t.ok(paths.includes('dist/api/resources.json') && paths.includes('LICENSE'));
  t.strictSame(
    paths.filter((path) => /^dist.*(testing|conformance|\.test\.|cluster-test)/.test(path)),
    [],
    'no tests ship',
  );
  const install = ['install', '--no-audit', '--prefix', folder, join(folder, filename)];
  const installed = await run('npm', install, { ms: 180_000 });
  t.equal(installed.exitCode, 0, installed.stderr);
  const cluster = await ProcessCluster.start(['--replicas', '1'], {
    dataDir: join(folder, '.keelson'),
    command: join(folder, 'node_modules', '.bin', 'keelson'),
  });
  t.teardown(() => cluster.destroy());
  t.match(await cluster.kubectl().ok(['get', 'ns', '-o', 'name']), 'namespace/default');
});

/** What `npm pack --json` says. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
