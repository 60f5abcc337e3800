// SPDX-License-Identifier: Apache-2.0
// The variables of a container's program, in Shifter's order: each later one wins.
import type { Adaptation, EnvironmentEdit } from '../../model/index.ts';
import type { ShifterModule, SiteEnvironment } from '../../site/index.ts';

/**
 * What a set-user-id program of glibc's is not given (ld.so(8), secure execution): they steer the loader and the C library,
 * and mean the host's files.
 */
const hostLibraryVariables = [
  'GCONV_PATH',
  'GETCONF_DIR',
  'GLIBC_TUNABLES',
  'HOSTALIASES',
  'LD_*',
  'LOCALDOMAIN',
  'LOCPATH',
  'MALLOC_TRACE',
  'NIS_PATH',
  'NLSPATH',
  'RESOLV_HOST_CONF',
  'RES_OPTIONS',
  'TMPDIR',
  'TZDIR',
] as const;

type Variable = { readonly name: string; readonly value: string };

export function environmentOf(given: {
  readonly clearsEnvironment: boolean;
  /** As it was asked for, where it was. */
  readonly request?: string;
  readonly identifier: string;
  readonly imageEnv: readonly string[];
  /** Of which the variables count. */
  readonly devices: readonly Adaptation[];
  readonly fromFiles: readonly Variable[];
  readonly fromOptions: readonly Variable[];
  readonly modules: readonly ShifterModule[];
  readonly site: SiteEnvironment;
}): readonly Adaptation[] {
  const { clearsEnvironment, request, identifier, imageEnv, devices, fromFiles, fromOptions, modules, site } = given;
  const of = (origin: string, environment: readonly EnvironmentEdit[]): Adaptation => ({
    origin,
    mounts: [],
    environment,
  });
  return [
    of(
      'shifter: they mean files of the host',
      hostLibraryVariables.map((glob) => ({ edit: 'unset', glob })),
    ),
    of('--clearenv', clearsEnvironment ? [{ edit: 'clear', keep: [] }] : []),
    of('shifter', [
      ...(request === undefined ? [] : [set({ name: 'SHIFTER_IMAGEREQUEST', value: request })]),
      set({ name: 'SHIFTER_IMAGE', value: identifier }),
    ]),
    of('the image', variables(imageEnv).map(set)),
    ...devices.map(({ origin, environment }) => of(origin, environment)),
    of('--env-file', fromFiles.map(set)),
    of('--env', fromOptions.map(set)),
    ...modules.map(({ name, environment }) => of(`module ${name}`, siteEdits(environment))),
    of('siteEnv', siteEdits(site)),
  ].filter(({ environment }) => environment.length > 0);
}

function siteEdits(site: SiteEnvironment): readonly EnvironmentEdit[] {
  const join = (edit: 'append' | 'prepend', texts: readonly string[]): readonly EnvironmentEdit[] =>
    variables(texts).map((variable) => ({ edit, ...variable, separator: ':' }));
  return [
    ...variables(site.set).map(set),
    ...join('append', site.append),
    ...join('prepend', site.prepend),
    ...site.unset.map((name): EnvironmentEdit => ({ edit: 'unset', glob: name })),
  ];
}

/** Those with a name and a value; Shifter skips the others. */
function variables(texts: readonly string[]): readonly Variable[] {
  return texts.flatMap((text) => {
    const equals = text.indexOf('=');
    return equals <= 0 || equals === text.length - 1
      ? []
      : [{ name: text.slice(0, equals), value: text.slice(equals + 1) }];
  });
}

function set({ name, value }: Variable): EnvironmentEdit {
  return { edit: 'set', name, value };
}
