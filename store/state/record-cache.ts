/**
 * The current records that writes read last, within a bound of bytes: an overwrite needs the old
 * record, and a point read of the engine costs several times as much as this. Kept true by the
 * apply path alone, which is the only writer.
 */
import type { CurrentRecord } from '../mvcc';

/** Bytes a record takes beside its own: objects, views, the map. */
const RECORD_OVERHEAD_BYTES = 500;

/** Least recently used records go first. */
export class RecordCache {
  readonly #bytesMax: number;
  readonly #records = new Map<string, CurrentRecord>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(id: string): CurrentRecord | undefined {
    const record = this.#records.get(id);
    if (record !== undefined) {
      this.#records.delete(id);
      this.#records.set(id, record);
    }
    return record;
  }

  /** Sets what the key is now; undefined for deleted. */
  set(id: string, record: CurrentRecord | undefined): void {
    const previous = this.#records.get(id);
    if (previous !== undefined) {
      this.#bytes -= bytesOf(previous);
      this.#records.delete(id);
    }
    if (record === undefined) return;
    this.#records.set(id, record);
    this.#bytes += bytesOf(record);
    for (const [oldest, { engineKey, engineValue }] of this.#records) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#records.delete(oldest);
      this.#bytes -= engineKey.length + engineValue.length + RECORD_OVERHEAD_BYTES;
    }
  }
}

function bytesOf({ engineKey, engineValue }: CurrentRecord): number {
  return engineKey.length + engineValue.length + RECORD_OVERHEAD_BYTES;
}
