// SPDX-License-Identifier: Apache-2.0
// The container's variables: the host's, then the image's, what NVIDIA's and PMIx's ways need, the site's, the person's.
import type { SarusImageMeta } from '../../image/index.ts';
import type { Adaptation, EnvironmentEdit } from '../../model/index.ts';
import { lineOf, type SarusSite } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

export function environmentAdaptations(given: {
  readonly meta: SarusImageMeta;
  readonly site: SarusSite;
  readonly hasInit: boolean;
  readonly inputs: Inputs;
}): readonly Adaptation[] {
  const { meta, site, hasInit, inputs } = given;
  const image = Object.entries(meta.Env).filter(([name]) => !name.startsWith('PMIX_'));
  return [
    of('the image', image.map(set)),
    of('CUDA_VISIBLE_DEVICES of the host', nvidiaEdits(inputs.environment('CUDA_VISIBLE_DEVICES'))),
    of('PMIx', site.supportsPmix3 ? pmixEdits(inputs) : []),
    of('--init', hasInit ? [set(['TINI_SUBREAPER', '1'])] : []),
    ...siteAdaptations(site),
  ].filter(({ environment }) => environment.length > 0);
}

/** `NAME=VALUE`, or `NAME`, which is taken as the host has it and left alone where the host has none. */
export function personEdits(value: string, inputs: Inputs): readonly EnvironmentEdit[] | undefined {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  if (name === '') return undefined;
  if (equals >= 0) return [set([name, value.slice(equals + 1)])];
  const host = inputs.environment(name);
  return host === undefined ? [] : [set([name, host])];
}

function siteAdaptations({ environment, file, text }: SarusSite): readonly Adaptation[] {
  const origin = (name: string): string => `${file ?? ''}:${lineOf(text, name)}`;
  const joined = (edit: 'prepend' | 'append', edits: ReadonlyMap<string, string>): readonly Adaptation[] =>
    [...edits].map(([name, value]) => of(origin(name), [{ edit, name, value, separator: ':' }]));
  return [
    ...[...environment.set].map(([name, value]) => of(origin(name), [set([name, value])])),
    ...joined('prepend', environment.prepend),
    ...joined('append', environment.append),
    ...environment.unset.map((glob) => of(origin(glob), [{ edit: 'unset', glob }])),
  ];
}

/**
 * NVIDIA's own hook goes by NVIDIA_VISIBLE_DEVICES, and in the container the devices that are visible are numbered from 0.
 * Where the host shows none, variables of the image must not ask for any.
 */
function nvidiaEdits(visible: string | undefined): readonly EnvironmentEdit[] {
  if (visible === undefined || visible === '' || visible === 'NoDevFiles') {
    return ['NVIDIA_VISIBLE_DEVICES', 'NVIDIA_DRIVER_CAPABILITIES', 'CUDA_VISIBLE_DEVICES'].map((glob) => ({
      edit: 'unset',
      glob,
    }));
  }
  const count = visible.split(',').length;
  return [
    set(['NVIDIA_VISIBLE_DEVICES', visible]),
    set(['CUDA_VISIBLE_DEVICES', Array.from({ length: count }, (_, index) => index).join(',')]),
    { edit: 'default', name: 'NVIDIA_DRIVER_CAPABILITIES', value: 'all' },
  ];
}

/** The host's PMIx server speaks the third version: components that the image's library may prefer are ruled out. */
function pmixEdits(inputs: Inputs): readonly EnvironmentEdit[] {
  const has = (name: string): boolean => inputs.environment(name) !== undefined;
  return has('PMIX_MCA_gds') || !has('PMIX_SERVER_URI') ? [] : [set(['PMIX_MCA_gds', '^shmem,shmem2'])];
}

function set([name, value]: readonly [string, string]): EnvironmentEdit {
  return { edit: 'set', name, value };
}

function of(origin: string, environment: readonly EnvironmentEdit[]): Adaptation {
  return { origin, mounts: [], environment };
}
