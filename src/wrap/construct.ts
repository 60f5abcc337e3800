// SPDX-License-Identifier: Apache-2.0
// Makes or updates an installation. Everything is made elsewhere, or in the prefix under names that nobody uses, and put
// in place by one rename: until then, whatever fails or interrupts leaves what was there before.
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { squashfuseSearchPath } from '../host/index.ts';
import { checkWritable, ensureDirectory, removeIfPresent } from '../sys/files.ts';
import { currentUmask, statFollowed } from '../sys/place-files.ts';
import { findProgram } from '../sys/process.ts';
import { withLock } from '../sys/lock-file.ts';
import { makeBuildDirectory, removeBuildDirectory } from './build-directory.ts';
import { checkPrefix, containerFileName, imageFileName, placeInstallation } from './installation.ts';
import { checkOthers } from './others-in-prefix.ts';
import { type Prepared, prepareContent } from './prepare-content.ts';
import { planOf } from './plan-of.ts';
import type { WrapSettings } from './settings.ts';
import { textsOf } from './share-texts.ts';
import type { WrapTools } from './tools.ts';

/** What one run of construct works with. */
export type Construction = {
  readonly settings: WrapSettings;
  readonly tools: WrapTools;
  readonly buildDirectory: string;
  /** Names what is new in the prefix. */
  readonly id: string;
  /** The program that serves images. */
  readonly server: string;
  readonly fileMode: number;
};

/**
 * Makes what `settings` ask for.
 * @throws SlipwayError of the area `wrap` and of files; the signal's reason. The build directory is removed then as well,
 *   unless CW_DEBUG_KEEP_FILES is set.
 */
export async function construct(settings: WrapSettings, tools: WrapTools): Promise<void> {
  const { prefix } = settings;
  const server = await findProgram('squashfuse_ll', squashfuseSearchPath);
  if (server === undefined) throw new SlipwayError('squashfuse-missing', { image: prefix });
  const buildDirectory = await makeBuildDirectory(settings.buildBase, settings.buildBase);
  tools.emit({ type: 'build-directory', path: buildDirectory });
  let isDone = false;
  try {
    if (`${buildDirectory}/`.startsWith(`${prefix}/`)) {
      throw new SlipwayError('wrap-build-directory', {
        path: settings.buildBase,
        value: settings.buildBase,
        reason: 'it is in the directory to install to',
      });
    }
    if (statFollowed(prefix)?.isDirectory() === false) {
      throw new SlipwayError('wrap-prefix-occupied', { path: prefix, name: 'a file' });
    }
    if (await ensureDirectory(prefix, { mode: 0o777 })) {
      tools.emit({ type: 'info', text: `Created the installation directory ${prefix}` });
    }
    await checkPrefixWritable(prefix);
    await checkPrefix(prefix);
    const fileMode = 0o666 & ~currentUmask();
    const id = randomBytes(4).toString('hex');
    await withLock(
      join(prefix, '.slipway-lock'),
      { what: `the installation ${prefix}`, signal: tools.signal },
      (signal) => make({ settings, tools: { ...tools, signal }, buildDirectory, id, server, fileMode }),
    );
    isDone = true;
  } finally {
    if (isDone || (tools.variables['CW_DEBUG_KEEP_FILES'] ?? '') === '') await removeBuildDirectory(buildDirectory);
    else tools.emit({ type: 'info', text: `Build files are kept in ${buildDirectory}` });
  }
}

/** From a program's start to the opening of its image, on a machine under load. */
const openingMs = 2000;

async function make(construction: Construction): Promise<void> {
  const { settings, tools, id, fileMode } = construction;
  checkOthers(construction);
  const imagePath = join(settings.prefix, imageFileName(id));
  try {
    const content = await prepareContent(construction, imagePath);
    tools.signal.throwIfAborted();
    if (!settings.createsWrappers) tools.emit({ type: 'info', text: 'Making no wrappers' });
    await placeInstallation({
      prefix: settings.prefix,
      id,
      plan: planOf(construction, content),
      build: tools.build,
      wrapper: tools.wrapper,
      programs: content.programs,
      hasLinks: content.container !== undefined && !content.hasImage,
      images: imagesOf(settings, content, id),
      texts: await textsOf(construction, content),
      fileMode,
      letOthersOpen: () => tools.clock.sleep(openingMs, tools.signal),
    });
  } catch (error) {
    await removeIfPresent(imagePath);
    await removeIfPresent(join(settings.prefix, containerFileName(id)));
    throw error;
  }
}

function imagesOf(
  settings: WrapSettings,
  content: Prepared,
  id: string,
): readonly { readonly name: string; readonly target: string }[] {
  const own = content.hasImage ? [{ name: settings.imageName, target: imageFileName(id) }] : [];
  const container =
    content.container === undefined ? [] : [{ name: settings.containerName, target: content.container.name }];
  return [...own, ...container].filter(({ name, target }) => name !== basename(target) || target.includes('/'));
}

async function checkPrefixWritable(prefix: string): Promise<void> {
  try {
    await checkWritable(prefix);
  } catch (cause) {
    throw new SlipwayError('wrap-prefix-unwritable', { path: prefix }, { cause });
  }
}
