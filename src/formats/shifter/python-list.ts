// SPDX-License-Identifier: Apache-2.0
// Lists of texts as Python's repr() prints them. Shifter's gateway writes an image's entry point so, and its runtime takes
// every '…' span for a word, without escapes.

/** `['/bin/sh', '-c']`; a word with a single quote and no double one stands in double quotes, as Python does it. */
export function formatPythonList(words: readonly string[]): string {
  return `[${words.map(formatWord).join(', ')}]`;
}

function formatWord(word: string): string {
  const quote = word.includes("'") && !word.includes('"') ? '"' : "'";
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    // oxlint-disable-next-line no-control-regex
    .replaceAll(/[\0-\u001F\u007F]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}

/**
 * The words of such a list (`u'…'` of Python 2 too), or of a JSON list; undefined for a text of neither form, which
 * means itself as one word.
 */
export function parsePythonList(text: string): readonly string[] | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined;
  const words: string[] = [];
  let at = 1;
  const skipBlanks = (): void => {
    while (text[at] === ' ' || text[at] === '\t') at += 1;
  };
  skipBlanks();
  while (text[at] !== ']') {
    if (words.length > 0) {
      if (text[at] !== ',') return undefined;
      at += 1;
      skipBlanks();
    }
    if (text[at] === 'u') at += 1;
    const word = readWord(text, at);
    if (word === undefined) return undefined;
    words.push(word.value);
    at = word.end;
    skipBlanks();
  }
  return at === text.length - 1 ? words : undefined;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function readWord(text: string, start: number): { readonly value: string; readonly end: number } | undefined {
  const quote = text[start];
  if (quote !== "'" && quote !== '"') return undefined;
  let value = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === quote) return { value, end: at + 1 };
    if (character !== '\\') {
      value += character;
      continue;
    }
    at += 1;
    const escaped = text[at] ?? '';
    const code = /^(?:x([0-9a-f]{2})|u([0-9a-fA-F]{4}))/.exec(text.slice(at, at + 5));
    if (code === null) {
      value += escapes[escaped] ?? escaped;
      continue;
    }
    value += String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? '0', 16));
    at += code[0].length - 1;
  }
  return undefined;
}
