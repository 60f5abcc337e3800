// SPDX-License-Identifier: Apache-2.0
// Slurm from inside a container: its commands, its configuration and plugins, the socket of MUNGE, and the libraries that
// all of these need.
import { basename, dirname, posix } from 'node:path';
import type { Inputs } from '../../sys/inputs.ts';
import { machineLibraries } from '../libraries/index.ts';
import { dependenciesOf, type InjectedFile, type Injection } from './injection.ts';

const commands = [
  'salloc',
  'sattach',
  'sbatch',
  'sbcast',
  'scancel',
  'scontrol',
  'sinfo',
  'squeue',
  'srun',
  'sacct',
  'sstat',
] as const;
const programDirectories = ['/usr/bin', '/usr/local/bin', '/opt/slurm/bin'] as const;
const pluginDirectories = [
  '/usr/lib64/slurm',
  '/usr/lib/slurm',
  '/usr/lib/x86_64-linux-gnu/slurm-wlm',
  '/usr/lib/x86_64-linux-gnu/slurm',
  '/usr/lib/aarch64-linux-gnu/slurm-wlm',
  '/usr/local/lib/slurm',
  '/opt/slurm/lib/slurm',
] as const;

/** Finds it; undefined where this machine has no Slurm. */
export function findSlurm(inputs: Inputs): Injection | undefined {
  const { search, tree } = machineLibraries(inputs);
  const programs = commands.flatMap((name) =>
    programDirectories
      .map((directory) => `${directory}/${name}`)
      .filter((path) => inputs.kindOf(path) === 'file')
      .slice(0, 1),
  );
  if (programs.length === 0) return undefined;
  const config = configPath(inputs);
  const settings = readSettings(config === undefined ? '' : (inputs.readText(config) ?? ''));
  const own = programs.flatMap((path) => search.read(path)?.runpath?.split(':') ?? []);
  const plugins = [...(settings.get('plugindir')?.split(':') ?? []), ...pluginDirectories, ...own].find(
    (path) => inputs.kindOf(posix.join(path, 'auth_munge.so')) === 'file',
  );
  const socket = /socket=([^,\s]+)/i.exec(settings.get('authinfo') ?? '')?.[1];
  const munge = socket === undefined ? '/run/munge' : dirname(socket);
  const notes: string[] = [];

  const directories: InjectedFile[] = [];
  const addDirectory = (path: string | undefined, what: string): void => {
    if (path === undefined || inputs.kindOf(path) === undefined) notes.push(`${what} was not found`);
    else if (!directories.some(({ target }) => isBelow(path, target))) directories.push({ source: path, target: path });
  };
  addDirectory(config === undefined ? undefined : dirname(config), "Slurm's configuration");
  addDirectory(plugins, "Slurm's directory of plugins");
  addDirectory(munge, `the socket of MUNGE (${munge})`);

  const modules = plugins === undefined ? [] : (inputs.listDirectory(plugins) ?? []);
  const roots = [...programs, ...modules.filter((name) => name.endsWith('.so')).map((name) => `${plugins}/${name}`)];
  const { files, missing } = dependenciesOf(roots, {
    search,
    tree,
    // Where every ldconfig looks, whoever built it.
    directory: '/usr/lib',
    isLeftOut: (name) => modules.includes(name),
  });
  // A plugin for hardware that is not here may lack its library; then Slurm does not load it either.
  const lacking = missing.filter((text) => programs.some((path) => text.includes(path)));
  notes.push(...lacking.map((text) => `no library ${text} was found`));
  return {
    files: [
      ...programs.map((path) => ({ source: path, target: `/usr/bin/${basename(path)}` })),
      ...directories,
      ...files,
    ],
    devices: [],
    notes,
  };
}

function configPath(inputs: Inputs): string | undefined {
  const named = inputs.environment('SLURM_CONF') ?? '';
  return [named, '/etc/slurm/slurm.conf', '/etc/slurm-llnl/slurm.conf', '/usr/local/etc/slurm.conf'].find(
    (path) => path !== '' && inputs.kindOf(path) === 'file',
  );
}

/** `Key=value` lines of slurm.conf(5), keys in lower case. */
function readSettings(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*(?:#.*)?$/.exec(line);
    if (match !== null) settings.set((match[1] ?? '').toLowerCase(), match[2] ?? '');
  }
  return settings;
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
