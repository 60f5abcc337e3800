// SPDX-License-Identifier: Apache-2.0
// The plan that all wrappers of an installation share. It says nothing of who runs it, and names the installation by a
// mark, so that others may run it and it may be moved.
import { createHash } from 'node:crypto';
import { type EnvironmentEdit, type MountFlags, type Plan, placeMark, type Step } from '../model/index.ts';

export type BoundPath = { readonly source: string; readonly target: string; readonly readOnly: boolean };

export type WrapperSpec = {
  /** File names in the installation, and the program that serves them. */
  readonly image: string | undefined;
  readonly server: string;
  /** Where the installation was built. */
  readonly builtIn: string;
  /** A place that the image is to stand in as well. */
  readonly maskedPath: string | undefined;
  /** The image that is the root, by its name in the installation or a path; undefined: the machine itself. */
  readonly container: string | undefined;
  /** In a container: what it sees of the machine. */
  readonly binds: readonly BoundPath[];
  /** On the machine itself: directories that are shown empty. */
  readonly hidden: readonly string[];
  /** Of an environment that can be left inactive. */
  readonly activation: readonly EnvironmentEdit[];
  readonly environment: readonly EnvironmentEdit[];
  /** What starts each program, where the environment is not known before. */
  readonly starter: readonly string[];
  readonly lingerMs: number;
};

/** Ranks of other job steps and sessions may be ended with all that they started: they share no holder. */
const holderScope = ['SLURM_JOB_ID', 'SLURM_STEP_ID', 'PBS_JOBID', 'LSB_JOBID', 'XDG_SESSION_ID'] as const;
const imageFlags: MountFlags = { readOnly: true, nosuid: true, nodev: true };
/** Room for mount points that the container lacks. */
const scaffoldBytes = 16 << 20;
const origin = 'the wrapped installation';
const hidingOrigin = 'excluded_mount_points';

export function wrapperPlan(spec: WrapperSpec): Plan {
  const construction = spec.container === undefined ? inHost(spec) : inContainer(spec, spec.container);
  const key = createHash('sha256').update(JSON.stringify(construction)).digest('hex').slice(0, 32);
  const [namespaces, ...mounts] = construction as [Step, ...Step[]];
  return {
    covers: { words: [placeMark], isExact: false },
    subject: placeMark,
    style: 'slipway',
    statuses: { own: 125, notFound: 127, notExecutable: 126 },
    trace: [],
    steps: [
      namespaces,
      { step: 'hold', key, lingerMs: spec.lingerMs, scope: [...holderScope, '@sources', placeMark] },
      ...mounts,
      { step: 'held' },
      ...environmentSteps(spec),
      ...workdirs(spec),
      { step: 'exec-namesake', directory: `${placeMark}/bin`, builtIn: spec.builtIn, starter: spec.starter },
    ],
  };
}

/** The machine as it is, with the image on the installation's place. */
function inHost(spec: WrapperSpec): readonly Step[] {
  return [own, { step: 'root-host' }, ...hidingSteps(spec.hidden), ...imageSteps(spec, {}), { step: 'enter' }];
}

/** Shows directories empty. */
function hidingSteps(paths: readonly string[]): readonly Step[] {
  const flags = { readOnly: true, optional: true, nosuid: true, nodev: true };
  return paths.map((target) => ({ step: 'tmpfs', target, sizeBytes: 0, mode: 0o755, flags, origin: hidingOrigin }));
}

const own = { step: 'namespaces', namespaces: ['user', 'mount'], uid: 'own', gid: 'own', origin } as const;

function imageSteps(spec: WrapperSpec, more: MountFlags): readonly Step[] {
  if (spec.image === undefined) return [];
  const flags = { ...imageFlags, ...more };
  const target = spec.maskedPath ?? placeMark;
  const mount: Step = {
    step: 'squashfuse',
    image: `${placeMark}/${spec.image}`,
    server: spec.server,
    target,
    flags,
    origin,
  };
  const again: Step = { step: 'bind', source: target, target: placeMark, flags, origin };
  return spec.maskedPath === undefined ? [mount] : [mount, again];
}

/** An image as root. Its files become the caller's for long enough to make mount points above them. */
function inContainer(spec: WrapperSpec, container: string): readonly Step[] {
  const path = container.startsWith('/') ? container : `${placeMark}/${container}`;
  const links: Step = {
    step: 'bind',
    source: `${placeMark}/_bin`,
    target: `${placeMark}/bin`,
    flags: { readOnly: true, create: true },
    origin,
  };
  return [
    { ...own, uid: 0, gid: 0 },
    { step: 'root-squashfuse', image: path, server: spec.server, flags: imageFlags, origin },
    { step: 'overlay', on: { tmpfsBytes: scaffoldBytes }, origin: 'mount points that the image lacks' },
    ...spec.binds.map(({ source, target, readOnly }): Step => ({
      step: 'bind',
      source,
      target,
      flags: { recursive: true, optional: true, create: true, ...(readOnly ? { readOnly } : {}) },
      origin,
    })),
    ...(spec.image === undefined ? [links] : imageSteps(spec, { create: true })),
    { step: 'root-read-only' },
    { step: 'enter' },
    own,
  ];
}

function environmentSteps(spec: WrapperSpec): readonly Step[] {
  const steps = (edits: readonly EnvironmentEdit[]): readonly Step[] =>
    edits.map((edit) => ({ step: 'environment', edit, origin }));
  const isContained = spec.container !== undefined;
  // In a container, a virtual environment has its programs on PATH in any case: PATH is always set there.
  const throughVenvIfSet = isContained ? 'PATH' : 'CW_FORCE_CONDA_ACTIVATE';
  const activation: readonly Step[] =
    spec.activation.length === 0 && !isContained
      ? []
      : [
          { step: 'activate', unlessSet: 'CW_NO_CONDA_ACTIVATE', throughVenvIfSet },
          ...steps(spec.activation),
          { step: 'activated' },
        ];
  return [...steps(spec.environment), ...activation];
}

function workdirs(spec: WrapperSpec): readonly Step[] {
  const shown = spec.container === undefined ? ['/'] : spec.binds.map(({ target }) => target);
  return [
    ...shown.map((path): Step => ({ step: 'chdir', how: 'caller', path, origin: 'default' })),
    { step: 'chdir', how: 'try', path: '/', origin: 'default' },
  ];
}
