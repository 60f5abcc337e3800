// SPDX-License-Identifier: Apache-2.0
// WWW-Authenticate (RFC 9110, sections 11.3 and 11.6.1): one header may hold several challenges, separated by the same
// commas that separate a challenge's parameters, and quoted strings may hold commas, blanks and escapes.

export type Challenge = {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case; the first of a repeated name counts. */
  readonly parameters: ReadonlyMap<string, string>;
};

const maxChallenges = 16;
const blanks = /[ \t]*/y;
const separators = /[ \t,]*/y;
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;

/** The challenges of all header lines, in order. What breaks the grammar ends its line; nothing is thrown. */
export function parseChallenges(lines: readonly string[]): readonly Challenge[] {
  return lines.flatMap(parseLine).slice(0, maxChallenges);
}

function parseLine(line: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const skipSeparators = (): boolean => take(separators)?.[0].includes(',') ?? false;

  skipSeparators();
  while (at < line.length) {
    const word = take(token)?.[0];
    if (word === undefined) return challenges;
    const afterWord = at;
    take(blanks);
    const current = challenges.at(-1);
    if (line[at] === '=' && current !== undefined) {
      at++;
      take(blanks);
      const value = take(quoted)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? take(token)?.[0];
      if (value === undefined) return challenges;
      const name = word.toLowerCase();
      if (!current.parameters.has(name)) current.parameters.set(name, value);
    } else {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      const isFollowed = at > afterWord;
      if (isFollowed && isParameterAhead(line, at)) continue;
      // Credentials in one piece (Negotiate): no scheme of registries uses them.
      if (isFollowed) take(token68);
    }
    take(blanks);
    if (at < line.length && !skipSeparators()) return challenges;
  }
  return challenges;
}

function isParameterAhead(line: string, at: number): boolean {
  const parameter = /[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ \t]*(?:"|[!#$%&'*+.^_`|~0-9A-Za-z-])/y;
  parameter.lastIndex = at;
  return parameter.test(line);
}
