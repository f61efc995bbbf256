/**
 * A 128-bit hash for comparing contents (not against an adversary), and sums of such hashes. The
 * function is MurmurHash3 x86_128; all four lanes may be seeded, so one hash continues another.
 * A sum adds lane by lane modulo 2^32, so members can be added and taken away in any order.
 */

/** Four 32-bit lanes. */
export type Hash128 = Int32Array;

const C1 = 0x239b_961b;
const C2 = 0xab0e_9789 | 0;
const C3 = 0x38b3_4ae5;
const C4 = 0xa1e3_8b93 | 0;

/** The sum of nothing. */
export function emptyHash128(): Hash128 {
  return new Int32Array(4);
}

/** Hashes `bytes` into `lanes`, which holds zeros at first, or the hash to continue. */
export function hash128(bytes: Uint8Array, lanes: Hash128): void {
  const blocks = bytes.length & ~15;
  let [h1, h2, h3, h4] = lanes as unknown as [number, number, number, number];
  for (let at = 0; at < blocks; at += 16) {
    h1 = mix1(h1, wordAt(bytes, at));
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561c_cd1b) | 0;
    h2 = mix2(h2, wordAt(bytes, at + 4));
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bca_a747) | 0;
    h3 = mix3(h3, wordAt(bytes, at + 8));
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd_1c35) | 0;
    h4 = mix4(h4, wordAt(bytes, at + 12));
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac_3b17) | 0;
  }
  // The rest, padded with zeros: a lane that is all padding mixes to itself.
  if (blocks < bytes.length) {
    h1 = mix1(h1, tailAt(bytes, blocks));
    h2 = mix2(h2, tailAt(bytes, blocks + 4));
    h3 = mix3(h3, tailAt(bytes, blocks + 8));
    h4 = mix4(h4, tailAt(bytes, blocks + 12));
  }
  finish(lanes, h1, h2, h3, h4, bytes.length);
}

/** `sum += hash`. */
export function addHash128(sum: Hash128, hash: Hash128): void {
  for (let lane = 0; lane < 4; lane++) sum[lane] = (sum[lane] as number) + (hash[lane] as number);
}

/** `sum -= hash`. */
export function subtractHash128(sum: Hash128, hash: Hash128): void {
  for (let lane = 0; lane < 4; lane++) sum[lane] = (sum[lane] as number) - (hash[lane] as number);
}

/** 32 hex digits. */
export function hash128ToHex(hash: Hash128): string {
  return Array.from(hash, (lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

function mix1(lane: number, word: number): number {
  const k = Math.imul(word, C1);
  return lane ^ Math.imul((k << 15) | (k >>> 17), C2);
}

function mix2(lane: number, word: number): number {
  const k = Math.imul(word, C2);
  return lane ^ Math.imul((k << 16) | (k >>> 16), C3);
}

function mix3(lane: number, word: number): number {
  const k = Math.imul(word, C3);
  return lane ^ Math.imul((k << 17) | (k >>> 15), C4);
}

function mix4(lane: number, word: number): number {
  const k = Math.imul(word, C4);
  return lane ^ Math.imul((k << 18) | (k >>> 14), C1);
}

function finish(
  lanes: Hash128,
  h1: number,
  h2: number,
  h3: number,
  h4: number,
  length: number,
): void {
  let a = h1 ^ length;
  let b = h2 ^ length;
  let c = h3 ^ length;
  let d = h4 ^ length;
  a = (a + b + c + d) | 0;
  b = avalanche((b + a) | 0);
  c = avalanche((c + a) | 0);
  d = avalanche((d + a) | 0);
  a = avalanche(a);
  a = (a + b + c + d) | 0;
  lanes[0] = a;
  lanes[1] = b + a;
  lanes[2] = c + a;
  lanes[3] = d + a;
}

function avalanche(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85eb_ca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function tailAt(bytes: Uint8Array, at: number): number {
  let word = 0;
  for (let i = 0; i < 4 && at + i < bytes.length; i++) word |= (bytes[at + i] as number) << (8 * i);
  return word;
}
