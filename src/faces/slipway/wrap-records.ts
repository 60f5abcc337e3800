// SPDX-License-Identifier: Apache-2.0
// `slipway wrap show|compare|rebuild`: what exactly is installed, and the same again.
import { resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import {
  compareRecords,
  explicitList,
  type InstallationRecord,
  lockedRequirements,
  type PackageRecord,
  readRecord,
  type RecordDifference,
} from '../../wrap/index.ts';
import { withTextFiles } from '../../sys/text-files.ts';
import { writeTable } from '../terminal/table.ts';
import type { CommandContext } from './context.ts';
import { wrap } from './descriptions/wrap.ts';
import { fieldsText } from './fields.ts';
import { usageError } from './read-command-line.ts';
import { installWith, type WrapLine } from './wrap-install.ts';

export async function showInstallation(line: WrapLine, { environment }: CommandContext): Promise<number> {
  const record = await readNamed(line, 1, environment.workingDirectory);
  environment.stdout.write(line.has('json') ? `${JSON.stringify(record, undefined, 2)}\n` : recordText(record));
  return 0;
}

function recordText(record: InstallationRecord): string {
  const shown = (each: PackageRecord): string =>
    `${each.name} ${each.version}${each.build === undefined ? '' : ` ${each.build}`}${each.url === undefined ? '' : `  ${each.url}`}`;
  return fieldsText(record.prefix, [
    ['kind', record.mode],
    ['made', record.made],
    ['python', record.python === undefined ? '' : `${record.python.version} in ${record.python.home}`],
    ['image', record.container ?? ''],
    ['source', record.source ?? ''],
    ['scripts', record.hasScripts ? 'yes: they may have done more than is recorded' : ''],
    [`conda (${record.conda.length})`, record.conda.map(shown)],
    [`pip (${record.pip.length})`, record.pip.map(shown)],
  ]);
}

/** Status 1 where there is a difference. */
export async function compareInstallations(line: WrapLine, { environment }: CommandContext): Promise<number> {
  const { workingDirectory, stdout } = environment;
  const differences = compareRecords(
    await readNamed(line, 1, workingDirectory),
    await readNamed(line, 2, workingDirectory),
  );
  if (line.has('json')) {
    stdout.write(`${JSON.stringify(differences, undefined, 2)}\n`);
  } else {
    writeTable<RecordDifference>(
      stdout,
      [
        { title: 'BY', text: ({ by }) => by },
        { title: 'PACKAGE', text: ({ name }) => name },
        { title: 'FIRST', text: ({ first }) => first ?? '-' },
        { title: 'SECOND', text: ({ second }) => second ?? '-' },
      ],
      differences,
    );
  }
  return differences.length === 0 ? 0 : 1;
}

export async function rebuildInstallation(line: WrapLine, context: CommandContext): Promise<number> {
  const { environment } = context;
  const record = await readNamed(line, 1, environment.workingDirectory);
  const target = line.operands[2];
  if (target === undefined) throw usageError(wrap, 'rebuild wants a record or an installation, and a new directory');
  if (record.mode === 'wrapcont' || record.mode === 'wrapdisk') {
    throw new SlipwayError('wrap-record-unreadable', {
      path: record.prefix,
      reason: 'what it wraps is not of packages: wrap it again from where it came',
    });
  }
  if (record.hasScripts) {
    environment.stderr.write(
      'warning: scripts were run for it: what they did besides installing packages is not done\n',
    );
  }
  const { hashed, plain } = lockedRequirements(record);
  const texts = { 'locked.txt': explicitList(record) ?? '', 'hashed.txt': hashed, 'plain.txt': plain };
  await withTextFiles(texts, async (paths) => {
    const path = (name: keyof typeof texts): Record<string, string> => {
      const keys = {
        'locked.txt': 'env_file',
        'hashed.txt': 'requirements_file',
        'plain.txt': 'plain_requirements_file',
      };
      return texts[name] === '' ? {} : { [keys[name]]: paths[name] ?? '' };
    };
    await installWith(
      {
        mode: record.mode,
        ...(record.mode === 'conda' ? { add_ld: 'no' } : {}),
        ...path('locked.txt'),
        ...path('hashed.txt'),
        ...path('plain.txt'),
        ...(record.container === undefined ? {} : { isolate: 'yes', container_src: record.container }),
        locked: 'yes',
        installation_prefix: resolve(environment.workingDirectory, target),
      },
      context,
    );
  });
  return 0;
}

async function readNamed(line: WrapLine, index: number, workingDirectory: string): Promise<InstallationRecord> {
  const name = line.operands[index];
  if (name === undefined) throw usageError(wrap, `${line.operands[0] ?? ''} wants another installation or record`);
  return await readRecord(resolve(workingDirectory, name));
}
