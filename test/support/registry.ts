// SPDX-License-Identifier: Apache-2.0
// A real registry (Debian's docker-registry) beside a test, with or without authentication, and images pushed to it by
// skopeo. A test that uses it says `{ skip: needs({ commands: registryCommands }) }`.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { freePort, startService } from './service.ts';
import { temporaryDirectory } from './temporary.ts';

export const registryCommands: readonly string[] = ['docker-registry', 'skopeo'];

export type RegistryAuth =
  /** Basic authentication; needs the command htpasswd. */
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** Tokens from a server of the test's; `certificatePath` is a PEM certificate whose key signs them. */
  | {
      readonly kind: 'token';
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      readonly certificatePath: string;
    };

export type RegistryOptions = {
  readonly auth?: RegistryAuth;
  /** Where blobs are kept; a temporary directory unless given. Two registries may share one. */
  readonly storageDir?: string;
  /** Serves HTTPS with these PEM files. */
  readonly tls?: { readonly certificatePath: string; readonly keyPath: string };
  /** Whether images may be deleted (DELETE); blobs can be damaged in the storage either way. */
  readonly allowsDelete?: boolean;
};

export type Registry = {
  /** `127.0.0.1:PORT`, as it stands in image names. */
  readonly address: string;
  readonly port: number;
  /** The directory that holds `docker/registry/v2`. */
  readonly storageDir: string;
  /** What the registry has logged, one line a request. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
};

/** Starts a registry on a loopback port; it ends with the calling suite or test. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const directory = temporaryDirectory();
  const storageDir = options.storageDir ?? join(directory, 'storage');
  mkdirSync(storageDir, { recursive: true });
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const configPath = join(directory, 'config.json');
  // YAML is a superset of JSON.
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    // What registries have taken over the years: manifests of schema 1, layers that are elsewhere.
    compatibility: { schema1: { enabled: true } },
    validation: { manifests: { urls: { allow: ['^http://127[.]'] } } },
    storage: {
      filesystem: { rootdirectory: storageDir },
      delete: { enabled: options.allowsDelete ?? true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: address,
      ...(options.tls === undefined
        ? {}
        : { tls: { certificate: options.tls.certificatePath, key: options.tls.keyPath } }),
    },
    ...(options.auth === undefined ? {} : { auth: await authSection(options.auth, directory) }),
  };
  writeFileSync(configPath, JSON.stringify(config));
  const service = await startService(['docker-registry', 'serve', configPath], () => isListening(address), {
    // Debian's unit gives it nothing either; OTEL and REDIS variables of the caller would change what it does.
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: directory },
  });
  return { address, port, storageDir, output: service.output, stop: service.stop };
}

export type PushOptions = {
  /** `USER:PASSWORD`. */
  readonly credentials?: string;
  /** Further words for skopeo copy, e.g. `--format=v2s2`, `--all`. */
  readonly skopeoOptions?: readonly string[];
};

/** Pushes the tag of an OCI layout as `NAME[:TAG]` of a registry. */
export async function pushImage(
  source: { readonly layout: string; readonly tag: string },
  target: string,
  options: PushOptions = {},
): Promise<void> {
  const credentials = options.credentials === undefined ? [] : [`--dest-creds=${options.credentials}`];
  await runOk([
    'skopeo',
    '--insecure-policy',
    'copy',
    '--quiet',
    '--dest-tls-verify=false',
    ...credentials,
    ...(options.skopeoOptions ?? []),
    `oci:${source.layout}:${source.tag}`,
    `docker://${target}`,
  ]);
}

async function authSection(auth: RegistryAuth, directory: string): Promise<object> {
  if (auth.kind === 'token') {
    const { realm, service, issuer, certificatePath } = auth;
    return { token: { realm, service, issuer, rootcertbundle: certificatePath } };
  }
  const path = join(directory, 'htpasswd');
  // Cost 4: bcrypt's least, since each request pays for it.
  writeFileSync(path, await runOk(['htpasswd', '-nbB', '-C', '4', auth.username, auth.password]));
  return { htpasswd: { realm: 'test registry', path } };
}

async function isListening(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect(Number(port), host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
