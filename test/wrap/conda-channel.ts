// SPDX-License-Identifier: Apache-2.0
// A channel of conda packages made by hand: a compiled one that holds its prefix in text and in a program, one for any
// machine with a module of Python and a script, Python itself (this machine's, by a link), and one with activation.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestUser } from '../support/user.ts';
import { writeFiles } from './installations.ts';

/** What stands in packages for the place where they will be installed: long, as conda-build makes it. */
const placeholder = `/opt/placehold${'_placehold'.repeat(20)}`;

type Package = {
  readonly name: string;
  readonly version: string;
  readonly subdir: 'linux-64' | 'noarch';
  readonly noarch?: 'python' | 'generic';
  readonly depends: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Files that hold the placeholder. */
  readonly prefixed?: Readonly<Record<string, 'text' | 'binary'>>;
  readonly entryPoints?: readonly string[];
};

const placingProgram = `#include <stdio.h>
static const char prefix[] = "${placeholder}";
int main(void) { printf("placed in %s\\n", prefix); return 0; }
`;

const packages: readonly Package[] = [
  {
    name: 'python',
    version: '3.11.2',
    subdir: 'linux-64',
    depends: [],
    files: {},
  },
  {
    name: 'placed',
    version: '1.0',
    subdir: 'linux-64',
    depends: ['settings'],
    files: { 'bin/place-script': `#!/bin/sh\necho script in ${placeholder}\n` },
    prefixed: { 'bin/place': 'binary', 'bin/place-script': 'text' },
  },
  {
    name: 'settings',
    version: '2.0',
    subdir: 'noarch',
    noarch: 'generic',
    depends: [],
    files: {
      'etc/conda/activate.d/settings.sh': `export SETTINGS_HOME="$CONDA_PREFIX/share/settings"
export SETTINGS_PATH="$CONDA_PREFIX/lib/settings\${SETTINGS_PATH:+:$SETTINGS_PATH}"
export SETTINGS_MODE="\${SETTINGS_MODE:-usual}"
unset SETTINGS_OLD
`,
      'share/settings/note': 'a note\n',
    },
  },
  {
    name: 'puretool',
    version: '1.0',
    subdir: 'noarch',
    noarch: 'python',
    depends: ['python'],
    files: {
      'site-packages/puretool.py': 'import sys\n\ndef main():\n    print("pure", sys.prefix, sys.argv[1:])\n',
      'site-packages/puretool-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: puretool\nVersion: 1.0\n',
    },
    entryPoints: ['puretool = puretool:main'],
  },
  {
    name: 'later',
    version: '3.0',
    subdir: 'noarch',
    noarch: 'generic',
    depends: [],
    files: { 'bin/later': '#!/bin/sh\necho later\n' },
  },
];

/** Makes the channel and gives its URL. */
export async function makeChannel(user: TestUser, directory: string): Promise<string> {
  for (const each of packages) await makePackage(user, directory, each);
  const bySubdir = Map.groupBy(packages, ({ subdir }) => subdir);
  for (const [subdir, group] of bySubdir) {
    const records = group.map((each) => [fileName(each), record(join(directory, subdir, fileName(each)), each)]);
    const repodata = { 'info': { subdir }, 'packages': Object.fromEntries(records), 'packages.conda': {} };
    await writeFiles(user, join(directory, subdir), { 'repodata.json': JSON.stringify(repodata) });
  }
  return `file://${directory}`;
}

function fileName({ name, version }: Package): string {
  return `${name}-${version}-0.tar.bz2`;
}

function indexOf({ name, version, subdir, noarch, depends }: Package): object {
  return {
    name,
    version,
    build: '0',
    build_number: 0,
    depends,
    subdir,
    license: 'Apache-2.0',
    timestamp: 1_700_000_000_000,
    ...(noarch === undefined ? {} : { noarch }),
  };
}

function record(path: string, each: Package): object {
  const bytes = readFileSync(path);
  const digest = (name: string): string => createHash(name).update(bytes).digest('hex');
  return { ...indexOf(each), size: bytes.length, md5: digest('md5'), sha256: digest('sha256') };
}

async function makePackage(user: TestUser, directory: string, each: Package): Promise<void> {
  const tree = join(directory, 'made', each.name);
  await writeFiles(user, tree, { ...each.files, 'info/index.json': JSON.stringify(indexOf(each)) });
  const names = Object.keys(each.files);
  if (each.name === 'placed') {
    await writeFiles(user, tree, { 'place.c': placingProgram });
    await user.runOk(['gcc', '-O1', '-o', 'bin/place', 'place.c'], { cwd: tree });
    await user.runOk(['rm', 'place.c'], { cwd: tree });
    names.push('bin/place');
  }
  if (each.name === 'python') {
    // The interpreter's own prefix is the machine's; it finds packages of the environment by PEP 405.
    await user.runOk(['python3', '-m', 'venv', '--without-pip', 'venv'], { cwd: tree });
    await user.runOk(['sh', '-c', 'mkdir bin && cp -a venv/bin/python* bin/ && cp venv/pyvenv.cfg . && rm -r venv'], {
      cwd: tree,
    });
    names.push('bin/python', 'bin/python3', 'bin/python3.11', 'pyvenv.cfg');
  }
  await writeFiles(user, tree, await pathsOf(user, tree, each, names));
  const file = join(directory, each.subdir, fileName(each));
  await user.runOk(['mkdir', '-p', join(directory, each.subdir)]);
  await user.runOk(['tar', '-cjf', file, ...names, 'info'], { cwd: tree });
}

async function pathsOf(
  user: TestUser,
  tree: string,
  each: Package,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const paths: object[] = [];
  for (const name of names) {
    const kind = (await user.runOk(['stat', '-c', '%F', name], { cwd: tree })).trim();
    const mode = each.prefixed?.[name];
    const isLink = kind === 'symbolic link';
    const bytes = isLink ? Buffer.alloc(0) : readFileSync(join(tree, name));
    paths.push({
      _path: name,
      path_type: isLink ? 'softlink' : 'hardlink',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size_in_bytes: bytes.length,
      ...(mode === undefined ? {} : { prefix_placeholder: placeholder, file_mode: mode }),
    });
  }
  const link =
    each.noarch === undefined
      ? {}
      : {
          'info/link.json': JSON.stringify({
            noarch: {
              type: each.noarch,
              ...(each.entryPoints === undefined ? {} : { entry_points: each.entryPoints }),
            },
            package_metadata_version: 1,
          }),
        };
  return {
    ...link,
    'info/paths.json': JSON.stringify({ paths_version: 1, paths }),
    'info/files': `${names.join('\n')}\n`,
  };
}
