// SPDX-License-Identifier: Apache-2.0
// The encoding of a Plan for the launcher: native/launcher/plan.h describes header and records, and has the same
// table of operations. Everything is little-endian; a record is its header, its numbers, its strings, each with a NUL,
// and zeros up to a multiple of eight bytes.
import {
  type DeviceAccess,
  type EnvironmentEdit,
  hookStages,
  type Limit,
  type MountFlags,
  type Namespace,
  type Plan,
  planFormatVersion,
  type Step,
  type TraceEntry,
} from '../model/index.ts';
import { fnv1a } from './fingerprint.ts';

/** What the launcher accepts at most. */
export const maxPlanBytes: number = 1 << 20;

/** As many words of a command line can a plan cover. */
export const maxCoveredWords: number = 1024;

/** In the launcher's order: a record carries the index. */
export const operations = [
  'COVER',
  'SUBJECT',
  'IDENTITY',
  'HAVE_ENV',
  'LACK_ENV',
  'HAVE_FILE',
  'HAVE_LINK',
  'HAVE_KIND',
  'LACK_FILE',
  'HAVE_CWD',
  'NAMESPACES',
  'HOLD_WHEN',
  'HOLD',
  'HELD',
  'JOIN',
  'ROOT_HOST',
  'ROOT_DIRECTORY',
  'ROOT_SQUASHFUSE',
  'ROOT_SQUASHFS',
  'SQUASHFUSE',
  'ROOT_BUNDLE',
  'OVERLAY',
  'BIND',
  'DEVICE',
  'TMPFS',
  'PROC',
  'ROOT_READ_ONLY',
  'SHOW_ROOT',
  'HOOK',
  'ENTER',
  'LEAVE',
  'ENV_CLEAR',
  'ENV_UNSET',
  'ENV_UNSET_MATCHING',
  'ENV_SET',
  'ENV_DEFAULT',
  'ENV_EXPAND',
  'ENV_PREPEND',
  'ENV_APPEND',
  'ACTIVATE',
  'ACTIVATED',
  'UMASK',
  'LIMIT',
  'DESCRIPTORS',
  'DISCARD',
  'CAPABILITIES',
  'NO_NEW_PRIVS',
  'SECCOMP',
  'CHDIR',
  'CHDIR_CALLER',
  'CHDIR_TRY',
  'EXEC',
  'EXEC_NAMESAKE',
  'END',
] as const;

export type Operation = (typeof operations)[number];
type PlanRecord = {
  readonly operation: Operation;
  readonly numbers?: readonly (number | bigint)[];
  readonly strings?: readonly string[];
};

const headerBytes = 80;
/** In the launcher's order. */
const styles: readonly Plan['style'][] = ['slipway', 'charliecloud', 'charliecloud-verbose'];
const callersOwnId = 0xffff_ffff;
const forEver = 0xffff_ffff_ffff_ffffn;
/** The launcher's OVERLAY_LAYER. */
const overlayLayer = 0xffff_ffff_ffff_ffffn;

/** The name under which the launcher looks for a plan with this cover. */
export function planFileName(covers: Plan['covers']): string {
  const hash = fnv1a(Buffer.from(`${covers.words.join('\0')}\0`));
  return `${covers.isExact ? 'x' : 'p'}-${hash.toString(16).padStart(16, '0')}`;
}

/**
 * The bytes of a plan file.
 * @param build 32 hexadecimal digits that launcher and planner share.
 * @throws RangeError when the launcher would refuse the plan: it is too large, covers too many words, or a text of it
 *   holds a NUL.
 */
export function encodePlan(plan: Plan, build: string, createdNs: bigint): Buffer {
  if (plan.covers.words.length > maxCoveredWords) {
    throw new RangeError(`its options are more than ${maxCoveredWords} words`);
  }
  const records = [
    {
      operation: 'COVER',
      numbers: [plan.covers.isExact ? 1 : 0],
      strings: plan.covers.words,
    } as const,
    { operation: 'SUBJECT', strings: [plan.subject] } as const,
    ...plan.trace.map(traceRecord),
    ...plan.steps.map(stepRecord),
  ].map(encodeRecord);
  const size = headerBytes + records.reduce((sum, record) => sum + record.length, 0);
  if (size > maxPlanBytes) throw new RangeError(`its options and the image's take more than ${maxPlanBytes} bytes`);
  const header = Buffer.alloc(headerBytes);
  header.write('SLIPPLAN', 0, 'latin1');
  header.writeUInt32LE(planFormatVersion, 8);
  header.writeUInt32LE(size, 12);
  header.write(build, 24, 32, 'latin1');
  header.writeBigUInt64LE(createdNs, 56);
  header.writeBigUInt64LE(BigInt(plan.maxAgeMs ?? 0) * 1_000_000n, 64);
  header.writeUInt32LE(records.length, 72);
  header.writeUInt8(plan.statuses.own, 76);
  header.writeUInt8(plan.statuses.notFound, 77);
  header.writeUInt8(plan.statuses.notExecutable, 78);
  header.writeUInt8(styles.indexOf(plan.style), 79);
  const bytes = Buffer.concat([header, ...records]);
  bytes.writeBigUInt64LE(fnv1a(bytes.subarray(24)), 16);
  return bytes;
}

function encodeRecord(record: PlanRecord): Buffer {
  const numbers = record.numbers ?? [];
  const strings = record.strings ?? [];
  const nul = strings.find((text) => text.includes('\0'));
  if (nul !== undefined) throw new RangeError(`there is a NUL in ${JSON.stringify(nul)}`);
  const text = Buffer.from(strings.map((string) => `${string}\0`).join(''), 'utf8');
  const bytes = Buffer.alloc(Math.ceil((16 + 8 * numbers.length + text.length) / 8) * 8);
  bytes.writeUInt16LE(operations.indexOf(record.operation), 0);
  bytes.writeUInt16LE(strings.length, 2);
  bytes.writeUInt16LE(numbers.length, 4);
  bytes.writeUInt32LE(bytes.length, 8);
  numbers.forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), 16 + 8 * index));
  text.copy(bytes, 16 + 8 * numbers.length);
  return bytes;
}

function traceRecord(entry: TraceEntry): PlanRecord {
  switch (entry.read) {
    case 'identity':
      return { operation: 'IDENTITY', numbers: [entry.uid, entry.gid, ...entry.groups] };
    case 'environment':
      return entry.value === undefined
        ? { operation: 'LACK_ENV', strings: [entry.name] }
        : { operation: 'HAVE_ENV', strings: [entry.name, entry.value] };
    case 'file':
    case 'link': {
      const { dev, ino, mode, sizeBytes, mtimeNs, ctimeNs } = entry.stamp;
      return {
        operation: entry.read === 'file' ? 'HAVE_FILE' : 'HAVE_LINK',
        numbers: [dev, ino, mode, sizeBytes, BigInt.asUintN(64, mtimeNs), BigInt.asUintN(64, ctimeNs)],
        strings: [entry.path],
      };
    }
    case 'kind':
      return { operation: 'HAVE_KIND', numbers: [entry.format, entry.follows ? 1 : 0], strings: [entry.path] };
    case 'absent':
      return { operation: 'LACK_FILE', strings: [entry.path] };
    case 'cwd':
      return { operation: 'HAVE_CWD', strings: [entry.path] };
  }
}

/** The kernel's CLONE_NEW* bits (clone(2)). */
const namespaceBits: Readonly<Record<Namespace, number>> = {
  mount: 0x0002_0000,
  uts: 0x0400_0000,
  pid: 0x2000_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  net: 0x4000_0000,
};

/** RLIMIT_* of x86-64 and arm64 (getrlimit(2), asm-generic/resource.h). */
const limitNumbers: Readonly<Record<Limit, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

function mountBits(flags: MountFlags): number {
  return (
    (flags.readOnly ? 1 : 0) |
    (flags.nosuid ? 2 : 0) |
    (flags.nodev ? 4 : 0) |
    (flags.noexec ? 8 : 0) |
    (flags.recursive ? 16 : 0) |
    (flags.optional ? 32 : 0) |
    (flags.create ? 64 : 0) |
    (flags.inside ? 128 : 0)
  );
}

function accessBits(access: DeviceAccess): number {
  return (access.make ? 1 : 0) | (access.read ? 2 : 0) | (access.write ? 4 : 0);
}

const chdirOperations = { must: 'CHDIR', caller: 'CHDIR_CALLER', try: 'CHDIR_TRY' } as const;

function stepRecord(step: Step): PlanRecord {
  switch (step.step) {
    case 'namespaces': {
      const bits = step.namespaces.reduce((sum, name) => sum | namespaceBits[name], 0);
      const ids = [step.uid, step.gid].map((id) => (id === 'own' ? callersOwnId : id));
      return { operation: 'NAMESPACES', numbers: [bits, ...ids], strings: [step.origin] };
    }
    case 'hold-when':
      return { operation: 'HOLD_WHEN', strings: step.anySet };
    case 'hold':
      return {
        operation: 'HOLD',
        numbers: [step.lingerMs === 'for-ever' ? forEver : step.lingerMs, step.peers ?? 0],
        strings: [step.key, ...step.scope],
      };
    case 'held':
      return { operation: 'HELD' };
    case 'join':
      return { operation: 'JOIN', numbers: [step.pid], strings: [step.origin] };
    case 'root-host':
      return { operation: 'ROOT_HOST' };
    case 'root-directory':
      return { operation: 'ROOT_DIRECTORY', numbers: [mountBits(step.flags)], strings: [step.path, step.origin] };
    case 'root-squashfuse':
      return {
        operation: 'ROOT_SQUASHFUSE',
        numbers: [mountBits(step.flags)],
        strings: [step.image, step.server, step.origin],
      };
    case 'squashfuse':
      return {
        operation: 'SQUASHFUSE',
        numbers: [mountBits(step.flags)],
        strings: [step.image, step.server, step.target, step.origin],
      };
    case 'root-bundle':
      return { operation: 'ROOT_BUNDLE' };
    case 'root-squashfs':
      return {
        operation: 'ROOT_SQUASHFS',
        numbers: [mountBits(step.flags)],
        strings: [step.image, step.origin],
      };
    case 'overlay': {
      const { on, origin } = step;
      if ('layer' in on) return { operation: 'OVERLAY', numbers: [overlayLayer], strings: [on.layer, origin] };
      return 'directory' in on
        ? { operation: 'OVERLAY', numbers: [0], strings: [on.directory, origin] }
        : { operation: 'OVERLAY', numbers: [on.tmpfsBytes], strings: ['', origin] };
    }
    case 'bind':
      return {
        operation: 'BIND',
        numbers: [mountBits(step.flags)],
        strings: [step.source, step.target, step.origin],
      };
    case 'device':
      return {
        operation: 'DEVICE',
        numbers: [mountBits(step.flags), accessBits(step.access)],
        strings: [step.source, step.target, step.origin],
      };
    case 'tmpfs':
      return {
        operation: 'TMPFS',
        numbers: [mountBits(step.flags), step.sizeBytes, step.mode],
        strings: [step.target, step.origin],
      };
    case 'proc':
      return { operation: 'PROC', strings: [step.origin] };
    case 'root-read-only':
      return { operation: 'ROOT_READ_ONLY' };
    case 'show-root':
      return { operation: 'SHOW_ROOT', strings: [step.path] };
    case 'hook':
      return {
        operation: 'HOOK',
        numbers: [hookStages.indexOf(step.stage), step.timeoutMs ?? 0, step.args.length],
        strings: [step.state, step.directory, step.path, ...step.args, ...step.env, step.origin],
      };
    case 'enter':
      return { operation: 'ENTER' };
    case 'leave-at':
      return { operation: 'LEAVE', strings: [step.path] };
    case 'environment':
      return environmentRecord(step.edit);
    case 'activate':
      return { operation: 'ACTIVATE', strings: [step.unlessSet, step.throughVenvIfSet] };
    case 'activated':
      return { operation: 'ACTIVATED' };
    case 'umask':
      return { operation: 'UMASK', numbers: [step.mask] };
    case 'limit':
      return {
        operation: 'LIMIT',
        numbers: [limitNumbers[step.resource], ...[step.soft, step.hard].map((n) => (n === 'none' ? forEver : n))],
      };
    case 'descriptors':
      return { operation: 'DESCRIPTORS', numbers: [0, ...step.keep.toSorted((a, b) => a - b)] };
    case 'discard':
      return { operation: 'DISCARD', numbers: step.descriptors };
    case 'capabilities':
      return { operation: 'CAPABILITIES', numbers: [step.keep.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)] };
    case 'no-new-privileges':
      return { operation: 'NO_NEW_PRIVS' };
    case 'seccomp':
      return { operation: 'SECCOMP', numbers: step.program };
    case 'chdir':
      return {
        operation: chdirOperations[step.how],
        ...(step.how === 'must' ? {} : { numbers: [step.complains === true ? 1 : 0] }),
        strings: step.how === 'must' ? [step.path, step.origin] : [step.path],
      };
    case 'exec':
      return { operation: 'EXEC', strings: step.argv };
    case 'exec-namesake':
      return { operation: 'EXEC_NAMESAKE', strings: [step.directory, step.builtIn, ...step.starter] };
    case 'end':
      return { operation: 'END' };
  }
}

function environmentRecord(edit: EnvironmentEdit): PlanRecord {
  switch (edit.edit) {
    case 'clear':
      return { operation: 'ENV_CLEAR', strings: edit.keep };
    case 'unset':
      return { operation: 'ENV_UNSET', strings: [edit.glob] };
    case 'unset-matching':
      return { operation: 'ENV_UNSET_MATCHING', numbers: edit.matcher, strings: [edit.glob] };
    case 'expand':
      return { operation: 'ENV_EXPAND', strings: [edit.name, edit.value] };
    case 'set':
      return { operation: 'ENV_SET', strings: [edit.name, edit.value] };
    case 'default':
      return { operation: 'ENV_DEFAULT', strings: [edit.name, edit.value] };
    case 'prepend':
      return { operation: 'ENV_PREPEND', strings: [edit.name, edit.value, edit.separator] };
    case 'append':
      return { operation: 'ENV_APPEND', strings: [edit.name, edit.value, edit.separator] };
  }
}
