// SPDX-License-Identifier: Apache-2.0
// What else stands in the directory of an installation: what people keep there, a file of requirements among it. The image
// covers it for wrapped programs. An installer finds it by links, which go before the image is written.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { listDirectoryIfPresentSync, removeIfPresent } from '../sys/files.ts';
import { linkTargetIfPresent, makeDirectory, makeSymlink } from '../sys/place-files.ts';
import type { Construction } from './construct.ts';
import type { BoundPath } from './wrapper-plan.ts';

/** Of an installation, ours or Tykky's, besides its images; and where packages of pip put their files. */
const parts = new Set('bin _bin common.sh etc include lib lib64 man modulefiles pyvenv.cfg sbin share var'.split(' '));
const hiddenPart = /^\.(?:bin|img|base|slipway)[-.]/;
const mostNamed = 3;

/** @throws SlipwayError `wrap-prefix-holds-home`, where wrapped programs would lack the caller's home */
export function checkOthers({ settings, tools }: Construction): void {
  const { prefix } = settings;
  if (settings.mode === 'wrapcont') return;
  const home = tools.variables['HOME'] ?? '/';
  if (prefix === '/' || `${home}/`.startsWith(`${prefix}/`)) {
    throw new SlipwayError('wrap-prefix-holds-home', { path: prefix, home });
  }
  const others = othersIn(settings);
  if (others.length === 0) return;
  const named = `${others.slice(0, mostNamed).join(', ')}${others.length > mostNamed ? ', …' : ''}`;
  tools.emit({
    type: 'warning',
    text: `Wrapped programs do not see what else is in ${prefix} (${named}); give the installation a directory of its own`,
  });
}

/** Shows an installer that fills `contentAt` what else is in the prefix, which that covers. `hide` ends it. */
export function showOthers(
  { settings, buildDirectory }: Construction,
  contentAt: string,
): { readonly binds: readonly BoundPath[]; readonly hide: () => Promise<void> } {
  const others = othersIn(settings);
  if (others.length === 0) return { binds: [], hide: () => Promise.resolve() };
  const place = join(buildDirectory, '_others');
  makeDirectory(place, 0o700);
  for (const name of others) makeSymlink(join(place, name), join(contentAt, name));
  return {
    // Packages of conda may bring any name, and must not end up in files of people; pip builds a project where it stands.
    binds: [{ source: settings.prefix, target: place, readOnly: settings.mode === 'conda' }],
    hide: async () => {
      for (const name of others) {
        const link = join(contentAt, name);
        if (linkTargetIfPresent(link) === join(place, name)) await removeIfPresent(link);
      }
    },
  };
}

function othersIn({ prefix, imageName, containerName }: Construction['settings']): readonly string[] {
  const isPart = (name: string): boolean =>
    parts.has(name) || hiddenPart.test(name) || name === imageName || name === containerName;
  return (listDirectoryIfPresentSync(prefix) ?? []).filter((name) => !isPart(name));
}
