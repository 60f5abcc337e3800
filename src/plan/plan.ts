// SPDX-License-Identifier: Apache-2.0
// plan(): what is asked for, the image, the machine and the site in; the steps of a launch out. Pure: the same values
// give the same plan, byte for byte.
import { posix } from 'node:path';
import {
  type Adaptation,
  type MountRequest,
  type Plan,
  type RunRequest,
  SlipwayError,
  type Step,
} from '../model/index.ts';
import { containerGroup, containerPasswd } from './accounts.ts';
import { confinementSteps } from './confinement.ts';
import { defaultAdaptations } from './default-mounts.ts';
import { environmentSteps } from './environment.ts';
import type { HostFacts, ImageFacts, SiteFacts } from './facts.ts';
import { fingerprint } from './fingerprint.ts';
import { hasHooks, withHooks } from './hooks.ts';
import { layerDirectories, layerFor } from './layer.ts';
import { isInside, type Scaffold, scaffoldFor, type Skeleton } from './scaffold.ts';

/** A file made for the container; its name is its content's digest, so writing it twice is harmless. */
export type GeneratedFile = { readonly path: string; readonly content: string; readonly encoding?: 'latin1' };

export type PlannedRun = {
  readonly plan: Pick<Plan, 'subject' | 'style' | 'statuses' | 'steps'>;
  readonly generated: readonly GeneratedFile[];
  readonly skeletons: readonly Skeleton[];
};

/**
 * Ranks in different job steps and login sessions may be ended, with all that they started, at different times; they
 * must not depend on one holder.
 */
const holderScope = ['SLURM_JOB_ID', 'SLURM_STEP_ID', 'PBS_JOBID', 'LSB_JOBID', 'XDG_SESSION_ID'] as const;

/** Set for each rank by the launchers of Slurm, PMI, PMIx, Open MPI, Flux and PALS. */
const rankVariables = [
  'SLURM_PROCID',
  'PMI_RANK',
  'PMIX_RANK',
  'OMPI_COMM_WORLD_RANK',
  'FLUX_TASK_RANK',
  'PALS_RANKID',
] as const;

/** The guest paths whose presence in the image plan() wants to know. */
export function mountTargets(request: RunRequest, host: Pick<HostFacts, 'home'>): readonly string[] {
  return [
    ...new Set([
      ...mountsOf(request, host).map(({ target }) => target),
      ...layerDirectories(request.conventions?.layer),
    ]),
  ];
}

/** The host paths whose kind plan() wants to know. */
export function mountSources(request: RunRequest, host: Pick<HostFacts, 'home'>): readonly string[] {
  return [...new Set(mountsOf(request, host).flatMap((mount) => (isFromHost(mount) ? [mount.source] : [])))];
}

function isFromHost(mount: MountRequest): mount is Extract<MountRequest, { readonly kind: 'bind' }> {
  return mount.kind === 'bind' && mount.flags.inside !== true;
}

function mountsOf(request: RunRequest, host: Pick<HostFacts, 'home'>): readonly MountRequest[] {
  return [...defaultAdaptations(request, host), ...request.adaptations].flatMap(({ mounts }) => mounts);
}

/**
 * Decides a launch.
 * @throws SlipwayError `squashfuse-missing` where the image needs it, `no-command` where nothing is to be run.
 */
export function plan(
  asked: RunRequest,
  given: { readonly image: ImageFacts; readonly host: HostFacts; readonly site: SiteFacts },
): PlannedRun {
  const { image, host, site } = given;
  const isShared = canShareImage(asked, image);
  const request: RunRequest = isShared ? { ...asked, writable: { kind: 'none' } } : asked;
  const uid = request.uid ?? (request.isolation.fakesRoot ? 0 : host.uid);
  const gid = request.gid ?? (request.isolation.fakesRoot ? 0 : host.gid);
  const { adaptations, generated, trees } = withFilesMade(
    [
      ...defaultAdaptations(request, host),
      ...(request.conventions === undefined ? [accounts(image, host, { uid, gid })] : []),
      ...request.adaptations,
    ],
    host,
  );
  const own = request.conventions?.layer;
  const layer =
    own === undefined
      ? undefined
      : layerFor(
          own,
          adaptations.flatMap(({ mounts }) => mounts),
          { image, host: withFiles(host, generated) },
        );
  const isScaffolded =
    layer === undefined && request.writable.kind === 'none' && (request.conventions?.makesMountPoints ?? true);
  const scaffold: Scaffold = isScaffolded
    ? scaffoldFor(adaptations, { image, host: withFiles(host, generated) })
    : { kind: 'none' };

  const built = constructionSteps({ request, image, host, adaptations, scaffold, layer, uid, gid });
  // Over mounts that came from another user namespace no overlay can be made: each rank takes its ids when it has its own.
  const entered = built.findIndex(({ step }) => step === 'enter') + 1;
  const construction = isShared ? built.slice(0, entered) : built;
  const unhooked: readonly Step[] = [
    ...sharedSteps(construction, { request, image, site }),
    ...(isShared ? [...ownWriteSteps(asked, adaptations), ...built.slice(entered)] : []),
    ...privateSteps(request, { uid, gid }),
    ...environmentSteps({ request, image, host, uid, adaptations }),
    ...workdirSteps(request, image, adaptations),
    ...confinementSteps(request.isolation),
    { step: 'exec', argv: programWords(request, image) },
  ];
  const { steps, bundle } = withHooks(unhooked, { request, host, subject: image.subject });
  return {
    plan: {
      subject: image.subject,
      style: request.conventions?.style ?? 'slipway',
      statuses: request.conventions?.statuses ?? { own: 125, notFound: 127, notExecutable: 126 },
      steps,
    },
    generated,
    skeletons: [
      ...(scaffold.kind === 'skeletons' ? scaffold.skeletons : []),
      ...trees,
      ...(layer === undefined ? [] : [layer]),
      ...(bundle === undefined ? [] : [bundle]),
    ],
  };
}

/** The container itself: namespaces, root, mounts. */
function constructionSteps(given: {
  readonly request: RunRequest;
  readonly image: ImageFacts;
  readonly host: HostFacts;
  readonly adaptations: readonly MadeAdaptation[];
  readonly scaffold: Scaffold;
  readonly layer: Skeleton | undefined;
  readonly uid: number;
  readonly gid: number;
}): readonly Step[] {
  const { request, image, host, adaptations, scaffold, layer, uid, gid } = given;
  const identity: Step = {
    step: 'namespaces',
    namespaces: ['user', 'mount'],
    uid,
    gid,
    origin: request.uid === undefined && request.gid === undefined ? 'default' : '--uid, --gid',
  };
  // An image's files belong to root. In a namespace where root is the caller they become the caller's own, and so
  // can be copied up by an overlay, and hooks may mount; a second namespace then gives the caller the ids that he is to
  // have.
  const preparesAt = request.conventions?.preparesAt;
  const needsRoot = image.root.kind === 'squashfs' || hasHooks(request);
  const isNested = preparesAt === undefined && needsRoot && (uid !== 0 || gid !== 0);
  const isWritable = request.writable.kind === 'tmpfs' || request.writable.kind === 'directory';
  const canCreate = isWritable || scaffold.kind === 'overlay';
  return [
    isNested
      ? { step: 'namespaces', namespaces: ['user', 'mount'], uid: 0, gid: 0, origin: "the image's files become yours" }
      : { ...identity, ...(preparesAt === undefined ? {} : { namespaces: ['mount'] as const }) },
    rootStep(request, image, host),
    ...writableSteps(request, scaffold),
    ...(layer === undefined
      ? []
      : [{ step: 'overlay', on: { layer: layer.path }, origin: 'what is laid over the image' } as const]),
    ...adaptations.flatMap(({ origin, mounts }) => mounts.map((mount) => mountStep(mount, origin, canCreate))),
    ...(scaffold.kind === 'overlay' ? [{ step: 'root-read-only' } as const] : []),
    preparesAt === undefined
      ? { step: 'enter' }
      : { step: 'leave-at', path: preparesAt, origin: 'for others to enter' },
    ...(isNested ? [identity] : []),
  ];
}

/** The construction, with what says who shares it. */
function sharedSteps(
  construction: readonly Step[],
  given: { readonly request: RunRequest; readonly image: ImageFacts; readonly site: SiteFacts },
): readonly Step[] {
  const { request, image, site } = given;
  const { joining } = request;
  if (request.conventions?.preparesAt !== undefined) return construction;
  if (joining.kind === 'process') {
    return [{ step: 'join', pid: joining.pid, origin: '--join-pid' }];
  }
  // What one program writes must not be there for the next, unless they say that they belong together.
  const isPrivate = request.writable.kind !== 'none' && joining.kind !== 'tag';
  // Hooks are run for each container.
  if (joining.kind === 'nobody' || isPrivate || hasHooks(request)) return construction;
  const content = joining.kind === 'tag' ? ['tag', joining.tag] : [image.identity, construction];
  const key = fingerprint(JSON.stringify(content));
  const isForRanksOnly = joining.kind === 'ranks' && image.root.kind === 'directory';
  const [first, ...rest] = construction as [Step, ...Step[]];
  return [
    first,
    ...(isForRanksOnly ? [{ step: 'hold-when', anySet: rankVariables } as const] : []),
    // A tag is for whoever gives it, whatever he mounts.
    {
      step: 'hold',
      key,
      lingerMs: request.conventions?.lingerMs ?? site.lingerMs,
      scope: joining.kind === 'tag' ? (joining.scope ?? holderScope) : [...holderScope, '@sources'],
      ...(joining.kind === 'tag' && joining.peers !== undefined ? { peers: joining.peers } : {}),
    },
    ...rest,
    { step: 'held' },
  ];
}

/** Whether ranks can have the image and its mounts in common, with writes of their own above. */
function canShareImage(request: RunRequest, image: ImageFacts): boolean {
  const { conventions, writable, joining } = request;
  const isAsked = conventions?.sharesImage === true && writable.kind === 'tmpfs' && joining.kind === 'ranks';
  // A path with `..` means what stands before it, which is another thing once that is a mount.
  const isPlain = (path: string): boolean => posix.normalize(path) !== '/' && !path.split('/').includes('..');
  const arePlain = request.adaptations.every(({ mounts }) => mounts.every(({ target }) => isPlain(target)));
  return isAsked && image.root.kind === 'squashfs' && !hasHooks(request) && arePlain;
}

/** An overlay of one rank's over what is shared, with the same mounts in it. */
function ownWriteSteps({ writable }: RunRequest, adaptations: readonly MadeAdaptation[]): readonly Step[] {
  if (writable.kind !== 'tmpfs') return [];
  const mounts = adaptations.flatMap(({ origin, mounts: made }) => made.map((mount) => ({ ...mount, origin })));
  const targets = new Map(mounts.map((mount) => [mount.target, mount]));
  // Each tree once: what is mounted below comes along.
  const topmost = [...targets.values()].filter(
    ({ target }) => ![...targets.keys()].some((other) => other !== target && isInside(target, other)),
  );
  const origin = 'writes of its own';
  return [
    { step: 'namespaces', namespaces: ['mount'], uid: 0, gid: 0, origin },
    { step: 'root-host' },
    { step: 'overlay', on: { tmpfsBytes: writable.sizeBytes }, origin },
    ...topmost.map(({ target, flags, origin: from }): Step => {
      const own = flags.optional === true ? { optional: true } : { create: true };
      return { step: 'bind', source: target, target, flags: { recursive: true, ...own }, origin: from };
    }),
    { step: 'enter' },
  ];
}

/** Namespaces and mounts that no two programs share, on top of what they may. */
function privateSteps(request: RunRequest, ids: { readonly uid: number; readonly gid: number }): readonly Step[] {
  const { namespaces, privateTmp } = request.isolation;
  if (namespaces.length === 0 && !privateTmp) return [];
  const tmpfs: Step = {
    step: 'tmpfs',
    target: '/tmp',
    sizeBytes: 0,
    mode: 0o1777,
    flags: { nosuid: true, nodev: true },
    origin: '--private-tmp',
  };
  return [
    { step: 'namespaces', namespaces: ['mount', ...namespaces], ...ids, origin: '--private' },
    { step: 'root-host' },
    ...(namespaces.includes('pid') ? [{ step: 'proc', origin: '--private pid' } as const] : []),
    ...(privateTmp ? [tmpfs] : []),
    { step: 'enter' },
  ];
}

function rootStep(request: RunRequest, image: ImageFacts, host: HostFacts): Step {
  const own = request.conventions?.rootFlags ?? { nosuid: true, nodev: true };
  const flags = { readOnly: request.writable.kind !== 'in-place', ...own };
  const origin = `the image ${image.subject}`;
  if (image.root.kind === 'directory') {
    return { step: 'root-directory', path: image.root.path, flags: { ...flags, recursive: true }, origin };
  }
  if (request.conventions?.preparesAt !== undefined)
    return { step: 'root-squashfs', image: image.root.path, flags, origin };
  if (host.squashfuse === undefined) throw new SlipwayError('squashfuse-missing', { image: image.subject });
  return { step: 'root-squashfuse', image: image.root.path, server: host.squashfuse, flags, origin };
}

/** Room for mount points that an image lacks: directories and empty files. */
const scaffoldBytes = 16 << 20;

function writableSteps(request: RunRequest, scaffold: Scaffold): readonly Step[] {
  const origin = 'mount points that the image lacks';
  switch (request.writable.kind) {
    case 'tmpfs':
      return [{ step: 'overlay', on: { tmpfsBytes: request.writable.sizeBytes }, origin: '--writable' }];
    case 'directory':
      return [{ step: 'overlay', on: { directory: request.writable.path }, origin: '--writable' }];
    case 'in-place':
      return [];
    case 'none':
      switch (scaffold.kind) {
        case 'none':
          return [];
        case 'overlay':
          return [{ step: 'overlay', on: { tmpfsBytes: scaffoldBytes }, origin }];
        case 'skeletons':
          return scaffold.skeletons.map(({ path, target }) => ({
            step: 'bind',
            source: path,
            target,
            flags: { readOnly: true, nosuid: true, nodev: true },
            origin,
          }));
      }
  }
}

function mountStep(mount: Made, origin: string, canCreate: boolean): Step {
  const flags = canCreate && !mount.flags.optional ? { ...mount.flags, create: true } : mount.flags;
  return mount.kind === 'bind'
    ? { step: 'bind', source: mount.source, target: mount.target, flags, origin }
    : { step: 'tmpfs', target: mount.target, sizeBytes: mount.sizeBytes, mode: mount.mode, flags, origin };
}

/** A mount of something that is there. */
type Made = Exclude<MountRequest, { readonly kind: 'file' | 'tree' }>;
type MadeAdaptation = Omit<Adaptation, 'mounts'> & { readonly mounts: readonly Made[] };

/** Puts the files that adaptations describe into the host's directory for them, and mounts them from there. */
function withFilesMade(
  adaptations: readonly Adaptation[],
  host: HostFacts,
): {
  readonly adaptations: readonly MadeAdaptation[];
  readonly generated: readonly GeneratedFile[];
  readonly trees: readonly Skeleton[];
} {
  const generated = new Map<string, GeneratedFile>();
  const trees = new Map<string, Skeleton>();
  const made = adaptations.map((adaptation) => ({
    ...adaptation,
    mounts: adaptation.mounts.map((mount): Made => {
      const { target } = mount;
      const flags = { ...mount.flags, readOnly: true };
      if (mount.kind === 'tree') {
        const { entries } = mount;
        const path = `${host.generatedDirectory}/s-${fingerprint(JSON.stringify(entries))}`;
        trees.set(path, { path, entries });
        return { kind: 'bind', source: path, target, flags };
      }
      if (mount.kind !== 'file') return mount;
      const { content, encoding } = mount;
      const file = {
        path: `${host.generatedDirectory}/f-${fingerprint(content)}`,
        content,
        ...(encoding === undefined ? {} : { encoding }),
      };
      generated.set(file.path, file);
      return { kind: 'bind', source: file.path, target, flags };
    }),
  }));
  return { adaptations: made, generated: [...generated.values()], trees: [...trees.values()] };
}

function withFiles(host: HostFacts, files: readonly GeneratedFile[]): HostFacts {
  return { ...host, sourceKinds: new Map([...host.sourceKinds, ...files.map(({ path }) => [path, 'file'] as const)]) };
}

/** Who runs the program, where the image has files that say such things. */
function accounts(image: ImageFacts, host: HostFacts, ids: { readonly uid: number; readonly gid: number }): Adaptation {
  const isRoot = ids.uid === 0 && host.uid !== 0;
  const passwd = containerPasswd(image.passwd, {
    name: isRoot ? 'root' : host.userName,
    uid: ids.uid,
    gid: ids.gid,
    fullName: isRoot ? 'root' : host.fullName,
    home: host.home,
    // The host's shell may be missing in the image; every image that has a shell has this one.
    shell: '/bin/sh',
  });
  const group = containerGroup(image.group, {
    name: ids.gid === 0 ? 'root' : host.groupName,
    gid: ids.gid,
  });
  const file = (content: string, target: string): MountRequest => ({
    kind: 'file',
    content,
    target,
    flags: { readOnly: true, optional: true },
  });
  return {
    origin: 'default: the person running it, by name',
    mounts: [file(passwd, '/etc/passwd'), file(group, '/etc/group')],
    environment: [],
  };
}

function workdirSteps(request: RunRequest, image: ImageFacts, adaptations: readonly Adaptation[]): readonly Step[] {
  if (request.conventions !== undefined) {
    return request.conventions.workdirs.map((workdir) => ({ step: 'chdir', ...workdir }) as const);
  }
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
  if (request.conventions !== undefined) return request.conventions.words;
  const entrypoint = request.entrypoint ?? image.config.entrypoint;
  // As with docker: another entry point does not get the image's arguments for its own.
  const cmd = request.hasCommand || request.entrypoint !== undefined ? [] : image.config.cmd;
  const words = [...entrypoint, ...cmd];
  if (words.length === 0 && !request.hasCommand) throw new SlipwayError('no-command', { image: image.subject });
  return words;
}
