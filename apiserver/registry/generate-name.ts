/** What the server invents for a new object: the end of its name and its uid (K42). */
import type { Random } from '../../base/random';

/** No vowels, and nothing that looks like something else: no accidental words (k8s: util/rand). */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
/** With the suffix 63, the longest DNS label. */
const BASE_LENGTH_MAX = 58;

/** A name that begins with `base`, cut to 58 characters, and ends in five drawn ones. */
export function generateName(base: string, random: Random): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => drawn(random));
  return base.slice(0, BASE_LENGTH_MAX) + suffix.join('');
}

function drawn(random: Random): string {
  return SUFFIX_ALPHABET.charAt(random.below(SUFFIX_ALPHABET.length));
}

/** A random uid: RFC 9562 version 4. */
export function newUid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
