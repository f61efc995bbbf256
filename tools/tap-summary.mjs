// Prints `N passed, N failed` from tap's own report, and fails if nothing ran or a file was empty.
import { readFileSync } from 'node:fs';

let report = '';
try {
  report = readFileSync(process.argv[2], 'utf8');
} catch {
  // No report means that nothing ran; the counts below then say so and the exit code is 1.
}
const totals = report.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? '';
const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0);
const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip') + count('todo')];
const empty = report.includes('no tests found');
if (empty) console.log('A test file contains no test; see "no tests found" in the report.');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 && passed > 0 && !empty ? 0 : 1;
