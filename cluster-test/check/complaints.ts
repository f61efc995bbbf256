/** Where checkers say what is wrong. The first complaint ends a run; the others may help. */

/** Violations in the order in which they were seen. */
export class Complaints {
  readonly found: string[] = [];

  /** Says that `invariant` does not hold. */
  add(invariant: string, details: unknown): void {
    if (this.found.length < 20) this.found.push(`${invariant}: ${JSON.stringify(details)}`);
  }
}

/** FNV-1a over anything made of plain objects, arrays, bytes, texts and numbers. */
export function digestOf(value: unknown, basis = 0x811c_9dc5): number {
  let hash = basis;
  if (value instanceof Uint8Array) {
    for (const byte of value) hash = Math.imul(hash ^ byte, 0x0100_0193);
    return Math.imul(hash ^ value.length, 0x0100_0193);
  }
  if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) hash = digestOf(each, digestOf(name, hash));
    return hash;
  }
  const text = String(value);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return Math.imul(hash ^ 0xff, 0x0100_0193);
}
