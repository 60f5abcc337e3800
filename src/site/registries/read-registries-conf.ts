// SPDX-License-Identifier: Apache-2.0
// Which files say something about registries (containers-registries.conf(5), "FILES").
import { join } from 'node:path';
import type { RegistryRules } from '../../model/index.ts';
import { type ContainersPlaces, systemDirectory, userDirectory } from '../containers-places.ts';
import { listDirectoryIfPresent, readFileIfPresent } from '../../sys/files.ts';
import { mergeRegistriesFiles, parseRegistriesFile, type RegistriesFile } from './registries-conf.ts';

const maxFileBytes = 4 << 20;

/**
 * The rules of $CONTAINERS_REGISTRIES_CONF, which is then the only file; else of registries.conf, the user's or the
 * site's, and after it of registries.conf.d, the site's and then the user's. Without any file there are no rules.
 * @throws SlipwayError `containers-file-malformed`
 */
export async function readRegistriesConf(places: ContainersPlaces): Promise<RegistryRules> {
  const chosen = places.environment['CONTAINERS_REGISTRIES_CONF'] ?? '';
  if (chosen !== '') return mergeRegistriesFiles((await readOne(chosen)) ?? []);
  const [user, system] = [userDirectory(places), systemDirectory(places)];
  return mergeRegistriesFiles([
    ...((await readOne(`${user}/registries.conf`)) ?? (await readOne(`${system}/registries.conf`)) ?? []),
    ...(await readDirectory(`${system}/registries.conf.d`)),
    ...(await readDirectory(`${user}/registries.conf.d`)),
  ]);
}

async function readOne(path: string): Promise<readonly RegistriesFile[] | undefined> {
  const bytes = await readFileIfPresent(path, { maxBytes: maxFileBytes });
  return bytes === undefined ? undefined : [parseRegistriesFile(bytes.toString('utf8'), path)];
}

async function readDirectory(directory: string): Promise<readonly RegistriesFile[]> {
  const names = ((await listDirectoryIfPresent(directory)) ?? []).filter((name) => name.endsWith('.conf'));
  return (await Promise.all(names.map((name) => readOne(join(directory, name))))).flatMap((found) => found ?? []);
}
