// SPDX-License-Identifier: Apache-2.0
// Gets what is to be wrapped: installs it in the build directory, shown at the prefix, or takes a directory or an image as
// it is; and writes it to one image in the prefix.
import { join, posix } from 'node:path';
import { type EnvironmentEdit, SlipwayError } from '../model/index.ts';
import { listDirectoryIfPresentSync, readFileIfPresent } from '../sys/files.ts';
import { setMode } from '../sys/place-files.ts';
import type { Construction } from './construct.ts';
import { findContainer } from './container-source.ts';
import { condaActivationEdits } from './conda-activation.ts';
import { extraEdits, type ExtraEdits } from './extra-environment.ts';
import { findBase, type PlacedContainer, placeContainer } from './base-container.ts';
import { ownLinks, wrapperDirectories } from './installation.ts';
import { directoryTree, withSquashfsTree } from './file-trees.ts';
import { readImageOptions } from './image-options.ts';
import { type Installed, install } from './install.ts';
import { findPrograms } from './programs.ts';
import { relocateScripts } from './relocate-scripts.ts';
import { writeTreeImage } from './tree-image.ts';

/** What the installation will be made of. */
export type Prepared = {
  /** Whether there is an image of what was installed, as there is of all but a container. */
  readonly hasImage: boolean;
  /** The image in which it runs; its name is that of a file in the prefix, or a path. */
  readonly container: PlacedContainer | undefined;
  /** By name; what each is inside. */
  readonly programs: ReadonlyMap<string, string>;
  readonly activation: readonly EnvironmentEdit[];
  readonly extra: ExtraEdits;
  readonly libraryDirectories: readonly string[];
  /** Of a virtual environment: its pyvenv.cfg. */
  readonly pyvenv: string | undefined;
  /** Where the image is to stand beside the prefix. */
  readonly maskedPath: string | undefined;
  readonly installed: Installed | undefined;
};

export async function prepareContent(construction: Construction, imagePath: string): Promise<Prepared> {
  const { settings, tools } = construction;
  const extra = await extraEdits(settings.environment, settings.workdir);
  if (settings.mode === 'wrapcont') return await prepareContainer(construction, extra);
  const source = await findBase(construction);
  const container = source === undefined ? undefined : await placeContainer(construction, source);
  const installed = await install(construction, container);
  const { contentAt } = installed;
  const isEnvironment = settings.mode === 'conda' || settings.mode === 'venv';
  if (isEnvironment) await relocateScripts(contentAt, settings.prefix);
  const tree = directoryTree(contentAt, settings.prefix);
  const programs = findPrograms(tree, wrapperPaths(construction), { wrapsAll: settings.wrapsAll, emit: tools.emit });
  const activation = await activationOf(construction, installed);
  tools.emit({ type: 'stage', text: 'Creating the image' });
  const { ignored, ...options } = readImageOptions(settings.imageOptions);
  if (ignored.length > 0) tools.emit({ type: 'warning', text: `sqfs_options: ${ignored.join(' ')} is ignored` });
  await writeTreeImage(contentAt, {
    path: imagePath,
    ...options,
    threads: settings.threads,
    opensModes: (tools.variables['CW_NO_FIX_PERM'] ?? '') === '',
    links: linksFor(programs, settings.prefix, container !== undefined),
    aliases: wrapperDirectories(settings.prefix, construction.id),
    mkfsTimeSec: Math.floor(tools.clock.now().getTime() / 1000),
    signal: tools.signal,
    emit: tools.emit,
  });
  setMode(imagePath, construction.fileMode);
  const pyvenv = await readFileIfPresent(join(contentAt, 'pyvenv.cfg'), { maxBytes: 1 << 16 });
  return {
    hasImage: true,
    container,
    programs,
    activation,
    extra,
    libraryDirectories:
      settings.addsLibraryPaths && settings.mode !== 'conda' ? librariesIn(contentAt, programs, settings.prefix) : [],
    pyvenv: settings.mode === 'venv' ? pyvenv?.toString() : undefined,
    maskedPath: settings.masksSource ? settings.source : undefined,
    installed,
  };
}

function wrapperPaths({ settings }: Construction): readonly string[] {
  const given = settings.wrapperPaths.map((path) =>
    posix.normalize(path.startsWith('/') ? path : posix.join(settings.prefix, withoutFormerPlace(path))),
  );
  const own = settings.mode === 'conda' || settings.mode === 'venv' ? [`${settings.prefix}/bin`] : [];
  const fromSource = given.map((path) => {
    const { source } = settings;
    const isInSource = source !== undefined && (path === source || path.startsWith(`${source}/`));
    return isInSource ? settings.prefix + path.slice(source.length) : path;
  });
  return [...new Set([...fromSource, ...own])];
}

/** Where Tykky itself keeps an environment, below its installation path; here it is the installation. */
function withoutFormerPlace(path: string): string {
  return path.replace(/^(?:mini(?:forge|conda)\/envs\/env1|env1)(?:\/|$)/, '');
}

/** What has to be added in the image's `bin`, so that each wrapper finds its program there. */
function linksFor(
  programs: ReadonlyMap<string, string>,
  prefix: string,
  isContained: boolean,
): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  for (const [name, path] of programs) {
    if (path === `${prefix}/bin/${name}`) continue;
    const isInside = path.startsWith(`${prefix}/`);
    links.set(name, isInside ? posix.relative(`${prefix}/bin`, path) : path);
  }
  return new Map([...links, ...(isContained ? [] : ownLinks)]);
}

async function activationOf(construction: Construction, installed: Installed): Promise<readonly EnvironmentEdit[]> {
  const { settings, buildDirectory } = construction;
  if (settings.mode !== 'conda') return [];
  const directory = join(installed.contentAt, 'etc/conda/activate.d');
  const names = (listDirectoryIfPresentSync(directory) ?? []).filter((name) => name.endsWith('.sh'));
  const scripts: string[] = [];
  for (const name of names) {
    const text = await readFileIfPresent(join(directory, name), { maxBytes: 1 << 20 });
    if (text !== undefined) scripts.push(text.toString());
  }
  const { envName } = settings;
  return await condaActivationEdits({ prefix: settings.prefix, buildDirectory, envName }, scripts, installed.runScript);
}

/** Directories beside those of the programs that hold shared libraries: others would only cost each program time. */
function librariesIn(contentAt: string, programs: ReadonlyMap<string, string>, prefix: string): readonly string[] {
  const parents = new Set([...programs.values()].map((path) => posix.dirname(posix.dirname(path))));
  return [...parents]
    .filter((parent) => parent === prefix || parent.startsWith(`${prefix}/`))
    .flatMap((parent) => ['lib', 'lib64'].map((name) => `${parent}/${name}`))
    .filter((directory) => {
      const names = listDirectoryIfPresentSync(contentAt + directory.slice(prefix.length)) ?? [];
      return names.some((name) => /\.so(?:\.|$)/.test(name));
    });
}

async function prepareContainer(construction: Construction, extra: ExtraEdits): Promise<Prepared> {
  const { settings, tools } = construction;
  if (settings.source === undefined) throw new SlipwayError('wrap-source-missing', { path: '', what: 'container' });
  const source = await findContainer(settings.source, tools);
  const container = await placeContainer(construction, source);
  const programs = withSquashfsTree(container.path, (tree) =>
    findPrograms(tree, settings.wrapperPaths, { wrapsAll: settings.wrapsAll, emit: tools.emit }),
  );
  return {
    hasImage: false,
    container,
    programs,
    activation: [],
    extra,
    libraryDirectories: [],
    pyvenv: undefined,
    maskedPath: undefined,
    installed: undefined,
  };
}
