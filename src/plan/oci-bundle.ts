// SPDX-License-Identifier: Apache-2.0
// A plan as an OCI bundle's config.json (runtime-spec, "Configuration"): what the launcher would ask the kernel for, said to
// runc or crun. What differs from launch to launch, variables and directory, is as it is when the bundle is written.
import { type HookStage, hookStages, type MountFlags, type Namespace, type Plan, type Step } from '../model/index.ts';
import { capabilityName } from './capabilities.ts';
import { applyEdits } from './apply-edits.ts';

export type BundleFacts = {
  /** The container's root; relative to the bundle, or absolute. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The caller's own, outside the container. */
  readonly uid: number;
  readonly gid: number;
  /** Words behind what the plan covers. */
  readonly words: readonly string[];
  /** Whether a path of the host leads to something: mounts of what is optional are left out otherwise. */
  readonly isThere: (path: string) => boolean;
  /** A directory made only so that mount points are there; a runtime makes its own. */
  readonly isScaffold: (source: string) => boolean;
  readonly annotations?: Readonly<Record<string, string>>;
};

type OciMount = {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
};

const ociNames: Readonly<Record<Namespace, string>> = {
  user: 'user',
  mount: 'mount',
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  net: 'network',
};

/** The object that is to be config.json. */
export function ociConfig(plan: Pick<Plan, 'steps' | 'subject'>, facts: BundleFacts): object {
  const { steps } = plan;
  const identities = steps.filter((step) => step.step === 'namespaces');
  const last = identities.at(-1);
  const uid = idOf(last?.uid, facts.uid);
  const gid = idOf(last?.gid, facts.gid);
  const isRootless = facts.uid !== 0;
  const wanted = new Set<Namespace>(['mount', ...identities.flatMap(({ namespaces }) => namespaces)]);
  if (!isRootless) wanted.delete('user');
  const hasOverlay = steps.some((step) => step.step === 'overlay' && step.origin.startsWith('--writable'));
  const isReadOnly = steps.some((step) =>
    step.step === 'root-directory' || step.step === 'root-squashfuse' ? step.flags.readOnly === true : false,
  );
  const environment = applyEdits(
    facts.environment,
    steps.flatMap((step) => (step.step === 'environment' ? [step.edit] : [])),
  );
  const exec = steps.find((step) => step.step === 'exec');
  const limits = steps.filter((step) => step.step === 'limit');
  const umask = steps.find((step) => step.step === 'umask');
  const kept = steps.find((step) => step.step === 'capabilities')?.keep ?? [];
  const names = uid === 0 ? kept.map(capabilityName).filter((name) => name !== undefined) : [];
  const map = (inside: number, outside: number): readonly object[] => [
    { containerID: inside, hostID: outside, size: 1 },
  ];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: {
        uid: isRootless ? uid : facts.uid,
        gid: isRootless ? gid : facts.gid,
        ...(umask === undefined ? {} : { umask: umask.mask }),
      },
      args: [...(exec?.argv ?? []), ...facts.words],
      env: [...environment].map(([name, value]) => `${name}=${value}`),
      cwd: directoryOf(steps, facts),
      capabilities: { bounding: names, effective: names, permitted: names },
      rlimits: limits.map(({ resource, soft, hard }) => ({
        type: `RLIMIT_${resource.toUpperCase()}`,
        soft: soft === 'none' ? unlimited : soft,
        hard: hard === 'none' ? unlimited : hard,
      })),
      noNewPrivileges: true,
    },
    root: { path: facts.root, readonly: isReadOnly && !hasOverlay },
    ...hooksOf(steps),
    mounts: steps.flatMap((step) => mountOf(step, facts)),
    linux: {
      namespaces: [...wanted].map((name) => ({ type: ociNames[name] })),
      ...(isRootless ? { uidMappings: map(uid, facts.uid), gidMappings: map(gid, facts.gid) } : {}),
      rootfsPropagation: 'rslave',
    },
    annotations: { 'org.opencontainers.image.ref.name': plan.subject, ...facts.annotations },
  };
}

/** What a runtime is to run: at the stages themselves, since it knows when they come. */
function hooksOf(steps: readonly Step[]): object {
  const hooks = steps.filter((step) => step.step === 'hook');
  if (hooks.length === 0) return {};
  const of = (stage: HookStage): readonly object[] =>
    hooks
      .filter((hook) => hook.stage === stage)
      .map(({ path, args, env, timeoutMs }) => ({
        path,
        args: args.length === 0 ? [path] : args,
        env,
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs / 1000 }),
      }));
  const all = hookStages.map((stage) => [stage, of(stage)] as const);
  return { hooks: Object.fromEntries(all.filter(([, list]) => list.length > 0)) };
}

/** The caller's own where the plan leaves that to the launch. */
function idOf(asked: number | 'own' | undefined, own: number): number {
  return asked === undefined || asked === 'own' ? own : asked;
}

/** RLIM_INFINITY: more than a number of JavaScript holds exactly, so it is written as the nearest that a runtime takes. */
const unlimited = 2 ** 63;

function mountOf(step: Step, facts: BundleFacts): readonly OciMount[] {
  if (step.step === 'bind' || step.step === 'device') {
    if (facts.isScaffold(step.source) || step.flags.inside === true) return [];
    if (step.flags.optional === true && !facts.isThere(step.source)) return [];
    const kind = step.flags.recursive === true ? 'rbind' : 'bind';
    const options = [kind, 'rprivate', ...flagOptions(step.flags)];
    return [{ destination: step.target, type: 'bind', source: step.source, options }];
  }
  if (step.step === 'tmpfs') {
    const size = step.sizeBytes === 0 ? [] : [`size=${step.sizeBytes}`];
    const options = [`mode=${step.mode.toString(8)}`, ...size, ...flagOptions(step.flags)];
    return [{ destination: step.target, type: 'tmpfs', source: 'tmpfs', options }];
  }
  if (step.step !== 'proc') return [];
  return [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }];
}

function flagOptions(flags: MountFlags): readonly string[] {
  return [
    ...(flags.readOnly === true ? ['ro'] : []),
    ...(flags.nosuid === true ? ['nosuid'] : []),
    ...(flags.nodev === true ? ['nodev'] : []),
    ...(flags.noexec === true ? ['noexec'] : []),
  ];
}

/** The first directory of the plan that must be, or that is where the caller is. */
function directoryOf(steps: readonly Step[], { cwd }: BundleFacts): string {
  for (const step of steps) {
    if (step.step !== 'chdir') continue;
    if (step.how === 'must' || step.how === 'try') return step.path;
    if (cwd === step.path || cwd.startsWith(`${step.path === '/' ? '' : step.path}/`)) return cwd;
  }
  return '/';
}
