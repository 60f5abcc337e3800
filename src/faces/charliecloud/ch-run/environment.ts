// SPDX-License-Identifier: Apache-2.0
// What `ch-run` changes in the environment: its own tweaks, then what was asked for in the order of the command line,
// then the sign that a container is running, which nothing can take away.
import type { OpenedImage } from '../../../launch/index.ts';
import { compileGlob } from '../../../formats/glob/index.ts';
import { type Adaptation, type EnvironmentEdit, SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';
import type { Speaker } from '../messages.ts';
import { type Assignment, hasVariables, parseAssignments } from './assignments.ts';
import type { ChRunCommandLine, EnvironmentOption } from './options.ts';

export type NamedEdits = { readonly origin: string; readonly edits: readonly EnvironmentEdit[] };

const imageFile = '/ch/environment';

/**
 * @param given.devices what each wish for devices brings, in the order of the command line
 * @throws SlipwayError `charliecloud-open`, `charliecloud-variable`
 */
export function environmentEdits(
  line: ChRunCommandLine,
  given: {
    readonly image: Pick<OpenedImage, 'readText'>;
    readonly devices: readonly (readonly Adaptation[])[];
    readonly inputs: Inputs;
    readonly speaker: Speaker;
  },
): readonly NamedEdits[] {
  const devices = given.devices.values();
  const edits = line.environment.flatMap((option): readonly NamedEdits[] => {
    if (option.kind === 'unset') return [{ origin: option.origin, edits: [unset(option.glob)] }];
    if (option.kind === 'devices') {
      return (devices.next().value ?? []).map(({ origin, environment }) => ({ origin, edits: environment }));
    }
    const assignments = option.kind === 'assign' ? option.assignments : assignmentsOfImage(option, given.image);
    return [{ origin: option.origin, edits: assignments.map((one) => assign(one, line.expandsVariables)) }];
  });
  return [
    { origin: 'default', edits: defaultEdits(line, given.inputs, given.speaker) },
    ...edits,
    { origin: 'default', edits: [{ edit: 'set', name: 'CH_RUNNING', value: 'Weird Al Yankovic' }] },
  ];
}

function assign({ name, value }: Assignment, expands: boolean): EnvironmentEdit {
  return { edit: expands && hasVariables(value) ? 'expand' : 'set', name, value };
}

function unset(glob: string): EnvironmentEdit {
  if (!/[[\\(]/.test(glob)) return { edit: 'unset', glob };
  try {
    return { edit: 'unset-matching', glob, matcher: compileGlob(glob) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SlipwayError('charliecloud-option', { option: '--unset-env', reason: cause.message }, { cause });
  }
}

function assignmentsOfImage(
  { separator }: Extract<EnvironmentOption, { readonly kind: 'assign-from-image' }>,
  image: Pick<OpenedImage, 'readText'>,
): readonly Assignment[] {
  const text = image.readText(imageFile);
  if (text === undefined) {
    throw new SlipwayError('charliecloud-open', { path: imageFile }, { cause: systemError('ENOENT') });
  }
  return parseAssignments(text.split(separator), (index) => `${imageFile}:${index + 1}`);
}

function defaultEdits(line: ChRunCommandLine, inputs: Inputs, speaker: Speaker): readonly EnvironmentEdit[] {
  const path = inputs.environment('PATH');
  if (path === undefined) speaker.warn('$PATH not set');
  const hasBin = path === undefined || path.startsWith('/bin') || path.includes(':/bin');
  return [
    ...(line.hasHome ? [{ edit: 'set', name: 'HOME', value: `/home/${line.user}` } as const] : []),
    ...(hasBin ? [] : [{ edit: 'set', name: 'PATH', value: `${path}:/bin` } as const]),
    { edit: 'unset', glob: 'TMPDIR' },
  ];
}
