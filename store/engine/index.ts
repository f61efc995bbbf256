/** Engines without native code; `level-engine.ts` is imported by `bin` and tests alone. */
export {
  readAll,
  type EngineBatch,
  type EngineEntry,
  type EngineIterateOptions,
  type EngineIterator,
  type EngineRange,
  type EngineReadOptions,
  type EngineSnapshot,
  type KvEngine,
} from './engine';
export { MemoryEngine, type MemoryEngineOptions, type WriteObserver } from './memory-engine';
