/**
 * Which names are valid, with the texts of k8s apimachinery/util/validation and api/validation.
 */

/** The rule a resource's names follow. */
export type NameRule = 'dnsSubdomain' | 'dnsLabel' | 'dns1035Label' | 'pathSegment';

/** What is wrong with a name by its rule; empty if nothing. `isPrefix`: a generateName. */
export function nameProblems(rule: NameRule, name: string, isPrefix = false): readonly string[] {
  switch (rule) {
    case 'dnsSubdomain':
      return dnsSubdomainProblems(maskTrailingDash(name, isPrefix));
    case 'dnsLabel':
      return dnsLabelProblems(maskTrailingDash(name, isPrefix));
    case 'dns1035Label':
      return dns1035LabelProblems(maskTrailingDash(name, isPrefix));
    case 'pathSegment':
      return pathSegmentProblems(name, isPrefix);
  }
}

const dnsLabelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dnsLabelText =
  'a lowercase RFC 1123 label must consist of lower case alphanumeric characters or ' +
  "'-', and must start and end with an alphanumeric character";
const dnsSubdomainPattern = `${dnsLabelPattern}(\\.${dnsLabelPattern})*`;
const dnsSubdomainText =
  'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
  "'-' or '.', and must start and end with an alphanumeric character";
const dns1035Pattern = '[a-z]([-a-z0-9]*[a-z0-9])?';
const dns1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an " +
  'alphabetic character, and end with an alphanumeric character';

const dnsLabelExpression = new RegExp(`^${dnsLabelPattern}$`);
const dnsSubdomainExpression = new RegExp(`^${dnsSubdomainPattern}$`);
const dns1035Expression = new RegExp(`^${dns1035Pattern}$`);

/** RFC 1123 label: namespaces and others, at most 63 characters. */
export function dnsLabelProblems(value: string): readonly string[] {
  return [
    ...tooLong(value, 63),
    ...mismatch(value, dnsLabelExpression, dnsLabelText, dnsLabelPattern, 'my-name', '123-abc'),
  ];
}

/** RFC 1123 subdomain: most names, at most 253 characters. */
export function dnsSubdomainProblems(value: string): readonly string[] {
  const problems = mismatch(
    value,
    dnsSubdomainExpression,
    dnsSubdomainText,
    dnsSubdomainPattern,
    'example.com',
  );
  return [...tooLong(value, 253), ...problems];
}

/** RFC 1035 label: services, at most 63 characters, begins with a letter. */
export function dns1035LabelProblems(value: string): readonly string[] {
  return [
    ...tooLong(value, 63),
    ...mismatch(value, dns1035Expression, dns1035Text, dns1035Pattern, 'my-name', 'abc-123'),
  ];
}

/** Anything that is one path segment: RBAC objects and others. */
export function pathSegmentProblems(value: string, isPrefix = false): readonly string[] {
  const problems: string[] = [];
  if (!isPrefix && (value === '.' || value === '..')) problems.push(`may not be '${value}'`);
  for (const part of ['/', '%']) {
    if (value.includes(part)) problems.push(`may not contain '${part}'`);
  }
  return problems;
}

/** A trailing dash is fine in a prefix, since characters follow it. */
function maskTrailingDash(name: string, isPrefix: boolean): string {
  return isPrefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -1)}a` : name;
}

function tooLong(value: string, most: number): readonly string[] {
  return value.length > most ? [`must be no more than ${String(most)} characters`] : [];
}

function mismatch(
  value: string,
  expression: RegExp,
  text: string,
  pattern: string,
  ...examples: readonly string[]
): readonly string[] {
  if (expression.test(value)) return [];
  const shown = examples.map((each) => `'${each}'`).join(',  or ');
  return [`${text} (e.g. ${shown}, regex used for validation is '${pattern}')`];
}
