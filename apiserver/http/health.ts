/** `/healthz`, `/livez`, `/readyz` and their single checks (K64). */
import type { ApiResponse } from '../machinery/api-handler';
import { textResponse } from './respond';

/** One thing that can be wrong; resolves with what is, or undefined. */
export interface HealthCheck {
  readonly name: string;
  /** Which of the three paths ask it. */
  readonly paths: readonly HealthPath[];
  check(): Promise<string | undefined>;
}

/** The three questions: is it up, should it be restarted, should it get requests. */
export type HealthPath = 'healthz' | 'livez' | 'readyz';

/** Answers a health path; undefined if it is none, or names a check that there is not. */
export async function answerHealth(
  checks: readonly HealthCheck[],
  path: string,
  query: URLSearchParams,
): Promise<ApiResponse | undefined> {
  const [, root = '', name, more] = path.split('/');
  if (!isHealthPath(root) || more !== undefined) return undefined;
  const asked = checks.filter((check) => check.paths.includes(root));
  if (name !== undefined) {
    const check = asked.find((each) => each.name === name);
    if (check === undefined) return undefined;
    const problem = await check.check();
    if (problem === undefined) return textResponse(200, 'ok');
    return textResponse(500, `internal server error: ${problem}\n`);
  }
  return answerAll(asked, root, query);
}

async function answerAll(
  checks: readonly HealthCheck[],
  root: HealthPath,
  query: URLSearchParams,
): Promise<ApiResponse> {
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  let isFailed = false;
  for (const check of checks) {
    if (excluded.has(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
    } else if ((await check.check()) === undefined) {
      lines.push(`[+]${check.name} ok`);
    } else {
      isFailed = true;
      // The reason may name keys or addresses, and anybody may ask.
      lines.push(`[-]${check.name} failed: reason withheld`);
    }
  }
  if (!isFailed && !query.has('verbose')) return textResponse(200, 'ok');
  const verdict = `${root} check ${isFailed ? 'failed' : 'passed'}`;
  return textResponse(isFailed ? 500 : 200, `${[...lines, verdict].join('\n')}\n`);
}

function isHealthPath(root: string): root is HealthPath {
  return root === 'healthz' || root === 'livez' || root === 'readyz';
}
