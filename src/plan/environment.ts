// SPDX-License-Identifier: Apache-2.0
// The container's environment: the caller's own, without what only fits the host, then the image's, then what was asked.
import type { Adaptation, EnvironmentEdit, RunRequest, Step } from '../model/index.ts';
import type { HostFacts, ImageFacts } from './facts.ts';
import { isInside } from './scaffold.ts';

/** What a container's PATH is where neither image nor person says. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** They name libraries of the host, which a program of the image must not load. */
const hostLoaderVariables = ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'LD_AUDIT'] as const;

export function environmentSteps(given: {
  readonly request: RunRequest;
  readonly image: ImageFacts;
  readonly host: HostFacts;
  readonly uid: number;
  readonly adaptations: readonly Adaptation[];
}): readonly Step[] {
  const { request, image, host, uid, adaptations } = given;
  const step = (origin: string, edit: EnvironmentEdit): Step => ({ step: 'environment', edit, origin });
  const edits = adaptations.flatMap(({ origin, environment }) => environment.map((edit) => step(origin, edit)));
  if (request.conventions !== undefined) return edits;
  const fromImage = image.config.env.map((text) => {
    const equals = text.indexOf('=');
    const [name, value] = equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    return step('the image', { edit: 'set', name, value });
  });
  const hasPath = image.config.env.some((text) => text.startsWith('PATH='));
  const { temporaryDirectory } = host;
  const isTemporaryShown =
    temporaryDirectory === undefined ||
    adaptations.some(({ mounts }) => mounts.some(({ target }) => isInside(temporaryDirectory, target)));
  // What is cleared is the caller's, not what the image sets: so this comes first, wherever it was asked for.
  const isClearing = (one: Step): boolean => one.step === 'environment' && one.edit.edit === 'clear';
  return [
    ...edits.filter(isClearing),
    ...hostLoaderVariables.map((glob) => step('default: libraries of the host', { edit: 'unset', glob })),
    ...(isTemporaryShown ? [] : [step('default: it is not in the container', { edit: 'unset', glob: 'TMPDIR' })]),
    ...(request.home ? [] : [step('--no-home', { edit: 'set', name: 'HOME', value: uid === 0 ? '/root' : '/' })]),
    ...(hasPath ? [] : [step('default', { edit: 'set', name: 'PATH', value: defaultPath })]),
    ...fromImage,
    step('default', { edit: 'set', name: 'SLIPWAY_IMAGE', value: image.subject }),
    ...edits.filter((one) => !isClearing(one)),
  ];
}
