#!/usr/bin/env node
/** The `keelson` command: runs what the command line says; a failure is one sentence. */
import * as nodeModule from 'node:module';
import { buildProgram } from './commands';
import { reportFailure } from './failure';

// Compiled code is kept between starts where Node can do that (22.1 and later).
(nodeModule as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();

// `keelson kv list | head` ends when its reader does.
process.stdout.on('error', () => process.exit());

buildProgram().parseAsync().catch(reportFailure);
