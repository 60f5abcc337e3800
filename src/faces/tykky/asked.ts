// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to the keys of a configuration.
import { basename, resolve } from 'node:path';
import type { Configuration, ConfigurationValue } from '../../wrap/index.ts';
import type { OptionKey, TykkyProgram } from './commands.ts';
import type { ReadWords } from './read-words.ts';

export type Order = Extract<ReadWords, { readonly kind: 'order' }>;

/** What is asked for, by Tykky's keys. */
export function askedConfiguration(
  program: TykkyProgram,
  order: Order,
  workingDirectory: string,
): Record<string, ConfigurationValue> {
  const absolute = (path: string): string => resolve(workingDirectory, path);
  const file = (name: OptionKey): Configuration => {
    const value = order.value(name);
    return value === undefined ? {} : { file: absolute(value) };
  };
  const list = (key: string, name: OptionKey): Record<string, ConfigurationValue> =>
    order.value(name) === undefined ? {} : { [key]: [file(name)] };
  const prefix = order.value('prefix');
  const wrapperPaths = order
    .value('wrapper-paths')
    ?.split(',')
    .filter((path) => path !== '');
  const requirements = order.value('requirement') ?? order.value('requirements-file');
  return {
    ...(prefix === undefined ? {} : { installation_prefix: absolute(prefix) }),
    ...(wrapperPaths === undefined ? {} : { wrapper_paths: wrapperPaths }),
    ...list('pre_install', 'pre-install'),
    ...list('post_install', 'post-install'),
    ...list('extra_envs', 'environ'),
    ...(order.has('nocache') ? { pipcache: 'no' } : {}),
    ...(requirements === undefined ? {} : { requirements_file: absolute(requirements) }),
    update_installation: order.form.verb === 'update' ? 'yes' : 'no',
    ...ownKeys(program, order, absolute),
  };
}

function ownKeys(
  program: TykkyProgram,
  order: Order,
  absolute: (path: string) => string,
): Record<string, ConfigurationValue> {
  const { operand } = order;
  const isNew = order.form.verb !== 'update';
  switch (program) {
    case 'conda-containerize':
      return {
        mode: 'conda',
        add_ld: 'no',
        ...(isNew ? { env_file: absolute(operand) } : {}),
        ...(order.has('mamba') ? { mamba: 'yes' } : {}),
        ...(order.has('uv') && order.has('mamba') ? { use_uv: 'yes' } : {}),
      };
    case 'pip-containerize':
      return {
        mode: 'venv',
        ...(isNew ? { requirements_file: absolute(operand) } : {}),
        ...(order.has('uv') ? { use_uv: 'yes' } : {}),
        ...(order.has('slim')
          ? { isolate: 'yes', container_src: `docker://python:${slimTag(order.value('pyver'))}` }
          : {}),
        ...(order.value('pyver') === undefined ? {} : { pyver: order.value('pyver') ?? '' }),
        ...(order.has('system-site-packages') ? { enable_site_packages: 'yes' } : {}),
      };
    case 'wrap-container':
      return { mode: 'wrapcont', isolate: 'yes', wrap_src: containerWord(operand, absolute) };
    case 'wrap-install':
      return { mode: 'wrapdisk', wrap_src: absolute(operand), mask_wrap_install: order.has('mask') ? 'yes' : 'no' };
  }
}

/** The tag of Python's small image: `3.12` is `3.12-slim`. */
function slimTag(version: string | undefined): string {
  if (version === undefined) return 'slim';
  return /slim/.test(version) ? version : `${version}-slim`;
}

/** A path where something is named that looks like one; otherwise the name of an image. */
function containerWord(word: string, absolute: (path: string) => string): string {
  return /^\.{0,2}\//.test(word) || basename(word).includes('.s') ? absolute(word) : word;
}
