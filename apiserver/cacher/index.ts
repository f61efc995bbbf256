/** The watch cache: `Storage` out of memory, in front of the store. */
export { Cacher, type CacherOptions } from './cacher';
export { DEFAULT_CACHER_LIMITS, type CacherLimits } from './limits';
