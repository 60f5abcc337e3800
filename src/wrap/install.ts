// SPDX-License-Identifier: Apache-2.0
// Runs an installer, and the scripts that people give, in the build directory as if that were the prefix.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { freeBytes, writeFileAtomic } from '../sys/files.ts';
import { makeDirectory, realPathIfPresent, statFollowed } from '../sys/place-files.ts';
import type { PlacedContainer } from './base-container.ts';
import type { Construction } from './construct.ts';
import { imageVariables } from './image-variables.ts';
import type { Variables } from './environment-difference.ts';
import { prepareBuildPlace, runInPlace } from './in-place.ts';
import { ownScripts } from './installation.ts';
import { installScript, shellWord } from './install-script.ts';
import { mountsOfMachine } from './machine-mounts.ts';
import { showOthers } from './others-in-prefix.ts';
import type { BoundPath } from './wrapper-plan.ts';
import { writeScripts } from './write-scripts.ts';

export type Installed = {
  /** Where the files are that will stand at the prefix. */
  readonly contentAt: string;
  /** Runs a script of bash, in exactly these variables, where the files stand at the prefix. */
  readonly runScript: (path: string, variables: Variables) => Promise<number>;
  /** What was put in: copies of the files that people gave. */
  readonly inputs: ReadonlyMap<string, string>;
};

const fullBytes = 1 << 20;

/**
 * Installs. @param container the image in which the installer runs; undefined: the machine itself
 * @throws SlipwayError `wrap-script-failed`, `wrap-source-missing`, `wrap-installer-missing`; the signal's reason
 */
export async function install(construction: Construction, container: PlacedContainer | undefined): Promise<Installed> {
  const { settings, tools, buildDirectory, server } = construction;
  const { prefix } = settings;
  const isDirectory = settings.mode === 'wrapdisk';
  const source = isDirectory ? sourceDirectory(construction) : undefined;
  const isUntouched = isDirectory && settings.preInstall.length + settings.postInstall.length === 0;
  const contentAt = source !== undefined && isUntouched ? source : join(buildDirectory, '_inst_dir');
  if (contentAt !== source) makeDirectory(contentAt, 0o777);
  const old = settings.isUpdate ? join(buildDirectory, '_old') : undefined;
  if (old !== undefined) makeDirectory(old, 0o700);
  const oldImage = settings.isUpdate ? realPathIfPresent(join(prefix, settings.imageName)) : undefined;
  if (settings.isUpdate && oldImage === undefined) {
    throw new SlipwayError('wrap-source-missing', { path: join(prefix, settings.imageName), what: 'image' });
  }

  const others = isDirectory ? undefined : showOthers(construction, contentAt);
  const program = await prepareBuildPlace('install', {
    wrapper: tools.wrapper,
    build: tools.build,
    buildDirectory,
    binds: [
      ...(container === undefined ? [] : containerBinds(construction)),
      ...(others?.binds ?? []),
      { source: contentAt, target: prefix, readOnly: false },
      ...(await hiddenFiles(construction)),
    ],
    image: old === undefined || oldImage === undefined ? undefined : { path: oldImage, target: old, server },
    container: container === undefined ? undefined : { path: container.path, server },
  });
  const run = (words: readonly string[], environment: Variables): Promise<number> =>
    runInPlace(program, {
      words,
      environment,
      directory: buildDirectory,
      onOutput: (text, stream) => tools.emit({ type: 'output', text, stream }),
      signal: tools.signal,
    });
  const installed: Installed = {
    contentAt,
    runScript: (path, variables) => run(['--noprofile', '--norc', path], variables),
    inputs: await writeScripts(construction),
  };
  if (isUntouched) return installed;

  tools.emit({ type: 'stage', text: settings.isUpdate ? 'Updating the installation' : 'Installing' });
  const text = `${copyScript({ old, source })}${installScript(settings)}`;
  const script = join(buildDirectory, '_install.sh');
  await writeFileAtomic(script, text, { mode: 0o600 });
  const status = await run([script], buildVariables(construction, container));
  await others?.hide();
  if (status !== 0) {
    // Few installers say so: what they start gives up, and they tell only of that.
    if ((await freeBytes(buildDirectory)) < fullBytes) {
      const text = `No space is left in ${buildDirectory}: CW_BUILD_TMPDIR names a directory to build in`;
      tools.emit({ type: 'warning', text });
    }
    throw new SlipwayError('wrap-script-failed', { what: 'installation', status });
  }
  if (container !== undefined) {
    for (const [name, own] of ownScripts) await writeFileAtomic(join(contentAt, 'bin', name), own, { mode: 0o755 });
  }
  return installed;
}

function sourceDirectory({ settings }: Construction): string {
  const path = settings.source ?? '';
  if (statFollowed(path)?.isDirectory() !== true) {
    throw new SlipwayError('wrap-source-missing', { path, what: 'directory' });
  }
  const real = realPathIfPresent(path) ?? path;
  const place = realPathIfPresent(settings.prefix) ?? settings.prefix;
  if (`${place}/`.startsWith(`${real}/`)) throw new SlipwayError('wrap-source-is-installation', { path });
  return real;
}

/** Text that brings in what is to be changed. */
function copyScript(from: { readonly old: string | undefined; readonly source: string | undefined }): string {
  const directory = from.old ?? from.source;
  if (directory === undefined) return '';
  return `set -e
source "\${BASH_SOURCE[0]%/*}/_vars.sh"
cp -a --no-preserve=ownership -- ${shellWord(`${directory}/.`)} "$env_root/"
rm -f -- "$env_root/bin/_debug_exec" "$env_root/bin/_debug_shell"
`;
}

/** The caller's own environment: an installer may need his modules, proxies and credentials. */
function buildVariables({ tools, buildDirectory }: Construction, container: PlacedContainer | undefined): Variables {
  const { variables } = tools;
  const isolated =
    container === undefined ? {} : { LD_LIBRARY_PATH: undefined, ...imageVariables(container.environment) };
  const condaPackages =
    (variables['CW_ENABLE_CONDARC'] ?? '') === '' ? { CONDA_PKGS_DIRS: join(buildDirectory, '_pkgs') } : {};
  return {
    ...variables,
    // Of another environment that happens to be active.
    VIRTUAL_ENV: undefined,
    PYTHONHOME: undefined,
    CONDA_PREFIX: undefined,
    CONDA_DEFAULT_ENV: undefined,
    CONDA_SHLVL: undefined,
    BASH_ENV: undefined,
    ...isolated,
    ...condaPackages,
    MAMBA_ROOT_PREFIX: join(buildDirectory, '_mamba'),
    MAMBA_ALWAYS_YES: 'true',
    CONDA_ALWAYS_YES: 'true',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PYTHONUNBUFFERED: '1',
    // From its cache to a place where the prefix is shown: there are no hard links between the two.
    UV_LINK_MODE: variables['UV_LINK_MODE'] ?? 'copy',
  };
}

/** The caller's own settings of conda, hidden unless he wants them. */
async function hiddenFiles({ settings, tools, buildDirectory }: Construction): Promise<readonly BoundPath[]> {
  const home = tools.variables['HOME'];
  if (settings.mode !== 'conda' || home === undefined || (tools.variables['CW_ENABLE_CONDARC'] ?? '') !== '') return [];
  const empty = join(buildDirectory, '_empty');
  const none = join(buildDirectory, '_none');
  await writeFileAtomic(empty, '', { mode: 0o600 });
  makeDirectory(none, 0o700);
  return [
    ...['.condarc', '.mambarc'].map((name) => ({ source: empty, target: `${home}/${name}`, readOnly: true })),
    { source: none, target: `${home}/.conda`, readOnly: true },
  ].filter(({ target }) => statFollowed(target) !== undefined);
}

function containerBinds({ settings, buildDirectory }: Construction): readonly BoundPath[] {
  return [
    ...mountsOfMachine(settings.mountPoints, settings.workdir),
    { source: buildDirectory, target: buildDirectory, readOnly: false },
  ];
}
