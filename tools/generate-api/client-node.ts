/**
 * Reads `@kubernetes/client-node`: its generated models say which fields a type has in the newest
 * Kubernetes, its generated operations say which resources exist (K92). The package is read as
 * text: its models carry no more at run time than what the text says, and loading a thousand
 * modules takes seconds.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectShape } from './schema-json';

/** One field of a model. */
export interface ModelField {
  readonly name: string;
  /** `string`, `Array<V1Container>`, `{ [key: string]: string; }`, … */
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly isRequired: boolean;
}

/** One model class. */
export interface Model {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly ModelField[];
}

/** One operation: an HTTP method on a path. */
export interface Operation {
  readonly path: string;
  readonly method: string;
  /** Model of the request body; empty if there is none or it is untyped. */
  readonly bodyModel: string;
  /** Model of the 200 answer. */
  readonly resultModel: string;
}

/** What the package says. */
export interface ClientNode {
  readonly version: string;
  /** `1.36` */
  readonly kubernetesVersion: string;
  readonly operations: readonly Operation[];
  model(name: string): Model | undefined;
}

/** Opens the package that is installed in `directory`. */
export function readClientNode(directory: string): ClientNode {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    version: string;
  };
  const generated = join(directory, 'dist', 'gen');
  const pod = readFileSync(join(generated, 'models', 'V1Pod.js'), 'utf8');
  const kubernetesVersion = /OpenAPI spec version: release-(\d+\.\d+)/.exec(pod)?.[1] ?? '';
  expectShape(kubernetesVersion !== '', 'a release number in the models of client-node');
  const models = new Map<string, Model | undefined>();
  return {
    version: manifest.version,
    kubernetesVersion,
    operations: readOperations(join(generated, 'apis')),
    model(name) {
      if (!models.has(name)) models.set(name, readModel(join(generated, 'models'), name));
      return models.get(name);
    },
  };
}

function readOperations(directory: string): readonly Operation[] {
  const operations: Operation[] = [];
  for (const file of readdirSync(directory).sort()) {
    if (file.endsWith('.js')) {
      operations.push(...operationsOf(readFileSync(join(directory, file), 'utf8')));
    }
  }
  expectShape(operations.length > 900, `over 900 operations, found ${String(operations.length)}`);
  return operations;
}

function operationsOf(text: string): readonly Operation[] {
  const [requests = '', responses = ''] = text.split(/export class \w+ResponseProcessor/);
  const results = new Map<string, string>();
  for (const block of responses.split(/^ {4}async /m).slice(1)) {
    const name = /^(\w+)WithHttpInfo\(/.exec(block)?.[1];
    const model = /isCodeInRange\("20[01]"[\s\S]*?, "([^"]*)", "/.exec(block)?.[1];
    if (name !== undefined && model !== undefined) results.set(name, model);
  }
  const operations: Operation[] = [];
  for (const block of requests.split(/^ {4}async /m).slice(1)) {
    const name = /^(\w+)\(/.exec(block)?.[1] ?? '';
    const path = /const localVarPath = '([^']+)'/.exec(block)?.[1];
    const method = /HttpMethod\.([A-Z]+)\)/.exec(block)?.[1];
    const bodyModel = /ObjectSerializer\.serialize\(body, "([^"]*)"/.exec(block)?.[1] ?? '';
    if (path === undefined || method === undefined) continue;
    operations.push({ path, method, bodyModel, resultModel: results.get(name) ?? '' });
  }
  return operations;
}

function readModel(directory: string, name: string): Model | undefined {
  let code: string;
  let declarations: string;
  try {
    code = readFileSync(join(directory, `${name}.js`), 'utf8');
    declarations = readFileSync(join(directory, `${name}.d.ts`), 'utf8');
  } catch {
    return undefined; // Primitive types of fields have no file; the caller decides what that means.
  }
  const table = /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(code)?.[1];
  expectShape(table !== undefined, `a table of attributes in model ${name}`);
  const attributes = JSON.parse(table) as {
    name: string;
    baseName: string;
    type: string;
    format: string;
  }[];
  const docs = documentation(declarations);
  const fields = attributes.map(({ name: declared, baseName, type, format }) => {
    const doc = docs.get(declared);
    expectShape(doc !== undefined, `a declaration of ${name}.${declared}`);
    return { name: baseName, type, format, ...doc };
  });
  const description = /\/\*\*\n\* ([^\n]*)\n\*\/\nexport declare class/.exec(declarations)?.[1];
  return { name, description: unescape(description ?? ''), fields };
}

function documentation(
  declarations: string,
): ReadonlyMap<string, { description: string; isRequired: boolean }> {
  const docs = new Map<string, { description: string; isRequired: boolean }>();
  let description = '';
  for (const line of declarations.split('\n')) {
    const comment = /^ {4}\* (.*)$/.exec(line)?.[1];
    if (comment !== undefined) description = unescape(comment);
    const declared = /^ {4}'([^']+)'(\??): /.exec(line);
    if (declared === null) continue;
    docs.set(declared[1] ?? '', { description, isRequired: declared[2] === '' });
    description = '';
  }
  return docs;
}

function unescape(text: string): string {
  return text
    .replace(/\\(["'])/g, '$1')
    .replace(/\\\\/g, '\\')
    .replace(/\*_\//g, '*/');
}
