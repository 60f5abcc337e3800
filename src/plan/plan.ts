// SPDX-License-Identifier: Apache-2.0
// plan(): what is asked for, the image, the machine and the site in; the steps of a launch out. Pure: the same values
// give the same plan, byte for byte.
import { createHash } from 'node:crypto';
import {
  type Adaptation,
  type EnvironmentEdit,
  type MountRequest,
  type Plan,
  type RunRequest,
  SlipwayError,
  type Step,
} from '../model/index.ts';
import { containerGroup, containerPasswd } from './accounts.ts';
import type { HostFacts, ImageFacts, SiteFacts } from './facts.ts';

/** A file made for the container; its name is its content's digest, so writing it twice is harmless. */
export type GeneratedFile = { readonly path: string; readonly content: string };

export type PlannedRun = {
  readonly plan: Pick<Plan, 'subject' | 'style' | 'statuses' | 'steps'>;
  readonly generated: readonly GeneratedFile[];
};

/** What a container's PATH is where neither image nor person says. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Room for mount points that an image lacks: directories and empty files. */
const scaffoldBytes = 16 << 20;

/**
 * Ranks in different job steps and login sessions may be ended, with all that they started, at different times; they
 * must not depend on one holder.
 */
const holderScope = ['SLURM_JOB_ID', 'SLURM_STEP_ID', 'PBS_JOBID', 'LSB_JOBID', 'XDG_SESSION_ID'] as const;

/** Loader variables of the host name libraries of the host, which a program of the image must not load. */
const hostLoaderVariables = ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'LD_AUDIT'] as const;

/** The guest paths whose presence in the image plan() wants to know. */
export function mountTargets(request: RunRequest, host: HostFacts): readonly string[] {
  const targets = [...defaultAdaptations(request, host), ...request.adaptations].flatMap(({ mounts }) =>
    mounts.map((mount) => mount.target),
  );
  return [...new Set(targets)];
}

/**
 * Decides a launch.
 * @throws SlipwayError `squashfuse-missing` where the image needs it, `no-command` where nothing is to be run.
 */
export function plan(
  request: RunRequest,
  given: { readonly image: ImageFacts; readonly host: HostFacts; readonly site: SiteFacts },
): PlannedRun {
  const { image, host, site } = given;
  const uid = request.uid ?? host.uid;
  const gid = request.gid ?? host.gid;
  const accounts = accountFiles(image, host, { uid, gid });
  const adaptations = [
    ...defaultAdaptations(request, host),
    {
      origin: 'default: the person running it, by name',
      mounts: [fileMount(accounts.passwd.path, '/etc/passwd'), fileMount(accounts.group.path, '/etc/group')],
      environment: [],
    } satisfies Adaptation,
    ...request.adaptations,
  ];

  const isWritable = request.writable.kind !== 'none';
  const scaffold = isWritable ? { overlay: false, over: [] } : scaffoldFor(image, adaptations);
  const canCreate = isWritable || scaffold.overlay || scaffold.over.length > 0;
  const isHeld = image.root.kind === 'squashfs' && !isWritable;

  // An image's files belong to root. In a namespace where root is the caller they become the caller's own, and so
  // can be copied up by an overlay; a second namespace then gives the caller the ids that he is to have.
  const isNested = image.root.kind === 'squashfs' && (uid !== 0 || gid !== 0);
  const identity: Step = {
    step: 'namespaces',
    namespaces: ['user', 'mount'],
    uid,
    gid,
    origin: request.uid === undefined && request.gid === undefined ? 'default' : '--uid, --gid',
  };
  const first: Step = isNested
    ? { step: 'namespaces', namespaces: ['user', 'mount'], uid: 0, gid: 0, origin: "the image's files become yours" }
    : identity;
  const construction: readonly Step[] = [
    rootStep(image, host),
    ...writableSteps(request, scaffold.overlay),
    ...scaffold.over.map((target): Step => ({
      step: 'tmpfs',
      target,
      sizeBytes: scaffoldBytes,
      mode: 0o755,
      flags: { nosuid: true, nodev: true },
      origin: 'mount points that the image lacks',
    })),
    ...adaptations.flatMap(({ origin, mounts }) => mounts.map((mount) => mountStep(mount, origin, canCreate))),
    ...(scaffold.overlay ? [{ step: 'root-read-only' } as const] : []),
    { step: 'enter' },
    ...(isNested ? [identity] : []),
  ];
  const key = createHash('sha256')
    .update(JSON.stringify([image.identity, first, construction]))
    .digest('hex')
    .slice(0, 32);
  const steps: Step[] = [
    first,
    ...(isHeld ? [{ step: 'hold', key, lingerMs: site.lingerMs, scope: holderScope } as const] : []),
    ...construction,
    ...(isHeld ? [{ step: 'held' } as const] : []),
    ...environmentSteps({ request, image, host, uid, adaptations }),
    { step: 'no-new-privileges' },
    ...workdirSteps(request, image, adaptations),
    { step: 'exec', argv: programWords(request, image) },
  ];
  return {
    plan: {
      subject: image.subject,
      style: 'slipway',
      statuses: { own: 125, notFound: 127, notExecutable: 126 },
      steps,
    },
    generated: [accounts.passwd, accounts.group],
  };
}

function defaultAdaptations(request: RunRequest, host: HostFacts): readonly Adaptation[] {
  const tree = (path: string): MountRequest => ({
    kind: 'bind',
    source: path,
    target: path,
    flags: { recursive: true },
  });
  const devices = { origin: 'default: devices, processes, kernel', mounts: ['/dev', '/proc', '/sys'].map(tree) };
  const names = {
    origin: 'default: names of hosts',
    mounts: ['/etc/resolv.conf', '/etc/hosts'].map((path) => fileMount(path, path)),
  };
  const temporary = { origin: 'default: temporary files', mounts: [tree('/tmp')] };
  const home = { origin: 'default: your home directory (--no-home leaves it out)', mounts: [tree(host.home)] };
  return [devices, names, temporary, ...(request.home && host.home !== '/' ? [home] : [])].map((adaptation) => ({
    ...adaptation,
    environment: [],
  }));
}

function fileMount(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { readOnly: true, optional: true } };
}

type Scaffold = {
  /** Whether the whole root must be covered by an overlay in which mount points can be made. */
  readonly overlay: boolean;
  /** Otherwise: empty directories of the image that a small tmpfs can cover, hiding nothing. */
  readonly over: readonly string[];
};

/** What it takes to have every mount point that the image lacks. An overlay costs every launch; empty directories don't. */
function scaffoldFor(image: ImageFacts, adaptations: readonly Adaptation[]): Scaffold {
  const targets = adaptations.flatMap(({ mounts }) => mounts.map((mount) => mount.target));
  const missing = adaptations
    .flatMap(({ mounts }) => mounts.filter((mount) => !mount.flags.optional && !image.kinds.has(mount.target)))
    .map((mount) => mount.target)
    .filter((target) => !targets.some((other) => other !== target && isInside(target, other)));
  const over = new Set<string>();
  for (const target of missing) {
    const ancestor = image.emptyAncestors.get(target);
    // A mount on or above the empty directory would be hidden by what covers it, or hide it.
    if (ancestor === undefined || targets.some((other) => isInside(ancestor, other))) {
      return { overlay: true, over: [] };
    }
    over.add(ancestor);
  }
  return { overlay: false, over: [...over].sort() };
}

function rootStep(image: ImageFacts, host: HostFacts): Step {
  const flags = { readOnly: true, nosuid: true, nodev: true } as const;
  const origin = `the image ${image.subject}`;
  if (image.root.kind === 'directory') {
    return { step: 'root-directory', path: image.root.path, flags: { ...flags, recursive: true }, origin };
  }
  if (host.squashfuse === undefined) throw new SlipwayError('squashfuse-missing', { image: image.subject });
  return { step: 'root-squashfuse', image: image.root.path, server: host.squashfuse, flags, origin };
}

function writableSteps(request: RunRequest, needsScaffold: boolean): readonly Step[] {
  switch (request.writable.kind) {
    case 'tmpfs':
      return [{ step: 'overlay', on: { tmpfsBytes: request.writable.sizeBytes }, origin: '--writable' }];
    case 'directory':
      return [{ step: 'overlay', on: { directory: request.writable.path }, origin: '--writable' }];
    case 'none':
      return needsScaffold
        ? [{ step: 'overlay', on: { tmpfsBytes: scaffoldBytes }, origin: 'mount points that the image lacks' }]
        : [];
  }
}

function mountStep(mount: MountRequest, origin: string, canCreate: boolean): Step {
  const flags = canCreate && !mount.flags.optional ? { ...mount.flags, create: true } : mount.flags;
  return mount.kind === 'bind'
    ? { step: 'bind', source: mount.source, target: mount.target, flags, origin }
    : { step: 'tmpfs', target: mount.target, sizeBytes: mount.sizeBytes, mode: mount.mode, flags, origin };
}

function accountFiles(
  image: ImageFacts,
  host: HostFacts,
  ids: { readonly uid: number; readonly gid: number },
): { readonly passwd: GeneratedFile; readonly group: GeneratedFile } {
  const isRoot = ids.uid === 0 && host.uid !== 0;
  const passwd = containerPasswd(image.passwd, {
    name: isRoot ? 'root' : host.userName,
    uid: ids.uid,
    gid: ids.gid,
    fullName: isRoot ? 'root' : host.fullName,
    home: host.home,
    shell: '/bin/sh',
  });
  const group = containerGroup(image.group, {
    name: ids.gid === 0 ? 'root' : host.groupName,
    gid: ids.gid,
  });
  return { passwd: generatedFile(passwd, host), group: generatedFile(group, host) };
}

function generatedFile(content: string, host: HostFacts): GeneratedFile {
  const name = createHash('sha256').update(content).digest('hex').slice(0, 32);
  return { path: `${host.generatedDirectory}/f-${name}`, content };
}

function environmentSteps(given: {
  readonly request: RunRequest;
  readonly image: ImageFacts;
  readonly host: HostFacts;
  readonly uid: number;
  readonly adaptations: readonly Adaptation[];
}): readonly Step[] {
  const { request, image, host, uid, adaptations } = given;
  const step = (origin: string, edit: EnvironmentEdit): Step => ({ step: 'environment', edit, origin });
  const fromImage = image.config.env.map((text) => {
    const equals = text.indexOf('=');
    const [name, value] = equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    return step('the image', { edit: 'set', name, value });
  });
  const hasPath = image.config.env.some((text) => text.startsWith('PATH='));
  const isTemporaryVisible =
    host.temporaryDirectory === undefined ||
    adaptations.some(({ mounts }) =>
      mounts.some(({ target }) => isInside(host.temporaryDirectory ?? '/', target) && target !== '/'),
    );
  const edits = adaptations.flatMap(({ origin, environment }) => environment.map((edit) => step(origin, edit)));
  // What is cleared is the caller's, not what the image sets: so this comes first, wherever it was asked for.
  const isClearing = (one: Step): boolean => one.step === 'environment' && one.edit.edit === 'clear';
  return [
    ...edits.filter(isClearing),
    ...hostLoaderVariables.map((glob) => step('default: libraries of the host', { edit: 'unset', glob })),
    ...(isTemporaryVisible ? [] : [step('default: it is not in the container', { edit: 'unset', glob: 'TMPDIR' })]),
    ...(request.home ? [] : [step('--no-home', { edit: 'set', name: 'HOME', value: uid === 0 ? '/root' : '/' })]),
    ...(hasPath ? [] : [step('default', { edit: 'set', name: 'PATH', value: defaultPath })]),
    ...fromImage,
    step('default', { edit: 'set', name: 'SLIPWAY_IMAGE', value: image.subject }),
    ...edits.filter((one) => !isClearing(one)),
  ];
}

function workdirSteps(request: RunRequest, image: ImageFacts, adaptations: readonly Adaptation[]): readonly Step[] {
  if (request.workdir !== undefined) {
    return [{ step: 'chdir', how: 'must', path: request.workdir, origin: '--workdir' }];
  }
  const own = image.config.workdir;
  // A directory of the caller is kept where the container shows the same one under the same name.
  const shared = adaptations.flatMap(({ mounts }) =>
    mounts.filter((mount) => mount.kind === 'bind' && mount.source === mount.target).map(({ target }) => target),
  );
  return [
    ...(own === undefined || own === '' || own === '/'
      ? shared.map((path) => ({ step: 'chdir', how: 'caller', path, origin: 'default' }) as const)
      : [{ step: 'chdir', how: 'try', path: own, origin: 'the image' } as const]),
    { step: 'chdir', how: 'try', path: '/', origin: 'default' },
  ];
}

function programWords(request: RunRequest, image: ImageFacts): readonly string[] {
  const entrypoint = request.entrypoint ?? image.config.entrypoint;
  // As with docker: another entry point does not get the image's arguments for its own.
  const cmd = request.hasCommand || request.entrypoint !== undefined ? [] : image.config.cmd;
  const words = [...entrypoint, ...cmd];
  if (words.length === 0 && !request.hasCommand) throw new SlipwayError('no-command', { image: image.subject });
  return words;
}

/** Whether `path` is `directory` or below it, by components. */
function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
