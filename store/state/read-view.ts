/**
 * What reads see. A batch is written in another thread: for a while the engine may or may not show
 * it, while the replica still answers with the revision before. Reads therefore use a view, an
 * engine snapshot with the revisions that belong to it. One is made before each write and, when no
 * write is in flight, on demand; readers share it.
 */
import { assert } from '../../base/assert';
import type { EngineSnapshot, KvEngine } from '../engine';
import type { Revision } from '../kv';

/** One moment of the state. Give it back with `release`. */
export interface ReadView {
  readonly snapshot: EngineSnapshot;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  release(): void;
}

/** Revisions of the state that reads may see now. */
export interface VisibleState {
  readonly revision: Revision;
  readonly compactRevision: Revision;
}

class SharedView implements VisibleState {
  readonly snapshot: EngineSnapshot;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  #users = 0;

  constructor(snapshot: EngineSnapshot, visible: VisibleState) {
    this.snapshot = snapshot;
    this.revision = visible.revision;
    this.compactRevision = visible.compactRevision;
  }

  acquire(): ReadView {
    this.#users += 1;
    const { snapshot, revision, compactRevision } = this;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.drop();
    };
    return { snapshot, revision, compactRevision, release };
  }

  /** One user less; the last one closes the snapshot. */
  drop(): void {
    assert(this.#users > 0, 'a view is released as often as it was acquired');
    this.#users -= 1;
    if (this.#users === 0) this.snapshot.close();
  }
}

/** Makes and shares views. */
export class ReadViews {
  readonly #engine: KvEngine;
  readonly #visible: () => VisibleState;
  /** Held by this class as one user, until the state moves on. */
  #current: { readonly shared: SharedView; readonly held: ReadView } | undefined;
  #isWriting = false;

  constructor(engine: KvEngine, visible: () => VisibleState) {
    this.#engine = engine;
    this.#visible = visible;
  }

  /** Whether the engine shows exactly the visible state, so that a read needs no snapshot. */
  get isSettled(): boolean {
    return !this.#isWriting;
  }

  acquire(): ReadView {
    return this.#shared().acquire();
  }

  /** The engine is about to change: until `endWrite` reads see the state of now. */
  beginWrite(): void {
    assert(!this.#isWriting, 'one write at a time');
    this.#shared();
    this.#isWriting = true;
  }

  /** The write is done and the visible state has moved with it. */
  endWrite(): void {
    assert(this.#isWriting, 'a write ends once');
    this.#isWriting = false;
    this.#current?.held.release();
    this.#current = undefined;
  }

  /** Lets go of the kept view. */
  close(): void {
    this.#current?.held.release();
    this.#current = undefined;
  }

  #shared(): SharedView {
    if (this.#current === undefined) {
      assert(!this.#isWriting, 'a view is made before the write begins');
      const shared = new SharedView(this.#engine.snapshot(), this.#visible());
      this.#current = { shared, held: shared.acquire() };
    }
    return this.#current.shared;
  }
}
