// SPDX-License-Identifier: Apache-2.0
// `slipway wrap conda|pip|container|dir`: an installation made or changed.
import { resolve } from 'node:path';
import {
  type Configuration,
  type ConfigurationValue,
  construct,
  expandConfiguration,
  mergeConfiguration,
  readConfigurationFile,
  readKeptConfiguration,
  readSettings,
  readSiteConfiguration,
} from '../../wrap/index.ts';
import { printable } from '../terminal/printable.ts';
import { createWrapReporter } from '../terminal/wrap-reporter.ts';
import { wrapTools } from '../terminal/wrap-tools.ts';
import type { CommandContext } from './context.ts';
import { wrap } from './descriptions/wrap.ts';
import { type CommandLine, usageError } from './read-command-line.ts';

export type WrapLine = CommandLine<(typeof wrap.options)[number]['long'] & string>;

export async function installWrapped(line: WrapLine, context: CommandContext): Promise<number> {
  const { environment } = context;
  const [verb = '', directory = '', word] = line.operands;
  const prefix = resolve(environment.workingDirectory, directory);
  const isUpdate = line.has('update');
  const more = line.value('config');
  await installWith(
    {
      ...(isUpdate ? await readKeptConfiguration(prefix) : {}),
      ...(more === undefined ? {} : await readConfigurationFile(resolve(environment.workingDirectory, more), true)),
      ...askedKeys(line, { verb, word, workingDirectory: environment.workingDirectory }),
      installation_prefix: prefix,
      update_installation: isUpdate ? 'yes' : 'no',
    },
    context,
  );
  return 0;
}

/** Makes an installation from a configuration; what is done is told on standard error, its directory on standard output. */
export async function installWith(asked: Configuration, { environment, signal }: CommandContext): Promise<void> {
  const { variables, workingDirectory, stderr, stdout } = environment;
  const tools = wrapTools(environment);
  const site = await readSiteConfiguration(variables);
  const settings = readSettings(expandConfiguration(mergeConfiguration(site, asked), { variables, workingDirectory }));
  const { emit, close } = createWrapReporter(environment, {
    say: (kind, text) => {
      if (kind !== 'debug') stderr.write(`${kind === 'warning' ? 'warning: ' : ''}${printable(text)}\n`);
    },
    pass: (text) => stderr.write(text),
    isQuiet: false,
  });
  try {
    await construct(settings, { ...tools, emit, signal });
  } finally {
    close();
  }
  stdout.write(`${settings.prefix}\n`);
}

const modes: Readonly<Record<string, string>> = { conda: 'conda', pip: 'venv', container: 'wrapcont', dir: 'wrapdisk' };

function askedKeys(
  line: WrapLine,
  given: { readonly verb: string; readonly word: string | undefined; readonly workingDirectory: string },
): Configuration {
  const { verb, word, workingDirectory } = given;
  const absolute = (path: string): string => resolve(workingDirectory, path);
  const file = (name: 'file' | 'requirement'): string | undefined => {
    const value = line.value(name);
    return value === undefined ? undefined : absolute(value);
  };
  const script = (name: 'before' | 'after' | 'environ'): readonly ConfigurationValue[] | undefined => {
    const value = line.value(name);
    return value === undefined ? undefined : [{ file: absolute(value) }];
  };
  const isNew = !line.has('update');
  if (isNew && verb === 'conda' && line.value('file') === undefined) throw usageError(wrap, '--file is missing');
  if (isNew && verb === 'pip' && line.value('requirement') === undefined) {
    throw usageError(wrap, '--requirement is missing');
  }
  const isWrapping = verb === 'container' || verb === 'dir';
  if (isWrapping && (word === undefined || line.value('programs') === undefined)) {
    throw usageError(wrap, `${verb} wants what is to be wrapped, and --programs`);
  }
  if (isWrapping && !isNew) throw usageError(wrap, `--update is for conda and pip; make it anew`);
  const image = line.value('image');
  return withoutUndefined({
    mode: modes[verb],
    ...(verb === 'conda' ? { add_ld: 'no' } : {}),
    env_file: file('file'),
    requirements_file: file('requirement'),
    wrapper_paths: line
      .value('programs')
      ?.split(',')
      .filter((path) => path !== ''),
    pre_install: script('before'),
    post_install: script('after'),
    extra_envs: script('environ'),
    pipcache: line.has('no-cache') ? 'no' : undefined,
    use_uv: line.has('uv') ? 'yes' : undefined,
    mamba: line.has('mamba') ? 'yes' : undefined,
    pyver: line.value('python'),
    enable_site_packages: line.has('system-packages') ? 'yes' : undefined,
    mask_wrap_install: line.has('mask') ? 'yes' : undefined,
    ...(image === undefined ? {} : { isolate: 'yes', container_src: image }),
    ...(verb === 'container' ? { isolate: 'yes', wrap_src: word } : {}),
    ...(verb === 'dir' && word !== undefined ? { wrap_src: absolute(word) } : {}),
  });
}

function withoutUndefined(values: Readonly<Record<string, ConfigurationValue | undefined>>): Configuration {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, ConfigurationValue] => entry[1] !== undefined),
  );
}
