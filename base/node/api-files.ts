/**
 * Reads the generated tables of built-in Kubernetes types (K92): the API server takes them as a
 * function, since it knows no disk. They are in `dist/api`, beside the built code, and there the
 * sources find them too once the package was built.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeError } from './errors';

/** Seen from `dist/base/node`, and from `base/node` of a checkout. */
const candidates = [['api'], ['dist', 'api']].map((parts) => join(__dirname, '..', '..', ...parts));

/** The text of a generated file: `resources.json`, `schemas.json`, `openapi/….json`. */
export function readApiFile(name: string): string {
  const directory = candidates.find((each) => existsSync(join(each, name)));
  if (directory === undefined) {
    throw nodeError(
      'API_FILE_MISSING',
      `Cannot read the built-in types as they were not generated (npm run build): received ${name}`,
    );
  }
  return readFileSync(join(directory, name), 'utf8');
}
