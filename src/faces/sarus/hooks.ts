// SPDX-License-Identifier: Apache-2.0
// `sarus hooks`: which hooks the site has configured.
import { hookName } from '../../site/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import { formatColumns } from './columns.ts';
import type { SarusContext } from './context.ts';
import { hooks as description } from './descriptions/commands.ts';
import { readLine } from './read-line.ts';
import { siteHooks } from './site-hooks.ts';

export function hooks(words: readonly string[], { environment, site }: SarusContext): number {
  const line = readLine(description, words);
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const files = siteHooks(site, inputs);
  const rows = line.has('mpi')
    ? files.flatMap((file): readonly (readonly string[])[] => {
        const type = mpiType(file.text);
        if (type === undefined) return [];
        return [[hookName(file), type === site.defaultMpiType ? `${type} (default)` : type]];
      })
    : files.map((file) => [hookName(file), file.hook.path, file.stages.join(',')]);
  const titles = line.has('mpi') ? ['NAME', 'MPI TYPE'] : ['NAME', 'PATH', 'STAGES'];
  environment.stdout.write(formatColumns([titles, ...rows]));
  return 0;
}

/** The expression that a hook wants the type of MPI to match, without the anchors that are usual around it. */
function mpiType(text: string): string | undefined {
  const config = JSON.parse(text) as { readonly when?: { readonly annotations?: Readonly<Record<string, string>> } };
  const found = Object.entries(config.when?.annotations ?? {}).find(([key]) => key.includes('com.hooks.mpi.type'));
  return found?.[1].replace(/^\^/, '').replace(/\$$/, '');
}
