// SPDX-License-Identifier: Apache-2.0
// What an installation is told: its variables, the scripts of people, and copies of the files that they gave.
import { basename, join, resolve } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../sys/files.ts';
import { statFollowed } from '../sys/place-files.ts';
import type { Construction } from './construct.ts';
import { variablesScript } from './install-script.ts';
import { condaNames, findInstallers } from './installers.ts';
import type { Script } from './settings.ts';

const maxInputBytes = 64 << 20;

/** Writes `_vars.sh`, `_pre_install.sh` and `_post_install.sh`, and copies of the files that people gave. */
export async function writeScripts(construction: Construction): Promise<ReadonlyMap<string, string>> {
  const { settings, tools, buildDirectory } = construction;
  const inputs = new Map<string, string>();
  const takeIn = async (path: string | undefined): Promise<string> => {
    if (path === undefined) return '';
    const absolute = resolve(tools.workingDirectory, path);
    const text = await readInput(absolute, path);
    inputs.set(basename(path), text);
    // A file that names others by relative paths is read where it stands; a pipe can be read once only.
    if (statFollowed(absolute)?.isFile() === true) return absolute;
    const copy = join(buildDirectory, `_input_${inputs.size}`);
    await writeFileAtomic(copy, text, { mode: 0o600 });
    return copy;
  };
  const envFile = await takeIn(settings.envFile);
  const requirements = await takeIn(settings.requirementsFile);
  const plainRequirements = await takeIn(settings.plainRequirementsFile);
  for (const [name, scripts] of [
    ['_pre_install.sh', settings.preInstall],
    ['_post_install.sh', settings.postInstall],
  ] as const) {
    await writeFileAtomic(join(buildDirectory, name), await scriptText(scripts, construction), { mode: 0o600 });
  }
  const { prefix } = settings;
  const installers = await findInstallers(construction);
  const own = {
    CW_BUILD: buildDirectory,
    CW_BUILD_TMPDIR: buildDirectory,
    CW_INSTALLATION_PATH: prefix,
    CW_INSTALLATION_PREFIX: prefix,
    CW_WORKDIR: settings.workdir,
    CW_ENV_NAME: settings.envName,
    CW_ENV_FILE: envFile,
    CW_ENV_NAME_OF_FILE: settings.envFile ?? '',
    CW_REQUIREMENTS: requirements,
    CW_PLAIN_REQUIREMENTS: plainRequirements,
    CW_CONDA: installers.conda ?? '',
    CW_CONDA_NAMES: condaNames(settings).join(' '),
    CW_INSTALLER: installers.installer?.path ?? '',
    CW_INSTALLER_KIND: installers.installer?.kind ?? '',
    CW_INSTALLER_NAME: installers.installer?.name ?? '',
    CW_UV: installers.uv ?? '',
    CW_PYVER: installers.python ?? '',
    install_root: prefix,
    env_root: prefix,
  };
  await writeFileAtomic(join(buildDirectory, '_vars.sh'), variablesScript(settings.configuration, own), {
    mode: 0o600,
  });
  return inputs;
}

async function scriptText(scripts: readonly Script[], { tools }: Construction): Promise<string> {
  const texts: string[] = [];
  for (const script of scripts) {
    texts.push(
      'command' in script ? script.command : await readInput(resolve(tools.workingDirectory, script.file), script.file),
    );
  }
  return `${texts.join('\n')}\n`;
}

async function readInput(path: string, shown: string): Promise<string> {
  const bytes = await readFileIfPresent(path, { maxBytes: maxInputBytes });
  if (bytes === undefined) throw new SlipwayError('wrap-source-missing', { path: shown, what: 'file' });
  return bytes.toString();
}
