/** Schemas of built-in types: reading, decoding. */
export * from './builtin-types';
export * from './decode';
export * from './structural-schema';
