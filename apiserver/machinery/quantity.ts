/**
 * Quantities: `500m`, `1Gi`, `1e3` (K32). Built-in types write them back in canonical form: no
 * precision lost, no fraction, the largest suffix of the family the client used. The arithmetic is
 * exact, in nanos, the smallest unit there is. k8s: apimachinery/pkg/api/resource/quantity.go.
 */

/** Which suffixes a quantity is written with. */
type Family = 'binary' | 'decimal' | 'exponent';

/** A parsed quantity. */
export interface Quantity {
  /** Billionths; k8s rounds what is smaller away from zero. */
  readonly nanos: bigint;
  readonly family: Family;
}

/** The text of the 400 for what is no quantity. */
export const quantityFormatText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const binaryPowers = new Map([
  ['Ki', 10n],
  ['Mi', 20n],
  ['Gi', 30n],
  ['Ti', 40n],
  ['Pi', 50n],
  ['Ei', 60n],
]);
const decimalPowers = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const decimalSuffixes = new Map([...decimalPowers].map(([suffix, power]) => [power, suffix]));
const binarySuffixes = ['', ...binaryPowers.keys()];

const nano = 1_000_000_000n;
/** 2^63-1: larger values become it. */
const nanosMax = 9_223_372_036_854_775_807n * nano;
/** Exponents beyond this are over the largest or under the smallest value anyway. */
const exponentMax = 100;

/** Parses a quantity; undefined if the text is none. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const scale = scaleOf(suffix);
  if (scale === undefined) return undefined;
  // digits * 10^(power - fraction.length) * 2^shift, in billionths.
  const exponent = scale.power + 9 - fraction.length;
  let nanos = BigInt(whole + fraction) << scale.shift;
  if (exponent >= 0) {
    nanos *= 10n ** BigInt(exponent);
  } else {
    const divisor = 10n ** BigInt(-exponent);
    nanos = (nanos + divisor - 1n) / divisor; // Away from zero; the sign comes after.
  }
  if (nanos > nanosMax) nanos = nanosMax;
  return { nanos: sign === '-' ? -nanos : nanos, family: scale.family };
}

interface Scale {
  readonly family: Family;
  readonly power: number;
  readonly shift: bigint;
}

function scaleOf(suffix: string): Scale | undefined {
  const power = decimalPowers.get(suffix);
  if (power !== undefined) return { family: 'decimal', power, shift: 0n };
  const shift = binaryPowers.get(suffix);
  if (shift !== undefined) return { family: 'binary', power: 0, shift };
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) return undefined;
  const bounded = Math.max(-exponentMax, Math.min(exponentMax, Number(exponent)));
  return { family: 'exponent', power: bounded, shift: 0n };
}

/** The canonical text: `1000m` is `1`, `0.5` is `500m`, `1024Ki` is `1Mi`. */
export function formatQuantity({ nanos, family }: Quantity): string {
  if (nanos === 0n) return '0';
  if (family === 'binary' && isWholeAndLarge(nanos)) {
    let number = nanos / nano;
    let step = 0;
    while (number % 1024n === 0n && step < binarySuffixes.length - 1) {
      number /= 1024n;
      step++;
    }
    return `${number.toString()}${binarySuffixes[step] ?? ''}`;
  }
  let number = nanos;
  let power = -9;
  while (number % 1000n === 0n && power < 18) {
    number /= 1000n;
    power += 3;
  }
  if (family === 'exponent') {
    return power === 0 ? number.toString() : `${number.toString()}e${String(power)}`;
  }
  return `${number.toString()}${decimalSuffixes.get(power) ?? ''}`;
}

/** Small or broken numbers are written in decimals: binary suffixes would lose digits. */
function isWholeAndLarge(nanos: bigint): boolean {
  const size = nanos < 0n ? -nanos : nanos;
  return size >= 1024n * nano && nanos % nano === 0n;
}

/** The canonical text of a quantity's text; undefined if it is none. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text.trim());
  return quantity === undefined ? undefined : formatQuantity(quantity);
}
