/** Schemas of built-in types: reading, decoding. */
export * from './builtin-types';
export * from './decode';
export * from './strategic-merge-patch';
export * from './structural-schema';
