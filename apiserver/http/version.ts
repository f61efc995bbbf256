/** `/version` (K62): clients compare it with their own, Helm parses it. */
import type { JsonObject } from '../machinery/object';

/**
 * The document. `kubernetesVersion` is the release whose API is served, as `1.36`; numbers are
 * strings, and the build metadata says that this is not Kubernetes itself.
 */
export function versionDocument(kubernetesVersion: string): JsonObject {
  const [major = '', minor = ''] = kubernetesVersion.split('.');
  return {
    major,
    minor,
    gitVersion: `v${major}.${minor}.0+keelson`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: 'none',
    platform: 'any/any',
  };
}
