// SPDX-License-Identifier: Apache-2.0
// Running a build as if it stood where the installation will: a directory elsewhere is shown on the installation's place,
// in namespaces of the build's own. A wrapper does it: by a plan beside a copy of it.
import { encodePlan } from '../plan/index.ts';
import { type Plan, placeMark, type Step, wrapperPlanName } from '../model/index.ts';
import { writeFileAtomic } from '../sys/files.ts';
import { copyFile, makeDirectory } from '../sys/place-files.ts';
import { runLogged } from '../sys/run-logged.ts';
import type { BoundPath } from './wrapper-plan.ts';

export type BuildPlace = {
  /** The program that is copied, and the identity of its build. */
  readonly wrapper: string;
  readonly build: string;
  readonly buildDirectory: string;
  /** Shown on each other's place. */
  readonly binds: readonly BoundPath[];
  /** Shown as well, where an image is to be read. */
  readonly image: { readonly path: string; readonly target: string; readonly server: string } | undefined;
  /** The image in which the build runs; undefined: the machine itself. */
  readonly container: { readonly path: string; readonly server: string } | undefined;
};

const origin = 'the build';

/** Makes a program that runs `bash SCRIPT` in the place described, and gives its path. */
export async function prepareBuildPlace(name: string, place: BuildPlace): Promise<string> {
  const directory = `${place.buildDirectory}/_run_${name}`;
  makeDirectory(directory, 0o700);
  const program = `${directory}/slipway-build`;
  copyFile(place.wrapper, program, 0o700);
  await writeFileAtomic(`${directory}/${wrapperPlanName}`, encodePlan(buildPlan(place), place.build, 0n), {
    mode: 0o400,
  });
  return program;
}

function buildPlan(place: BuildPlace): Plan {
  const own = { step: 'namespaces', namespaces: ['user', 'mount'], uid: 'own', gid: 'own', origin } as const;
  const { container, image } = place;
  const isContained = container !== undefined;
  const roots: readonly Step[] = isContained
    ? [
        { ...own, uid: 0, gid: 0 },
        { step: 'root-squashfuse', image: container.path, server: container.server, flags: {}, origin },
        { step: 'overlay', on: { tmpfsBytes: 1 << 30 }, origin },
      ]
    : [own, { step: 'root-host' }];
  const images: readonly Step[] =
    image === undefined
      ? []
      : [{ step: 'squashfuse', image: image.path, server: image.server, target: image.target, flags: {}, origin }];
  const binds = place.binds.map(({ source, target, readOnly }): Step => ({
    step: 'bind',
    source,
    target,
    flags: { recursive: true, readOnly, optional: readOnly, create: isContained },
    origin,
  }));
  return {
    covers: { words: [placeMark], isExact: false },
    subject: 'the build',
    style: 'slipway',
    statuses: { own: 125, notFound: 127, notExecutable: 126 },
    trace: [],
    steps: [
      ...roots,
      // On the machine before the prefix is covered, in a container after the build directory is there.
      ...(isContained ? [...binds, ...images] : [...images, ...binds]),
      { step: 'enter' },
      ...(isContained ? [own] : []),
      { step: 'chdir', how: 'try', path: '/', origin },
      { step: 'exec', argv: ['/bin/bash'] },
    ],
  };
}

/** Runs the program that was prepared on a script; gives the exit status. @throws the signal's reason */
export async function runInPlace(
  program: string,
  run: {
    readonly words: readonly string[];
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly directory: string;
    readonly onOutput: (text: string, stream: 'stdout' | 'stderr') => void;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  return await runLogged({ ...run, argv: [program, ...run.words], graceMs: 5000 });
}
