/**
 * The check at open (spec: store 6, point 2). LevelDB may open without a word after it lost batches
 * from the middle of its log; this walks what lies after the last flush, which is all that its log
 * can hold, and shows a hole: the journal must be linked without a gap from `flushed` to `applied`,
 * and so must the revision log, whose fold must end as `applied` says.
 *
 * A failed check is final here (S7): the directory is not repaired in place.
 */
import type { KvEngine } from '../engine';
import {
  continueFold,
  corrupt,
  decodeJournal,
  decodeRevisionLog,
  journalKey,
  NAMESPACE,
  namespaceBounds,
  revisionBounds,
  startFold,
  type AppliedRecord,
  type FlushedRecord,
} from '../mvcc';

/** Checks what was applied after `flushed`; throws `STORE_CORRUPT` for any hole or damage. */
export async function checkIntegrity(
  engine: KvEngine,
  applied: AppliedRecord,
  flushed: FlushedRecord,
): Promise<void> {
  const { location } = engine;
  if (applied.index < flushed.index || applied.revision < flushed.revision) {
    throw corrupt(
      location,
      `it has applied index ${String(applied.index)} and revision ${String(applied.revision)}, ` +
        `though index ${String(flushed.index)} and revision ${String(flushed.revision)} were ` +
        'made safe before',
    );
  }
  await checkJournal(engine, applied, flushed);
  await checkRevisionLog(engine, applied, flushed);
}

async function checkJournal(
  engine: KvEngine,
  applied: AppliedRecord,
  flushed: FlushedRecord,
): Promise<void> {
  const { location } = engine;
  const start = journalKey(flushed.index + 1);
  const { end } = namespaceBounds(NAMESPACE.journal);
  let lastIndex = flushed.index;
  let { link } = flushed;
  for await (const { key, value } of entriesOf(engine, { start, end })) {
    const record = decodeJournal(location, key, value);
    if (record.firstIndex !== lastIndex + 1) {
      const gap = `${String(lastIndex + 1)} to ${String(record.firstIndex - 1)}`;
      throw corrupt(location, `the journal misses entries ${gap}`);
    }
    if (record.previousLink !== link) {
      throw corrupt(location, `journal record ${String(record.lastIndex)} follows another one`);
    }
    lastIndex = record.lastIndex;
    link = record.link;
  }
  if (lastIndex !== applied.index || link !== applied.link) {
    const found = `the journal ends at entry ${String(lastIndex)}`;
    throw corrupt(location, `${found}, the applied index is ${String(applied.index)}`);
  }
}

async function checkRevisionLog(
  engine: KvEngine,
  applied: AppliedRecord,
  flushed: FlushedRecord,
): Promise<void> {
  const { location } = engine;
  // Compaction may have removed what lies below it; at and above it nothing may be missing.
  const isTrimmed = applied.compactRevision > flushed.revision + 1;
  const first = isTrimmed ? applied.compactRevision : flushed.revision + 1;
  let main = first - 1;
  let fold = flushed.fold;
  let isFoldKnown = !isTrimmed;
  let expected: { readonly changeCount: number; readonly fold: number } | undefined;
  let sub = 0;
  const complete = (): void => {
    if (expected === undefined) return;
    const isWhole = sub === expected.changeCount && (!isFoldKnown || fold === expected.fold);
    if (!isWhole) throw corrupt(location, `revision ${String(main)} is not what was written`);
    fold = expected.fold;
    isFoldKnown = true;
  };
  const bounds = revisionBounds(NAMESPACE.revisionLog, first);
  for await (const { key, value } of entriesOf(engine, bounds)) {
    const record = decodeRevisionLog(location, key, value);
    if (record.sub === 0) {
      complete();
      if (record.main !== main + 1) {
        throw corrupt(location, `the revision log misses revision ${String(main + 1)}`);
      }
      main = record.main;
      expected = record.head;
      sub = 0;
      fold = startFold(fold);
    }
    if (record.main !== main || record.sub !== sub) {
      throw corrupt(location, `the revision log misses a change of revision ${String(main)}`);
    }
    fold = continueFold(fold, record.folded);
    sub += 1;
  }
  complete();
  if (main !== applied.revision || (isFoldKnown && fold !== applied.fold)) {
    const found = `the revision log ends at ${String(main)}`;
    throw corrupt(location, `${found}, the revision is ${String(applied.revision)}`);
  }
}

async function* entriesOf(
  engine: KvEngine,
  range: { readonly start: Uint8Array; readonly end: Uint8Array | undefined },
): AsyncGenerator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  const iterator = engine.iterate(range);
  try {
    for (;;) {
      const chunk = await iterator.next(1000);
      if (chunk.length === 0) return;
      yield* chunk;
    }
  } finally {
    await iterator.close();
  }
}
