/** The text that names the sources of the generated data, as the Apache licence asks (K92). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly license: string;
}

function manifestOf(root: string, name: string): Manifest {
  const path = join(root, 'node_modules', ...name.split('/'), 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}

/** The NOTICE beside the generated files. */
export function noticeText(root: string, kubernetesVersion: string): string {
  const clientNode = manifestOf(root, '@kubernetes/client-node');
  const swagger = manifestOf(root, '@kubev2v/types');
  const lines = [
    `The files of this directory describe the API of Kubernetes ${kubernetesVersion} and are`,
    'generated when keelson is built. They are changed forms of:',
    '',
    `- @kubernetes/client-node ${clientNode.version} (${clientNode.license}): models and operations`,
    `  generated from the OpenAPI description of Kubernetes ${kubernetesVersion}.`,
    `- @kubev2v/types ${swagger.version} (${swagger.license}): the OpenAPI description of`,
    '  Kubernetes 1.29.',
    '',
    'Both descend from Kubernetes, copyright The Kubernetes Authors, licensed under the Apache',
    'License, Version 2.0, whose text is in the file LICENSE of this directory.',
    '',
  ];
  return lines.join('\n');
}
