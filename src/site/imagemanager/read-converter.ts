// SPDX-License-Identifier: Apache-2.0
// Who writes squashfs files: Slipway itself, unless the options that a site gives to mksquashfs say more than it knows.
import type { Fields } from './fields.ts';
import type { GatewayConfig } from './types.ts';

type Chosen = Pick<GatewayConfig, 'converter' | 'compressionLevel'>;

/** What Shifter's gateway gives to mksquashfs where nobody says otherwise. */
const usualOptions: readonly string[] = ['-no-xattrs'];

export function readConverter(fields: Fields): Chosen {
  const options = readOptions(fields);
  const wanted = fields.text('Converter');
  if (wanted !== undefined && wanted !== 'slipway' && wanted !== 'mksquashfs') {
    fields.problem('error', 'Converter', `there are slipway and mksquashfs, not ${wanted}`);
  }
  const level = options === undefined ? undefined : understood(options);
  if (wanted === 'mksquashfs' || (wanted === undefined && level === 'not')) {
    if (wanted === undefined) {
      fields.problem('warning', 'ConverterOptions', `mksquashfs writes images, as only it knows ${options?.join(' ')}`);
    }
    return { converter: { kind: 'mksquashfs', options: options ?? usualOptions }, compressionLevel: undefined };
  }
  if (level === 'not') fields.problem('warning', 'ConverterOptions', 'only mksquashfs knows these options');
  return { converter: { kind: 'slipway' }, compressionLevel: typeof level === 'number' ? level : undefined };
}

function readOptions(fields: Fields): readonly string[] | undefined {
  const section = fields.map('ConverterOptions');
  if (section === undefined) return undefined;
  // In Shifter a text is split at blanks, a list is taken as it is.
  const given = section.texts('squashfs');
  const words = given?.length === 1 ? (given[0] ?? '').split(/\s+/).filter((word) => word !== '') : given;
  for (const format of section.names()) {
    if (format !== 'squashfs') section.ignore(format, 'only squashfs is made');
  }
  const program = words?.find((word) => /^-(?:ef|pf|sort|wildcards|regex|recover|action|p|append|e)/.test(word));
  if (program !== undefined) section.problem('error', 'squashfs', `${program} would change what is in images`);
  return words;
}

/** The compression level where Slipway's own writer can do what the options ask for. */
function understood(options: readonly string[]): number | undefined | 'not' {
  let level: number | undefined;
  for (let at = 0; at < options.length; at += 1) {
    const [word, next] = [options[at], options[at + 1]];
    if (word === '-no-xattrs' || word === '-noappend' || word === '-no-progress' || word === '-all-root') continue;
    at += 1;
    if (word === '-comp' && next === 'zstd') continue;
    if (word === '-processors' && next !== undefined) continue;
    if (word === '-Xcompression-level' && /^(?:[1-9]|1[0-9]|2[0-2])$/.test(next ?? '')) level = Number(next);
    else return 'not';
  }
  return level;
}
