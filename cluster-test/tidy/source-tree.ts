/** The project's own sources as data: imports, exports, comments, for the tidy test. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as ts from 'typescript';

/** One import of a file. */
export interface ImportOf {
  /** As written: `../core/types`, `node:fs`, `ws`. */
  readonly specifier: string;
  /** The project file that it means; undefined for packages and `node:`. */
  readonly target: string | undefined;
  readonly line: number;
}

/** One parsed source file. */
export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
  readonly imports: readonly ImportOf[];
  readonly isTest: boolean;
}

/** The folders that hold the project's code. */
export const CODE_FOLDERS = [
  'base',
  'raft',
  'store',
  'apiserver',
  'cluster-test',
  'bin',
  'testing',
  'bench',
  'tools',
] as const;

/** Reads and parses every `.ts` file of the project. */
export function readSources(root: string): readonly SourceFile[] {
  const paths: string[] = [];
  for (const folder of CODE_FOLDERS) collect(root, folder, paths);
  const known = new Set(paths);
  return paths.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
    return { path, text, ast, imports: importsOf(ast, path, known), isTest: isTestPath(path) };
  });
}

/** Tests, and what exists for tests only: exported suites, fixtures, in-memory doubles. */
function isTestPath(path: string): boolean {
  return (
    path.endsWith('.test.ts') ||
    /(^|\/)testing(\/|\.ts$)/.test(path) ||
    /(^|[/-])conformance(\.ts$|\/)/.test(path)
  );
}

function collect(root: string, folder: string, paths: string[]): void {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return; // A folder of the layout that has no code yet.
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) collect(root, path, paths);
    else if (entry.name.endsWith('.ts')) paths.push(path);
  }
}

function importsOf(ast: ts.SourceFile, path: string, known: Set<string>): readonly ImportOf[] {
  const found: ImportOf[] = [];
  const add = (node: ts.Node, specifier: string): void => {
    const line = ast.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push({ specifier, target: resolve(path, specifier, known), line });
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      if (ts.isStringLiteral(node.moduleSpecifier)) add(node, node.moduleSpecifier.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) add(node, argument.text);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) add(node, literal.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ast);
  return found;
}

function resolve(from: string, specifier: string, known: Set<string>): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const base = normalize(join(dirname(from), specifier)).replaceAll('\\', '/');
  return [`${base}.ts`, `${base}/index.ts`, base].find((path) => known.has(path)) ?? base;
}
