/**
 * The house rules that types and lint cannot see: floors, doors, cycles, sizes, documented
 * exports. A failure names the file, the line and what to do instead.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import * as ts from 'typescript';
import { DOORS, floorOf, importRefusal, OPEN_FOLDERS, SIDE_DOORS } from './tidy/floors';
import { readSources, type SourceFile } from './tidy/source-tree';

const root = join(__dirname, '..');
const sources = readSources(root);
const byPath = new Map(sources.map((file) => [file.path, file]));
const product = sources.filter((file) => !file.isTest && floorOf(file.path) < 9);

/** The one method of a test that {@link none} needs. */
interface Check {
  equal(found: unknown, wanted: unknown, message: string): unknown;
}

function none(t: Check, complaints: readonly string[], rule: string): void {
  t.equal(complaints.length, 0, `${rule}${complaints.map((c) => `\n      ${c}`).join('')}`);
}

t.test('no import goes up a floor or across layers', (t) => {
  const complaints: string[] = [];
  for (const file of product) {
    for (const { target, line } of file.imports) {
      if (target === undefined) continue;
      if (!byPath.has(target)) continue;
      const refusal = importRefusal(file.path, target);
      if (refusal !== undefined)
        complaints.push(`${file.path}:${String(line)} ${target} ${refusal}`);
    }
  }
  none(t, complaints, 'imports go down only');
  t.end();
});

t.test('a folder with an index is entered through it', (t) => {
  const complaints: string[] = [];
  for (const file of product) {
    for (const { target, line } of file.imports) {
      if (target === undefined || SIDE_DOORS.includes(target)) continue;
      const folder = dirname(target);
      const isInside = file.path.startsWith(`${folder}/`);
      if (isInside || OPEN_FOLDERS.includes(folder) || !byPath.has(`${folder}/index.ts`)) continue;
      // The files of a layer's own root are its contract, open to its folders.
      if (!folder.includes('/') && file.path.startsWith(`${folder}/`)) continue;
      if (target !== `${folder}/index.ts`) {
        complaints.push(`${file.path}:${String(line)} enters ${target}: import ${folder}`);
      }
    }
  }
  none(t, complaints, 'folders have one door');
  t.end();
});

t.test('each outside thing has one importer', (t) => {
  const complaints: string[] = [];
  for (const file of sources) {
    if (file.isTest || floorOf(file.path) === 9) continue;
    for (const { specifier, line } of file.imports) {
      const door = DOORS.find(([pattern]) => pattern.test(specifier));
      if (door !== undefined && !door[1].test(file.path)) {
        complaints.push(
          `${file.path}:${String(line)} imports ${specifier}: ${String(door[1])} is its door`,
        );
      }
    }
  }
  none(t, complaints, 'doors');
  t.end();
});

t.test('there is no cycle of imports', (t) => {
  const state = new Map<string, 'open' | 'done'>();
  const complaints: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      complaints.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    state.set(path, 'open');
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined && byPath.has(target)) visit(target, [...trail, path]);
    }
    state.set(path, 'done');
  };
  for (const file of sources) visit(file.path, []);
  none(t, complaints, 'no cycles');
  t.end();
});

t.test('floors 0 and 1 are pure: no await, no node: module', (t) => {
  const excepted = new Set(['base/serial.ts', 'base/bounded-queue.ts']);
  const complaints: string[] = [];
  for (const file of product) {
    if (floorOf(file.path) > 1 || excepted.has(file.path)) continue;
    for (const { specifier, line } of file.imports) {
      if (specifier.startsWith('node:'))
        complaints.push(`${file.path}:${String(line)} ${specifier}`);
    }
    const visit = (node: ts.Node): void => {
      if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) {
        complaints.push(`${file.path}:${String(lineOf(file, node))} awaits`);
      }
      ts.forEachChild(node, visit);
    };
    visit(file.ast);
  }
  none(t, complaints, 'pure floors');
  t.end();
});

t.test('every export is documented, every file says what it is for', (t) => {
  const complaints: string[] = [];
  for (const file of product) {
    if (!file.text.startsWith('/**')) complaints.push(`${file.path}:1 begins without its purpose`);
    for (const statement of file.ast.statements) {
      const isExported =
        ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
      if (isExported === true && ts.getJSDocCommentsAndTags(statement).length === 0) {
        complaints.push(
          `${file.path}:${String(lineOf(file, statement))} exports without a docstring`,
        );
      }
    }
  }
  none(t, complaints, 'documented');
  t.end();
});

t.test('lines, names and left-overs', (t) => {
  const complaints: string[] = [];
  const namesForNothing = /(^|\/)(src|packages|lib|utils?|common|helpers?|types)(\/|\.ts$)/;
  for (const file of sources) {
    // The one file that the field itself calls so: the nouns of Raft.
    if (namesForNothing.test(file.path) && file.path !== 'raft/core/types.ts') {
      complaints.push(`${file.path} is a name for nothing`);
    }
    for (const [index, line] of file.text.split('\n').entries()) {
      const where = `${file.path}:${String(index + 1)}`;
      const isData = /https?:\/\/|['"`].{60,}['"`]/.test(line) || file.path.endsWith('.test.ts');
      if (line.length > 100 && !isData)
        complaints.push(`${where} has ${String(line.length)} columns`);
      const leftOver = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
      if (leftOver.test(line) && !/issue \d+/.test(line)) complaints.push(`${where} left over`);
      if (/@ts-(ignore|nocheck)/.test(line) && !file.path.startsWith('cluster-test/tidy')) {
        complaints.push(`${where} switches the compiler off`);
      }
    }
  }
  none(t, complaints, 'house style');
  t.end();
});

t.test('no file is dead: every product file is reachable from an entry', (t) => {
  const entries = ['bin/keelson.ts', 'raft/index.ts', 'store/index.ts', 'apiserver/index.ts'];
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined && byPath.has(target)) visit(target);
    }
  };
  const used = sources.filter((f) => f.isTest || floorOf(f.path) === 9).map((f) => f.path);
  for (const entry of [...entries, ...used]) visit(entry);
  none(
    t,
    product.filter((file) => !reached.has(file.path)).map((file) => file.path),
    'nothing is unused',
  );
  t.end();
});

t.test('the lock file names no host, so that it installs from any registry', (t) => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  t.notMatch(lock, /"resolved": "http/);
  t.end();
});

function lineOf(file: SourceFile, node: ts.Node): number {
  return file.ast.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}
