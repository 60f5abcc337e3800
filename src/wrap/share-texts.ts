// SPDX-License-Identifier: Apache-2.0
// The texts of an installation: what an update, and a person, will want to know.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { listDirectoryIfPresentSync } from '../sys/files.ts';
import type { Construction } from './construct.ts';
import type { Prepared } from './prepare-content.ts';

/** By path in the prefix. */
export async function textsOf(construction: Construction, content: Prepared): Promise<ReadonlyMap<string, string>> {
  const { settings, tools } = construction;
  const texts = new Map<string, string>([
    ['common.sh', commonText(construction)],
    ['share/conf.yaml', stringify(settings.configuration)],
    [
      'share/VERSION.yml',
      stringify({
        'tag': `slipway ${tools.version}`,
        'commit': tools.build,
        'build-time': tools.clock.now().toISOString(),
      }),
    ],
  ]);
  if (content.pyvenv !== undefined) texts.set('pyvenv.cfg', content.pyvenv);
  const inputs = content.installed?.inputs ?? new Map<string, string>();
  if (inputs.size > 0) {
    const before = listDirectoryIfPresentSync(join(settings.prefix, 'share/previous_input')) ?? [];
    const number = 1 + Math.max(0, ...before.map(Number).filter(Number.isSafeInteger));
    for (const [name, text] of inputs) texts.set(`share/previous_input/${number}/${name}`, text);
  }
  return texts;
}

function commonText({ settings }: Construction): string {
  return `# An installation wrapped by Slipway. The programs in bin need nothing of this file; it tells what they use.
SQFS_IMAGE=${settings.imageName}
`;
}
