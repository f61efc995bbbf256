/**
 * Times as the API writes them, without a clock: RFC 3339 in UTC, whole seconds or microseconds,
 * and durations as tables show them. Civil dates are computed here, since the ambient `Date` is
 * not for floors that must be deterministic.
 */

const dayMs = 86_400_000;
/** Years of 400 are one era; a year begins in March, so that the leap day is its last. */
const eraDays = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const epochDays = 719_468;

/** `2026-01-31T12:00:00Z` of milliseconds since 1970; fractions are cut off. */
export function formatTime(wallMs: number): string {
  const days = Math.floor(wallMs / dayMs);
  const seconds = Math.floor((wallMs - days * dayMs) / 1000);
  return `${dateText(days)}T${timeText(seconds)}Z`;
}

/** `2026-01-31T12:00:00.000000Z`; `micros` are the millionths of the second. */
export function formatMicroTime(wallMs: number, micros?: number): string {
  const fraction = micros ?? (((wallMs % 1000) + 1000) % 1000) * 1000;
  return `${formatTime(wallMs).slice(0, -1)}.${pad(Math.floor(fraction), 6)}Z`;
}

/** A point in time, exact to the microsecond. */
export interface ParsedTime {
  readonly wallMs: number;
  /** Millionths of the second. */
  readonly micros: number;
}

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Parses RFC 3339 with any offset; undefined if the text is none. */
export function parseTimestamp(text: string): ParsedTime | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  if (!isDate || hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (offsetHours > 24 || offsetMinutes > 59) return undefined;
  const sign = match[8] === '-' ? -1 : 1;
  const offset = sign * (offsetHours * 60 + offsetMinutes) * 60;
  const seconds = hour * 3600 + minute * 60 + second - offset;
  const micros = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  const wholeMs = daysFromCivil(year, month, day) * dayMs + seconds * 1000;
  return { wallMs: wholeMs + Math.floor(micros / 1000), micros };
}

/** Milliseconds since 1970; undefined if the text is no time. */
export function parseTime(text: string): number | undefined {
  return parseTimestamp(text)?.wallMs;
}

/** The form in which k8s `metav1.Time` is stored: UTC, whole seconds. */
export function canonicalTime(text: string): string | undefined {
  const time = parseTimestamp(text);
  return time === undefined ? undefined : formatTime(time.wallMs);
}

/** The form in which k8s `metav1.MicroTime` is stored: UTC, six digits. */
export function canonicalMicroTime(text: string): string | undefined {
  const time = parseTimestamp(text);
  return time === undefined ? undefined : formatMicroTime(time.wallMs, time.micros);
}

/** Why a text is no time, in the words of Go's `time.Parse`. */
export function timeProblem(text: string, layout: 'seconds' | 'micros'): string {
  const fraction = layout === 'micros' ? '.000000' : '';
  const shape = `2006-01-02T15:04:05${fraction}Z07:00`;
  const head = `parsing time ${JSON.stringify(text)}`;
  let rest = text;
  const elements = ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05'];
  for (const element of elements) {
    const isDigits = /^\d/.test(element);
    const found = isDigits
      ? new RegExp(`^\\d{${String(element.length)}}`).exec(rest)?.[0]
      : element;
    if (found === undefined || !rest.startsWith(found)) {
      return `${head} as "${shape}": cannot parse ${JSON.stringify(rest)} as "${element}"`;
    }
    rest = rest.slice(found.length);
  }
  rest = rest.replace(/^[.,]\d+/, '');
  const zone = /^(?:Z|[+-]\d\d:\d\d)/.exec(rest)?.[0];
  if (zone === undefined) {
    return `${head} as "${shape}": cannot parse ${JSON.stringify(rest)} as "Z07:00"`;
  }
  if (rest.length > zone.length) {
    return `${head}: extra text: ${JSON.stringify(rest.slice(zone.length))}`;
  }
  return `${head}: ${rangeProblem(text)} out of range`;
}

function rangeProblem(text: string): string {
  const [, month = 0, , hour = 0, minute = 0, second = 0] = text.split(/[-T:.,Z+]/).map(Number);
  if (month < 1 || month > 12) return 'month';
  if (hour > 23) return 'hour';
  if (minute > 59) return 'minute';
  return second > 59 ? 'second' : 'day';
}

/** How long something took or is old, as tables show it: `5m`, `3d4h` (k8s: HumanDuration). */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  // Clocks of machines differ a little; more than a second in the future is no age.
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${String(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return twoParts(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${String(minutes)}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return twoParts(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${String(hours)}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return twoParts(days, 'd', hours % 24, 'h');
  if (days < 730) return `${String(days)}d`;
  const years = Math.floor(days / 365);
  return days < 2920 ? twoParts(years, 'y', days % 365, 'd') : `${String(years)}y`;
}

function twoParts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const tail = small === 0 ? '' : `${String(small)}${smallUnit}`;
  return `${String(large)}${largeUnit}${tail}`;
}

function dateText(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function timeText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => pad(part, 2)).join(':');
}

function civilFromDays(sinceEpoch: number): { year: number; month: number; day: number } {
  const days = sinceEpoch + epochDays;
  const era = Math.floor(days / eraDays);
  const ofEra = days - era * eraDays;
  const leaps = Math.floor(ofEra / 1460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const yearOfEra = Math.floor((ofEra - leaps) / 365);
  const ofYear =
    ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const ofEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + ofYear;
  return era * eraDays + ofEra - epochDays;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
