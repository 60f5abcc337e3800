// SPDX-License-Identifier: Apache-2.0
// A plan in words: each step with who asked for it, then what the plan depends on.
import type { EnvironmentEdit, HookStage, MountFlags, Plan, Step, TraceEntry } from '../model/index.ts';

export type ExplainedLine = { readonly text: string; readonly origin: string };
export type ExplainedPlan = {
  readonly covers: string;
  readonly steps: readonly ExplainedLine[];
  readonly dependsOn: readonly string[];
};

export function explainPlan(plan: Plan): ExplainedPlan {
  const words = plan.covers.words.join(' ');
  return {
    covers: plan.covers.isExact ? words : `${words} …`,
    steps: plan.steps.map(explainStep),
    dependsOn: [
      ...plan.trace.map(explainTrace),
      ...(plan.maxAgeMs === undefined ? [] : [`the name service, asked at most ${plan.maxAgeMs / 1000} s ago`]),
    ],
  };
}

function explainStep(step: Step): ExplainedLine {
  const line = (text: string, origin = ''): ExplainedLine => ({ text, origin });
  switch (step.step) {
    case 'namespaces':
      return line(
        `enter new ${step.namespaces.join(' and ')} namespaces as ${explainId('uid', step.uid)}, ${explainId('gid', step.gid)}`,
        step.origin,
      );
    case 'hold-when':
      return line(`where one of ${step.anySet.join(', ')} is set:`);
    case 'hold': {
      const linger = step.lingerMs === 'for-ever' ? 'for ever' : `${step.lingerMs / 1000} s after the last`;
      return line(
        `build what follows once for all ranks on this node, and keep it ${linger}`,
        `apart by ${step.scope.join(', ').replace('@sources', 'what stands at the sources of the mounts')}`,
      );
    }
    case 'held':
      return line('from here on, for each rank:');
    case 'join':
      return line(`enter the container of process ${step.pid}`, step.origin);
    case 'root-host':
      return line('keep the root as it is');
    case 'root-directory':
      return line(`take directory ${step.path} as root${withFlags(step.flags)}`, step.origin);
    case 'root-squashfuse':
      return line(`mount ${step.image} as root, served by ${step.server}${withFlags(step.flags)}`, step.origin);
    case 'squashfuse':
      return line(
        `mount ${step.image} on ${step.target}, served by ${step.server}${withFlags(step.flags)}`,
        step.origin,
      );
    case 'root-squashfs':
      return line(`mount ${step.image} as root by the kernel's squashfs${withFlags(step.flags)}`, step.origin);
    case 'root-bundle':
      return line('take the root of the container that the runtime names');
    case 'overlay':
      return line(explainOverlay(step.on), step.origin);
    case 'bind': {
      const whose = step.flags.inside ? "the container's" : "the host's";
      return line(
        step.source === step.target
          ? `mount ${whose} ${step.source}${withFlags(step.flags)}`
          : `mount ${whose} ${step.source} on ${step.target}${withFlags(step.flags)}`,
        step.origin,
      );
    }
    case 'device': {
      const access = [step.access.read && 'read', step.access.write && 'write', step.access.make && 'make'];
      return line(
        `mount the device ${step.source} on ${step.target}${withFlags(step.flags)}, and allow to ${access.filter(Boolean).join(', ')} it`,
        step.origin,
      );
    }
    case 'tmpfs':
      return line(
        `mount a new tmpfs on ${step.target}, at most ${step.sizeBytes} bytes, mode ${step.mode.toString(8)}${withFlags(step.flags)}`,
        step.origin,
      );
    case 'proc':
      return line('mount a new /proc of this pid namespace', step.origin);
    case 'root-read-only':
      return line('make the root read-only');
    case 'show-root':
      return line(`show the new root to hooks at ${step.path}`);
    case 'hook':
      return line(explainHook(step), step.origin);
    case 'enter':
      return line('make it the root, and leave the old one');
    case 'leave-at':
      return line(`leave it mounted at ${step.path}, for others to enter`, step.origin);
    case 'environment':
      return line(explainEdit(step.edit), step.origin);
    case 'activate':
      return line(
        `up to the end of the activation, unless ${step.unlessSet} is set, or through a virtual environment without ${step.throughVenvIfSet}:`,
      );
    case 'activated':
      return line('end of the activation; the programs of a virtual environment come first on PATH');
    case 'umask':
      return line(`set the umask to ${step.mask.toString(8)}`);
    case 'limit':
      return line(`limit ${step.resource} to ${step.soft}, at most ${step.hard}`, step.origin);
    case 'descriptors':
      return line(`close all open files but ${[0, 1, 2, ...step.keep].join(', ')}`, step.origin);
    case 'discard':
      return line(`drop what is written to ${step.descriptors.join(' and ')}`, step.origin);
    case 'capabilities':
      return line(
        step.keep.length === 0 ? 'drop all capabilities' : `drop all capabilities but ${step.keep.join(', ')}`,
        step.origin,
      );
    case 'seccomp':
      return line(`filter system calls with a program of ${step.program.length} instructions`, step.origin);
    case 'no-new-privileges':
      return line('forbid gaining privilege by set-user-id programs');
    case 'chdir':
      return line(explainChdir(step.how, step.path), step.origin);
    case 'exec':
      return line(
        step.argv.length === 0 ? 'run the given command' : `run ${step.argv.join(' ')}, then the given words`,
      );
    case 'exec-namesake':
      return line(
        `run ${[...step.starter, ''].join(' ')}the program in ${step.directory} that has the name of the one called`,
      );
    case 'end':
      return line('nothing is left to do');
  }
}

const hookTimes: Readonly<Record<HookStage, string>> = {
  prestart: 'outside the container',
  createRuntime: 'outside the container',
  createContainer: 'in the namespaces of the container, before its root is entered',
  startContainer: 'in the container',
  poststart: 'outside the container, when the program has started',
  poststop: 'outside the container, when the program has ended',
};

function explainHook(hook: Extract<Step, { readonly step: 'hook' }>): string {
  const { stage, path, args, timeoutMs } = hook;
  const limit = timeoutMs === undefined ? '' : `, for at most ${timeoutMs / 1000} s`;
  return `run the ${stage} hook ${[path, ...args.slice(1)].join(' ')}${limit}: ${hookTimes[stage]}`;
}

function explainId(kind: string, id: number | 'own'): string {
  return id === 'own' ? `the caller's ${kind}` : `${kind} ${id}`;
}

function explainOverlay(on: Extract<Step, { readonly step: 'overlay' }>['on']): string {
  if ('layer' in on) return `lay ${on.layer} over the root`;
  return 'directory' in on
    ? `let writes to the root go to ${on.directory}`
    : `let writes to the root go to memory, at most ${on.tmpfsBytes} bytes`;
}

function explainChdir(how: 'must' | 'caller' | 'try', path: string): string {
  switch (how) {
    case 'must':
      return `change to ${path}`;
    case 'caller':
      return `stay in the current directory if it is in ${path}`;
    case 'try':
      return `else change to ${path}, if it is there`;
  }
}

function explainEdit(edit: EnvironmentEdit): string {
  switch (edit.edit) {
    case 'clear':
      return edit.keep.length === 0 ? 'unset all variables' : `unset all variables but ${edit.keep.join(', ')}`;
    case 'unset':
    case 'unset-matching':
      return `unset ${edit.glob}`;
    case 'set':
      return `set ${edit.name}=${edit.value}`;
    case 'expand':
      return `set ${edit.name}=${edit.value}, with the values of the variables named there`;
    case 'default':
      return `set ${edit.name}=${edit.value} if unset`;
    case 'prepend':
      return `put ${edit.value} before ${edit.name}`;
    case 'append':
      return `put ${edit.value} behind ${edit.name}`;
  }
}

function withFlags(flags: MountFlags): string {
  const words = [
    flags.readOnly ? 'read-only' : undefined,
    flags.nosuid ? 'nosuid' : undefined,
    flags.nodev ? 'nodev' : undefined,
    flags.noexec ? 'noexec' : undefined,
    flags.optional ? 'if both ends exist' : undefined,
    flags.create ? 'making the mount point' : undefined,
  ].filter((word) => word !== undefined);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function explainTrace(entry: TraceEntry): string {
  switch (entry.read) {
    case 'identity':
      return `uid ${entry.uid}, gid ${entry.gid}, groups ${entry.groups.join(' ') || 'none'}`;
    case 'environment':
      return entry.value === undefined ? `${entry.name} unset` : `${entry.name}=${entry.value}`;
    case 'file':
      return `${entry.path} unchanged`;
    case 'link':
      return `link ${entry.path} unchanged`;
    case 'kind':
      return `${entry.path} of the same kind`;
    case 'absent':
      return `${entry.path} absent`;
    case 'cwd':
      return `working directory ${entry.path}`;
  }
}
