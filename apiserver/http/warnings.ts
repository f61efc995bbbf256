/** `Warning` headers: what the server noticed and the client's user should read (K38). */

/** Collects the warnings of one request, each text once, within a bound of bytes. */
export class Warnings {
  readonly #bytesMax: number;
  readonly #headers: string[] = [];
  readonly #seen = new Set<string>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Adds a text; one that would go over the bound is left out, as is a repetition. */
  add(text: string): void {
    if (this.#seen.has(text)) return;
    this.#seen.add(text);
    const header = warningHeader(text);
    if (this.#bytes + header.length > this.#bytesMax) return;
    this.#bytes += header.length;
    this.#headers.push(header);
  }

  /** The values of the answer's `warning` headers. */
  headers(): readonly string[] {
    return this.#headers;
  }
}

/**
 * `299 - "text"` (RFC 7234 5.5): quotes and backslashes escaped. A header cannot hold control
 * characters, and node writes it as latin1, so both become spaces or question marks.
 */
function warningHeader(text: string): string {
  const printable = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').replace(/[^\u0020-\u00ff]/gu, '?');
  return `299 - "${printable.replace(/[\\"]/g, '\\$&')}"`;
}
