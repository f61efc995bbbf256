/** `up.json`: what runs now, for scripts and for the other commands. */
import { rmSync } from 'node:fs';
import { writePrivateFile } from './data-directory';
import type { SupervisedProcess } from './supervisor';

/** The contents of `up.json`. */
export interface UpFile {
  readonly kubeconfig: string;
  readonly processes: readonly SupervisedProcess[];
  /** The front port, with several API servers. */
  readonly front?: string;
}

/** Keeps `up.json` current: each change replaces it in one step, the end removes it. */
export class UpFileWriter {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes the file if it differs from what was written last. */
  write(contents: UpFile): void {
    const text = `${JSON.stringify(contents, undefined, 2)}\n`;
    if (text === this.#written) return;
    writePrivateFile(this.#path, text);
    this.#written = text;
  }

  /** Removes it: nothing runs any more. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
