/** The suite that every `Storage` runs. */
export { conformReads } from './reads';
export { conformWatches } from './watches';
export { conformWrites } from './writes';
