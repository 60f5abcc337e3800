// SPDX-License-Identifier: Apache-2.0
// The files with credentials, in the order in which they are asked (containers-auth.json(5)).

/** The caller's environment and home. */
export type CredentialOwner = {
  /** Names files, and is what helper programs run in. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
};

export type CredentialPlace = {
  readonly path: string;
  /** Somebody has named it. */
  readonly isRequired: boolean;
  readonly isDockers: boolean;
};

/** In `CredentialSettings.helpers`: the files, and the helpers that those name. */
export const filesHelper = 'containers-auth.json';

/**
 * $REGISTRY_AUTH_FILE, which is then the only one; else $XDG_RUNTIME_DIR/containers/auth.json,
 * ~/.config/containers/auth.json, $DOCKER_CONFIG or ~/.docker/config.json.
 */
export function credentialPlaces({ environment, home }: CredentialOwner): readonly CredentialPlace[] {
  const given = environment['REGISTRY_AUTH_FILE'] ?? '';
  if (given !== '') return [{ path: given, isRequired: true, isDockers: false }];
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  const docker = environment['DOCKER_CONFIG'] ?? '';
  const place = (path: string, isDockers = false): CredentialPlace => ({ path, isRequired: false, isDockers });
  return [
    ...(runtime === '' ? [] : [place(`${runtime}/containers/auth.json`)]),
    place(lastingAuthFile({ environment, home })),
    place(`${docker === '' ? `${home}/.docker` : docker}/config.json`, true),
  ];
}

/** The one that outlives a session and belongs to no other program alone. */
export function lastingAuthFile({ environment, home }: CredentialOwner): string {
  const config = environment['XDG_CONFIG_HOME'] ?? '';
  return `${config === '' ? `${home}/.config` : config}/containers/auth.json`;
}
