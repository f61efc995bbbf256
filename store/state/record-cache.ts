/**
 * The current records that writes read last, within a bound of bytes: an overwrite needs the old
 * record, and a point read of the engine costs several times as much as this. Kept true by the
 * apply path alone, which is the only writer.
 *
 * Two generations instead of an order of use: what was used since the last turn is in the young
 * one, and when that has half of the bytes it becomes the old one, whose rest is forgotten. A map
 * from which single entries are deleted all the time costs several times as much.
 */
import type { CurrentRecord } from '../mvcc';

/** Bytes a record takes beside its own: objects, views, the map. */
const RECORD_OVERHEAD_BYTES = 800;

/** Forgets what was not used for a while. */
export class RecordCache {
  readonly #youngBytesMax: number;
  #young = new Map<string, CurrentRecord>();
  #old = new Map<string, CurrentRecord>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#youngBytesMax = bytesMax / 2;
  }

  get(id: string): CurrentRecord | undefined {
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old !== undefined) this.#add(id, old);
    return old;
  }

  /** Sets what the key is now; undefined for deleted. */
  set(id: string, record: CurrentRecord | undefined): void {
    if (record !== undefined) {
      this.#add(id, record);
      return;
    }
    // Bytes of deleted records are counted until the next turn: it only comes a little earlier.
    this.#young.delete(id);
    this.#old.delete(id);
  }

  #add(id: string, record: CurrentRecord): void {
    this.#young.set(id, record);
    this.#youngBytes += record.engineKey.length + record.engineValue.length + RECORD_OVERHEAD_BYTES;
    if (this.#youngBytes <= this.#youngBytesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
