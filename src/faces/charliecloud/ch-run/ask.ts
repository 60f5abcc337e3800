// SPDX-License-Identifier: Apache-2.0
// From a command line of `ch-run` to what is asked of the planner.
import type { AskedRun, OpenedImage } from '../../../launch/index.ts';
import { type Adaptation, noIsolation, type RunRequest, SlipwayError, type Writable } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';
import { accountsOf } from './accounts.ts';
import { bind, defaultBinds } from './default-binds.ts';
import { environmentEdits } from './environment.ts';
import { fakeSizeBytes } from './fake-size.ts';
import { findImage } from './find-image.ts';
import { joiningOf } from './join.ts';
import { createMountTable, type MountTable } from './mount-table.ts';
import type { ChRunCommandLine } from './options.ts';
import type { Speaker } from '../messages.ts';
import { sayCommand, sayEnvironment, saySettings } from './say.ts';

const homeTmpfsBytes = 4 << 20;
const nameServiceAgeMs = 3_600_000;

type Given = {
  readonly inputs: Inputs;
  readonly speaker: Speaker;
  /** The caller's, for what --verbose tells. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** What each wish for devices brings, in the order of the command line. */
  readonly devices: readonly (readonly Adaptation[])[];
  /** The program that `--ch-ssh` shows. */
  readonly chSsh: string;
};

/** @throws SlipwayError with one of Charliecloud's codes. */
export function askChRun(line: ChRunCommandLine, given: Given): AskedRun {
  const { inputs, speaker } = given;
  const { uid, gid } = inputs.identity();
  const ids = { uid: line.uid ?? uid, gid: line.gid ?? gid };
  const image = findImage(line, inputs, speaker);
  const joining = joiningOf(line.join, image, given);
  saySettings(line, { ids, image, joining, speaker, variables: given.variables });
  const accounts = line.hasPasswd ? accountsOf(ids, inputs) : undefined;
  if (accounts?.unknown.uid === true) speaker.note(`UID ${ids.uid} not found; using dummy info`);
  if (accounts?.unknown.gid === true) speaker.note(`GID ${ids.gid} not found; using dummy info`);
  const { newRoot, ...located } = image;
  const request = (opened: OpenedImage): RunRequest => {
    const table = createMountTable({ image: opened, inputs, newRoot, isWritable: line.write !== 'no' });
    addOwnMounts(table, line, { accounts, opened, inputs, chSsh: given.chSsh });
    const own = [...table.mounts()];
    for (const { source, target } of line.binds) table.addUserBind(source, target);
    const workdir = line.workdir ?? '/';
    const environment = environmentEdits(line, { image: opened, devices: given.devices, inputs, speaker });
    if (line.verbosity > 0) sayEnvironment(environment.slice(1, -1), given.variables, speaker);
    sayCommand(line, speaker);
    return {
      conventions: {
        style: line.verbosity > 0 ? 'charliecloud-verbose' : 'charliecloud',
        statuses: { own: 1, notFound: 1, notExecutable: 1 },
        rootFlags: {},
        // Those that devices need; of all others a face's own rules say whether they may be missing.
        makesMountPoints: given.devices.length > 0,
        sharesImage: given.devices.length > 0,
        workdirs: [{ how: 'must', path: workdir, origin: line.workdir === undefined ? 'default' : '--cd' }],
        words: line.covers.isExact ? line.command : [],
      },
      adaptations: [
        { origin: 'ch-run', mounts: own, environment: [] },
        ...given.devices.flat().map((each) => withMountPoints(each)),
        { origin: 'ch-run', mounts: table.mounts().slice(own.length), environment: [] },
        ...environment.map((edit) => ({ origin: edit.origin, mounts: [], environment: edit.edits })),
      ],
      writable: writable(line),
      hasCommand: true,
      ...ids,
      home: false,
      joining,
      isolation: { ...noIsolation, fakesRoot: line.fakesRoot, ...discards(line.verbosity) },
    };
  };
  return {
    image: located,
    request,
    covers: line.covers,
    isForOnce: line.verbosity > 0,
    ...(accounts?.isFromNameService === true ? { maxAgeMs: nameServiceAgeMs } : {}),
  };
}

function writable({ write }: ChRunCommandLine): Writable {
  if (write === 'no') return { kind: 'none' };
  return write === 'in-place' ? { kind: 'in-place' } : { kind: 'tmpfs', sizeBytes: fakeSizeBytes(write.fakeSize) };
}

/** `-q` drops the command's output; only `-qqq` its errors. */
function discards(verbosity: number): Pick<RunRequest['isolation'], 'discards'> {
  if (verbosity >= 0) return {};
  return { discards: verbosity === -3 ? [1, 2] : [1] };
}

/** What a specification of devices asks for, but for the variables, which have their place among all others. */
function withMountPoints(devices: Adaptation): Adaptation {
  const mounts = devices.mounts.map((mount) => ({ ...mount, flags: { ...mount.flags, create: true } }));
  return { ...devices, mounts, environment: [] };
}

function addOwnMounts(
  table: MountTable,
  line: ChRunCommandLine,
  given: {
    readonly accounts: { readonly passwd: string; readonly group: string } | undefined;
    readonly opened: OpenedImage;
    readonly inputs: Inputs;
    readonly chSsh: string;
  },
): void {
  const { accounts, opened, inputs, chSsh } = given;
  for (const mount of defaultBinds()) table.addBind(mount);
  if (accounts !== undefined) {
    table.addFile(accounts.passwd, '/etc/passwd');
    table.addFile(accounts.group, '/etc/group');
  }
  if (line.hasPrivateTmp) table.addTmpfs('/tmp', 0, 0o1777);
  else table.addBind(bind(hostTemporaryDirectory(inputs), '/tmp'));
  if (line.hasHome) {
    table.addTmpfs('/home', homeTmpfsBytes, 0o1777);
    table.addHome(inputs.environment('HOME') ?? '/', `/home/${line.user}`);
  }
  if (line.hasChSsh) {
    if (opened.kindOf('/usr/bin/ch-ssh') === undefined) throw new SlipwayError('charliecloud-ch-ssh', {});
    table.addBind(bind(chSsh, '/usr/bin/ch-ssh'));
  }
}

function hostTemporaryDirectory(inputs: Inputs): string {
  const path = inputs.environment('TMPDIR') ?? '/tmp';
  if (path === '' || inputs.kindOf(inputs.absolute(path)) !== 'directory') {
    throw new SlipwayError('charliecloud-temporary-directory', { path }, { cause: systemError('ENOENT') });
  }
  return inputs.absolute(path);
}
