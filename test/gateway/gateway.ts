// SPDX-License-Identifier: Apache-2.0
// A real gateway beside a test: the built program with a configuration of its own, its munged, and shifterimg as a user.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type CommandResult, run } from '../support/command.ts';
import { type Munge, startMunge } from '../support/munge.ts';
import { findOnPath } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { freePort, type Service, startService } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { TestUser } from '../support/user.ts';

export type GatewayOptions = {
  /** The system's name; `testsys` unless given. */
  readonly system?: string;
  readonly munge?: Munge;
  /** Merged into the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Merged into the platform. */
  readonly platform?: Readonly<Record<string, unknown>>;
  /** Registries by name (`HOST:PORT`), the first the default. */
  readonly locations: Readonly<Record<string, object>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** How it is asked whether it is ready; its certificate is not checked. */
  readonly scheme?: 'https';
  /** Where everything is; a temporary directory unless given: for a second gateway on the same files. */
  readonly directory?: string;
};

export type TestGateway = {
  readonly url: string;
  readonly port: number;
  readonly system: string;
  readonly munge: Munge;
  readonly directory: string;
  readonly imageDirectory: string;
  readonly configPath: string;
  readonly udiRootPath: string;
  readonly service: () => Service;
  /** Starts it again on the same files and port. */
  readonly start: () => Promise<void>;
  /** Its log so far, one object a line. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[];
  /** shifterimg, as this user or as the test itself. */
  readonly shifterimg: (words: readonly string[], user?: TestUser) => Promise<CommandResult>;
  /** A request as curl would send it, with a credential of this user. */
  readonly fetch: (path: string, options?: FetchOptions) => Promise<FetchAnswer>;
};

export type FetchOptions = {
  readonly method?: string;
  readonly user?: TestUser;
  /** The header; a new credential unless given, none where ''. */
  readonly authentication?: string;
  readonly body?: string;
};
export type FetchAnswer = { readonly status: number; readonly headers: Headers; readonly text: string };

export async function startGateway(options: GatewayOptions): Promise<TestGateway> {
  const system = options.system ?? 'testsys';
  const munge = options.munge ?? (await startMunge());
  const directory = options.directory ?? temporaryDirectory();
  chmodSync(directory, 0o755);
  const port = await freePort();
  const imageDirectory = join(directory, 'images');
  mkdirSync(imageDirectory, { recursive: true });
  const configPath = join(directory, `imagemanager-${port}.json`);
  const [defaultLocation] = Object.keys(options.locations);
  const config = {
    WorkerThreads: 2,
    LogLevel: 'info',
    DefaultImageLocation: defaultLocation,
    DefaultImageFormat: 'squashfs',
    PullUpdateTimeout: 300,
    CacheDirectory: join(directory, 'cache'),
    ExpandDirectory: join(directory, 'expand'),
    Locations: options.locations,
    Platforms: {
      [system]: {
        mungeSocketPath: munge.socket,
        accesstype: 'local',
        admins: ['root'],
        local: { imageDir: imageDirectory },
        ...options.platform,
      },
    },
    Listen: `127.0.0.1:${port}`,
    ...options.config,
  };
  writeFileSync(configPath, JSON.stringify(config, undefined, 1));
  const udiRootPath = join(directory, `udiRoot-${port}.conf`);
  writeFileSync(udiRootPath, udiRootText(system, `http://127.0.0.1:${port}`));
  const prefix = await slipwayPrefix();
  let service: Service | undefined;
  const start = async (): Promise<void> => {
    service = await startService(
      [join(prefix, 'bin/slipway'), 'gateway', 'serve', `--config=${configPath}`],
      () => (options.scheme === undefined ? answers(`http://127.0.0.1:${port}/ready`) : answersTls(port)),
      {
        env: {
          PATH: '/usr/bin:/bin',
          HOME: directory,
          XDG_RUNTIME_DIR: runtimeDirectory(directory),
          ...options.environment,
        },
        timeoutMs: 180_000,
      },
    );
  };
  await start();
  const started = (): Service => {
    if (service === undefined) throw new Error('the gateway was not started');
    return service;
  };
  const variables = { SLIPWAY_UDIROOT_CONF: udiRootPath, SLIPWAY_MUNGE_SOCKET: munge.socket, TZ: 'UTC' };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    system,
    munge,
    directory,
    imageDirectory,
    configPath,
    udiRootPath,
    service: started,
    start,
    log: () => started().output().split('\n').flatMap(parseLine),
    shifterimg: async (words, user) => {
      if (user !== undefined) return await user.run([join(prefix, 'bin/shifterimg'), ...words], { env: variables });
      const env = {
        PATH: '/usr/bin:/bin',
        HOME: directory,
        XDG_RUNTIME_DIR: runtimeDirectory(directory),
        ...variables,
      };
      return await run([join(prefix, 'bin/shifterimg'), ...words], { env });
    },
    fetch: async (path, fetchOptions = {}) => {
      const authentication = fetchOptions.authentication ?? (await mungeCredential(munge, '', fetchOptions.user));
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: fetchOptions.method ?? 'GET',
        headers: authentication === '' ? {} : { authentication },
        ...(fetchOptions.body === undefined ? {} : { body: fetchOptions.body }),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
  };
}

/** A credential made by the munge command itself. */
export async function mungeCredential(munge: Munge, payload: string, user?: TestUser): Promise<string> {
  const argv = [findOnPath('munge') ?? 'munge', `--socket=${munge.socket}`, `--string=${payload}`];
  const result = user === undefined ? await run(argv) : await user.run(argv);
  if (result.status !== 0) throw new Error(`munge: ${result.stderr}`);
  return result.stdout.trim();
}

function runtimeDirectory(directory: string): string {
  const path = join(directory, 'run');
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

function parseLine(line: string): readonly Readonly<Record<string, unknown>>[] {
  return line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : [];
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status === 200;
  } catch {
    return false;
  }
}

async function answersTls(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/ready', rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on('error', () => resolve(false)).end();
  });
}

function udiRootText(system: string, gateway: string): string {
  const tools = {
    modprobePath: 'modprobe',
    insmodPath: 'insmod',
    cpPath: 'cp',
    mvPath: 'mv',
    chmodPath: 'chmod',
    ddPath: 'dd',
  };
  const paths = Object.entries(tools).map(
    ([key, name]) =>
      `${key}=${existsSync(`/sbin/${name}`) ? '/sbin' : '/bin'}/${existsSync(`/sbin/${name}`) || existsSync(`/bin/${name}`) ? name : 'true'}`,
  );
  return `${[
    `system=${system}`,
    `imageGateway=${gateway}`,
    'defaultImageType=docker',
    'udiMount=/var/udiMount',
    'loopMount=/var/loopUdiMount',
    'imagePath=/tmp',
    'udiRootPath=/usr',
    'etcPath=/etc',
    'rootfsType=tmpfs',
    ...paths,
  ].join('\n')}\n`;
}
