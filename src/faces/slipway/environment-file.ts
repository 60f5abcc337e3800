// SPDX-License-Identifier: Apache-2.0
// Files of variables: NAME=value, or NAME alone; blank lines and lines that begin with # say nothing. Values are taken
// as they stand, without quotes or expansion, as docker's --env-file takes them.
import { SlipwayError } from '../../model/index.ts';

export type Variable = { readonly name: string; readonly value: string | undefined };

const namePattern = /^[^\s=\0]+$/;

/** `NAME=value` or `NAME`, or undefined where the name is none. */
export function parseVariable(text: string): Variable | undefined {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!namePattern.test(name) || text.includes('\0')) return undefined;
  return { name, value: equals < 0 ? undefined : text.slice(equals + 1) };
}

/** @throws SlipwayError `environment-file-malformed` with the line. */
export function parseEnvironmentFile(text: string, path: string): readonly Variable[] {
  return text.split('\n').flatMap((line, index) => {
    const content = line.replace(/\r$/, '').trimStart();
    if (content === '' || content.startsWith('#')) return [];
    const variable = parseVariable(content);
    if (variable === undefined) {
      throw new SlipwayError('environment-file-malformed', { path, line: index + 1, reason: 'it names no variable' });
    }
    return [variable];
  });
}
