// SPDX-License-Identifier: Apache-2.0
// Containers of OCI runtimes, with hooks, on this machine: runc and crun, with devices under cgroup v1 and, where the view
// of a mount namespace makes it so, v2.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { type RealImage, realImage } from '../support/images.ts';
import { temporaryDirectory } from '../support/temporary.ts';

export type Runtime = 'runc' | 'crun' | 'runc on cgroup v2' | 'crun on cgroup v2';

/** The words that start a container in the current directory's bundle. */
export const runtimeWords: Readonly<
  Record<Runtime, (state: string, name: string) => readonly string[] | Promise<readonly string[]>>
> = {
  'runc': (state, name) => ['runc', '--root', state, 'run', name],
  // It refuses a machine with both versions: without a mount of v2 it sees v1 alone.
  'crun': (state, name) => inView('umount /sys/fs/cgroup/unified', ['crun', '--root', state, 'run', name]),
  'runc on cgroup v2': (state, name) => inView(onlyVersion2, ['runc', '--root', state, 'run', name]),
  'crun on cgroup v2': async (state, name) => {
    const preload = `LD_PRELOAD=${await withoutMemoryLock()}`;
    return inView(onlyVersion2, ['env', preload, 'crun', '--root', state, 'run', name]);
  },
};

const onlyVersion2 = 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup';

/**
 * Before it loads a device program crun takes the limit off locked memory, which root may not do everywhere
 * (CAP_SYS_RESOURCE). Since Linux 5.11 programs don't count under it: this library leaves the limit as it is.
 */
const memoryLockSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/resource.h>
int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
  int (*next)(__rlimit_resource_t, const struct rlimit *) = dlsym(RTLD_NEXT, "setrlimit");
  return resource == RLIMIT_MEMLOCK ? 0 : next(resource, limit);
}
int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit) {
  int (*next)(__rlimit_resource_t, const struct rlimit64 *) = dlsym(RTLD_NEXT, "setrlimit64");
  return resource == RLIMIT_MEMLOCK ? 0 : next(resource, limit);
}
`;
/** A directory goes with the test that asked for it, so each container has a library of its own. */
async function withoutMemoryLock(): Promise<string> {
  const directory = temporaryDirectory();
  const [source, library] = [join(directory, 'lock.c'), join(directory, 'lock.so')];
  writeFileSync(source, memoryLockSource);
  await runOk(['gcc', '-shared', '-fPIC', '-o', library, source]);
  return library;
}

function inView(script: string, argv: readonly string[]): readonly string[] {
  return ['unshare', '-m', 'sh', '-c', `${script} 2>/dev/null; exec "$@"`, 'sh', ...argv];
}

export const runtimes = Object.keys(runtimeWords) as readonly Runtime[];

export type Bundle = {
  readonly directory: string;
  readonly root: string;
  readonly run: (runtime: Runtime) => Promise<CommandResult>;
};

export type BundleOptions = {
  readonly root: string;
  /** argv of the program. */
  readonly args: readonly string[];
  readonly hooks: object;
  /** Members of `process`, beside args and terminal. */
  readonly process?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly isPidShared?: boolean;
};

let count = 0;

export async function makeBundle(options: BundleOptions): Promise<Bundle> {
  const directory = temporaryDirectory();
  await runOk(['runc', 'spec'], { cwd: directory });
  const path = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly process: object;
    readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
  };
  const namespaces = config.linux.namespaces.filter(({ type }) => options.isPidShared !== true || type !== 'pid');
  writeFileSync(
    path,
    JSON.stringify({
      ...config,
      root: { path: options.root, readonly: false },
      process: { ...config.process, terminal: false, args: options.args, ...options.process },
      linux: { ...config.linux, namespaces },
      hooks: options.hooks,
      annotations: options.annotations ?? {},
    }),
  );
  return {
    directory,
    root: options.root,
    run: async (runtime) => {
      count += 1;
      const argv = await runtimeWords[runtime](join(directory, 'state'), `slipway-test-${process.pid}-${count}`);
      return await run(argv, { cwd: directory, timeoutMs: 120_000 });
    },
  };
}

/** An image's root that the test may spoil. */
export async function makeRoot(image: RealImage = 'busybox'): Promise<string> {
  const directory = temporaryDirectory();
  await runOk(['umoci', 'raw', 'unpack', '--image', `${await realImage(image)}:latest`, join(directory, 'root')]);
  const root = join(directory, 'root');
  for (const name of ['proc', 'sys', 'dev']) mkdirSync(join(root, name), { recursive: true });
  return root;
}
