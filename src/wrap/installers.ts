// SPDX-License-Identifier: Apache-2.0
// The programs that install: which are configured, found, or have to be got first.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { findProgram, systemSearchPath } from '../sys/process.ts';
import type { Construction } from './construct.ts';
import type { WrapSettings } from './settings.ts';
import { fetchInstaller, type Installer } from './fetch-installer.ts';

export type Installers = {
  readonly conda: string | undefined;
  /** What is fetched is conda when it has been run. */
  readonly installer: Installer | undefined;
  readonly uv: string | undefined;
  readonly python: string | undefined;
};

/** Finds or fetches what the settings need. @throws SlipwayError `wrap-installer-missing`, `wrap-installer-refused` */
export async function findInstallers(construction: Construction): Promise<Installers> {
  const { settings } = construction;
  return {
    conda: settings.mode === 'conda' && settings.condaUrl === '' ? await findConda(construction) : undefined,
    installer: settings.mode === 'conda' && settings.condaUrl !== '' ? await fetchInstaller(construction) : undefined,
    uv: settings.usesUv && settings.mode === 'venv' ? await findUv(construction) : undefined,
    python: settings.python ?? '3',
  };
}

function searchPath({ tools }: Construction): string {
  return tools.variables['PATH'] ?? systemSearchPath;
}

/** The names of what may be there, the first first. */
export function condaNames({ conda, usesMamba }: WrapSettings): readonly string[] {
  if (conda !== '') return [conda];
  return usesMamba ? mambaFirst : condaFirst;
}

async function findConda(construction: Construction): Promise<string> {
  const { settings } = construction;
  const given = settings.conda;
  // In an image it is the image's own, which the build will look for.
  if (given.startsWith('/') || settings.container !== undefined) return given.startsWith('/') ? given : '';
  const names = condaNames(settings);
  for (const name of names) {
    const path = await findProgram(name, searchPath(construction));
    if (path !== undefined) return path;
  }
  throw new SlipwayError('wrap-installer-missing', {
    what: given === '' ? 'conda, mamba, micromamba or pixi' : given,
    remedy: 'put it on PATH, or name it, or the URL of an installer, in the configuration: conda_command, conda_url',
  });
}

const condaFirst = ['conda', 'mamba', 'micromamba', 'pixi'] as const;
const mambaFirst = ['mamba', 'micromamba', 'conda', 'pixi'] as const;

async function findUv(construction: Construction): Promise<string> {
  const path =
    construction.settings.container !== undefined ? undefined : await findProgram('uv', searchPath(construction));
  if (path !== undefined) return path;
  return join(construction.buildDirectory, '_uv/bin/uv');
}
