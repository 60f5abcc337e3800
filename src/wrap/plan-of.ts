// SPDX-License-Identifier: Apache-2.0
// From what was prepared to the plan of its wrappers.
import { type EnvironmentEdit, type Plan, placeMark } from '../model/index.ts';
import type { Construction } from './construct.ts';
import { imageVariables } from './image-variables.ts';
import { imageFileName } from './installation.ts';
import { markPlace, starterFor } from './extra-environment.ts';
import { mountsOfMachine } from './machine-mounts.ts';
import type { Prepared } from './prepare-content.ts';
import { wrapperPlan } from './wrapper-plan.ts';

export function planOf({ settings, id, server }: Construction, content: Prepared): Plan {
  return wrapperPlan({
    image: content.hasImage ? imageFileName(id) : undefined,
    server,
    builtIn: settings.prefix,
    maskedPath: content.maskedPath,
    container: content.container?.name,
    binds: content.container === undefined ? [] : mountsOfMachine(settings.mountPoints, settings.workdir),
    hidden: settings.hiddenDirectories,
    activation: content.activation,
    environment: [
      ...containerEnvironment(content),
      { edit: 'set', name: 'install_root', value: placeMark },
      { edit: 'set', name: 'env_root', value: placeMark },
      { edit: 'set', name: '_CW_IN_CONTAINER', value: 'Yes' },
      ...libraryEdits([...settings.libraryPaths, ...content.libraryDirectories], settings.prefix),
      ...markPlace(content.extra.edits, settings.prefix),
    ],
    starter: starterFor(content.extra.shellText),
    lingerMs: settings.lingerMs,
  });
}

function libraryEdits(paths: readonly string[], prefix: string): readonly EnvironmentEdit[] {
  if (paths.length === 0) return [];
  return markPlace([{ edit: 'prepend', name: 'LD_LIBRARY_PATH', value: paths.join(':'), separator: ':' }], prefix);
}

/** In a container the machine's paths for programs and libraries mean nothing. */
function containerEnvironment(content: Prepared): readonly EnvironmentEdit[] {
  if (content.container === undefined) return [];
  const own = Object.entries(imageVariables(content.container.environment));
  return [
    { edit: 'unset', glob: 'LD_LIBRARY_PATH' },
    { edit: 'unset', glob: 'LD_PRELOAD' },
    ...own.map(([name, value]) => ({ edit: 'set', name, value }) as const),
    { edit: 'prepend', name: 'PATH', value: `${placeMark}/bin`, separator: ':' },
    { edit: 'set', name: '_CW_IS_ISOLATED', value: 'Yes' },
  ];
}
