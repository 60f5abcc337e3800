// SPDX-License-Identifier: Apache-2.0
// /var/shifterConfig.json: what a container was made of. Programs and the batch system compare it byte by byte.
import { emptyImageConfig, type ImageConfig, parseJson } from '../../model/index.ts';
import { type VolumeMap, volumeSignature } from '../../site/index.ts';

export type ShifterConfig = {
  readonly identifier: string;
  readonly user: string;
  readonly volumes: readonly VolumeMap[];
  readonly modules: readonly string[];
};

export function shifterConfigText({ identifier, user, volumes, modules }: ShifterConfig): string {
  const text = JSON.stringify({
    identifier,
    user,
    volMap: volumeSignature(volumes),
    modules: modules.map((name) => `${name},`).join(''),
  });
  return `${text}\n`;
}

/** Where it stands in a container that was prepared at `udiMount`. */
export function preparedConfigPath(udiMount: string): string {
  return `${udiMount}/var/shifterConfig.json`;
}

/** What a prepared container was made of, as far as it says so. */
export function readShifterConfig(
  text: string,
):
  | { readonly identifier: string; readonly user: string; readonly volMap: string; readonly modules: readonly string[] }
  | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const field = (name: string): string => {
      const found: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
      return typeof found === 'string' ? found : '';
    };
    const modules = field('modules')
      .split(',')
      .filter((name) => name !== '');
    return { identifier: field('identifier'), user: field('user'), volMap: field('volMap'), modules };
  } catch {
    return undefined;
  }
}

/** Where a prepared container keeps what its image says of itself: the image's own file may be closed to users. */
export function preparedImagePath(udiMount: string): string {
  return `${udiMount}/var/slipwayImage.json`;
}

export function preparedImageText({ env, entrypoint, cmd, workdir }: ImageConfig): string {
  return `${JSON.stringify({ env, entrypoint, cmd, workdir: workdir ?? '' })}\n`;
}

/** What stands there; nothing where it can't be read. */
export function readPreparedImage(text: string): ImageConfig {
  const nothing = emptyImageConfig({ os: 'linux', architecture: process.arch });
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return nothing;
  const fields = new Map<string, unknown>(Object.entries(value));
  const words = (name: string): readonly string[] => {
    const found = fields.get(name);
    return Array.isArray(found) ? found.filter((word) => typeof word === 'string') : [];
  };
  const workdir = fields.get('workdir');
  return {
    ...nothing,
    env: words('env'),
    entrypoint: words('entrypoint'),
    cmd: words('cmd'),
    ...(typeof workdir === 'string' && workdir !== '' ? { workdir } : {}),
  };
}
