// SPDX-License-Identifier: Apache-2.0
// Where the containers tools (podman, skopeo, buildah) have their settings.
import { join } from 'node:path';

export type ContainersPlaces = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `/etc` unless given. */
  readonly systemDirectory?: string;
};

/** The user's directory for the containers tools' settings. */
export function userDirectory({ environment, home }: ContainersPlaces): string {
  const config = environment['XDG_CONFIG_HOME'] ?? '';
  return `${config.startsWith('/') ? config : join(home, '.config')}/containers`;
}

/** The site's directory for the containers tools' settings. */
export function systemDirectory(places: ContainersPlaces): string {
  return `${places.systemDirectory ?? '/etc'}/containers`;
}
