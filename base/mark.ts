/**
 * Coverage marks: `mark('name')` in a rare branch says that it was reached. Tests and simulator
 * runs observe them; in production there is no observer and a mark costs one call.
 */

/** Told the name of each mark as it is reached. */
export type MarkObserver = (name: string) => void;

let observer: MarkObserver | undefined;

/** Says that a rare branch was reached. */
export function mark(name: string): void {
  observer?.(name);
}

/** Sets the observer of this process, for tests; returns the one before. */
export function observeMarks(next: MarkObserver | undefined): MarkObserver | undefined {
  const previous = observer;
  observer = next;
  return previous;
}
