// SPDX-License-Identifier: Apache-2.0
// The lines of sshd_config(5) and ssh_config(5): `Keyword arguments` or `Keyword=arguments`.

/** The text without the lines that begin with one of these keywords, given in small letters. */
export function withoutKeywords(text: string, keywords: readonly string[]): string {
  return text
    .split('\n')
    .filter((line) => !keywords.includes(keywordOf(line)))
    .join('\n');
}

/** The port that the text gives first; undefined where there is none, or none that can be. */
export function parsePort(text: string): number | undefined {
  const line = text.split('\n').find((each) => keywordOf(each) === 'port');
  const port = Number(/^\s*port[\s=]+"?([0-9]{1,5})"?\s*(?:#.*)?$/i.exec(line ?? '')?.[1]);
  return port > 0 && port < 65_536 ? port : undefined;
}

function keywordOf(line: string): string {
  return /^\s*([A-Za-z0-9]+)/.exec(line)?.[1]?.toLowerCase() ?? '';
}
