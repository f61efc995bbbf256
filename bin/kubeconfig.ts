/**
 * The kubeconfig of a cluster: the API authority, the admin's certificate, and where the API
 * servers are. With several there is one context each, and the current one goes through the front
 * port. It is never written over somebody else's file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { writePrivateFile } from './data-directory';
import { CommandError } from './failure';

/** What a kubeconfig says. */
export interface KubeconfigOptions {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** The first is the current context. */
  readonly contexts: readonly { readonly name: string; readonly server: string }[];
}

const MARK = '# Written by keelson up, which keeps it current: changes are lost.';
const USER = 'keelson-admin';

/** Fails if `path` is a file that keelson did not write. */
export function checkKubeconfigPath(path: string): void {
  const wanted = resolve(path);
  if (wanted === join(homedir(), '.kube', 'config')) {
    throw new CommandError(
      `Cannot write the kubeconfig to ${wanted} as that is your own: name another with --kubeconfig.`,
    );
  }
  if (existsSync(wanted) && !readFileSync(wanted, 'utf8').startsWith(MARK)) {
    throw new CommandError(
      `Cannot write the kubeconfig to ${wanted} as keelson did not write what is there: ` +
        'move it away, or name another file with --kubeconfig.',
    );
  }
}

/** Writes the file, readable by its owner alone. */
export function writeKubeconfig(path: string, options: KubeconfigOptions): void {
  checkKubeconfigPath(path);
  writePrivateFile(path, renderKubeconfig(options));
}

/** The text of a kubeconfig. Strings are quoted as JSON, which is YAML too. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const quoted = (text: string): string => JSON.stringify(text);
  const current = options.contexts[0]?.name ?? '';
  const lines = [MARK, 'apiVersion: v1', 'kind: Config', `current-context: ${quoted(current)}`];
  lines.push('clusters:');
  for (const { name, server } of options.contexts) {
    lines.push(`- name: ${quoted(name)}`, '  cluster:', `    server: ${quoted(server)}`);
    lines.push(`    certificate-authority-data: ${base64(options.authority)}`);
  }
  lines.push('contexts:');
  for (const { name } of options.contexts) {
    lines.push(`- name: ${quoted(name)}`, '  context:', `    cluster: ${quoted(name)}`);
    lines.push(`    user: ${USER}`);
  }
  lines.push('users:', `- name: ${USER}`, '  user:');
  lines.push(`    client-certificate-data: ${base64(options.certificate)}`);
  lines.push(`    client-key-data: ${base64(options.key)}`);
  return `${lines.join('\n')}\n`;
}
