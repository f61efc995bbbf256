/**
 * How deep a YAML text nests, judged before it is parsed (K30): the library's parser recurses for
 * each level, and a text of a few thousand brackets would end the whole process with it. Counted
 * on the tokens, from above: a text is never less deep than this says it may be.
 */

/** Deeper texts are refused. The library's recursion is known to bear twice as much. */
export const yamlDepthMax = 1000;

/** Whether a text, given as its tokens, nests deeper than `yamlDepthMax`; reads no further. */
export function isYamlTooDeep(tokens: Iterable<string>): boolean {
  const place = { flowDepth: 0, column: 0, mayBegin: true };
  /** Columns at which block collections that are still open begin. */
  const columns: number[] = [];
  let isScalarText = false;
  for (const token of tokens) {
    if (isMark(token)) {
      isScalarText = token === SCALAR;
      continue;
    }
    if (!isScalarText) place.flowDepth = Math.max(0, place.flowDepth + flowStep(token));
    const isBlank = token.trim() === '';
    if (place.mayBegin && place.flowDepth === 0 && !isBlank) open(columns, place.column);
    // A map and a list in it may begin at one column, so each column stands for two levels.
    if (place.flowDepth + 2 * columns.length > yamlDepthMax) return true;
    const lineEnd = token.lastIndexOf('\n');
    if (lineEnd === -1) place.column += token.length;
    else place.column = token.length - lineEnd - 1;
    if (!isBlank || lineEnd !== -1) place.mayBegin = lineEnd !== -1 || isIndicator(token);
    isScalarText = false;
  }
  return false;
}

function flowStep(token: string): number {
  if (token === '[' || token === '{') return 1;
  return token === ']' || token === '}' ? -1 : 0;
}

/** The lexer's marks that are not in the text. */
const DOCUMENT = '\x02';
const FLOW_END = '\x18';
const SCALAR = '\x1f';

function isMark(token: string): boolean {
  return token === DOCUMENT || token === FLOW_END || token === SCALAR;
}

/** What another collection may begin behind, in the same line. */
function isIndicator(token: string): boolean {
  return token === '-' || token === '?' || token === ':' || /^[&!]/.test(token);
}

function open(columns: number[], column: number): void {
  while ((columns.at(-1) ?? -1) > column) columns.pop();
  if ((columns.at(-1) ?? -1) < column) columns.push(column);
}
