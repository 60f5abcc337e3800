// SPDX-License-Identifier: Apache-2.0
// Which files say what images are accepted here, and where their signatures are.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SlipwayError, type TrustPolicy } from '../../model/index.ts';
import { listDirectoryIfPresent, readFileIfPresent } from '../../sys/files.ts';
import { type ContainersPlaces, systemDirectory, userDirectory } from '../containers-places.ts';

const maxFileBytes = 16 << 20;

/**
 * The policy in `chosen`; else the user's policy.json, or the site's. Undefined where there is none: then every image is
 * accepted.
 * @throws SlipwayError `containers-file-malformed`; `file-operation-failed` where `chosen` is not there
 */
export async function readTrustPolicy(places: ContainersPlaces, chosen?: string): Promise<TrustPolicy | undefined> {
  const { parsePolicy } = await import('./policy-json.ts');
  const paths =
    chosen === undefined
      ? [userDirectory(places), systemDirectory(places)].map((each) => `${each}/policy.json`)
      : [chosen];
  for (const path of paths) {
    const bytes = await readFileIfPresent(path, { maxBytes: maxFileBytes });
    if (bytes !== undefined) return parsePolicy(bytes.toString('utf8'), path);
  }
  if (chosen === undefined) return undefined;
  const fields = { path: chosen, reason: 'there is no such file', manual: 'containers-policy.json(5)' };
  throw new SlipwayError('containers-file-malformed', fields);
}

/**
 * Where simple signatures of an image are, by registries.d: the user's directory if there is one, else the site's. Where
 * they say nothing, in the containers tools' own directory.
 * @param scopes of the image, from the most specific on
 * @throws SlipwayError `containers-file-malformed`
 */
export async function readLookaside(places: ContainersPlaces, scopes: readonly string[]): Promise<URL | undefined> {
  const { parseLookasides } = await import('./registries-d.ts');
  const files =
    (await readYaml(`${userDirectory(places)}/registries.d`)) ??
    (await readYaml(`${systemDirectory(places)}/registries.d`)) ??
    [];
  const lookasides = parseLookasides(files);
  for (const scope of [...scopes, '']) if (lookasides.has(scope)) return lookasides.get(scope);
  const data = process.geteuid?.() === 0 ? '/var/lib' : join(places.home, '.local/share');
  return pathToFileURL(`${data}/containers/sigstore`);
}

async function readYaml(
  directory: string,
): Promise<readonly { readonly path: string; readonly text: string }[] | undefined> {
  const names = await listDirectoryIfPresent(directory);
  if (names === undefined) return undefined;
  const files = names
    .filter((name) => name.endsWith('.yaml'))
    .map(async (name) => {
      const path = join(directory, name);
      const bytes = await readFileIfPresent(path, { maxBytes: maxFileBytes });
      return bytes === undefined ? [] : [{ path, text: bytes.toString('utf8') }];
    });
  return (await Promise.all(files)).flat();
}
