// SPDX-License-Identifier: Apache-2.0
// The environment in which wrapped programs run: what activation does, worked out once, here; what the configuration
// adds; and where a text can't be known beforehand, the shell that will have to read it.
import { join } from 'node:path';
import { type EnvironmentEdit, placeMark, SlipwayError } from '../model/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../sys/files.ts';
import { systemSearchPath } from '../sys/process.ts';
import { editsOfEnvironText } from './environ-text.ts';
import {
  environmentDifference,
  knownText,
  parseVariables,
  type Variables,
  variablesNamedIn,
} from './environment-difference.ts';
import { condaActivation } from './install-script.ts';
import type { ExtraEnvironment } from './settings.ts';

const maxTextBytes = 1 << 20;

/**
 * What activating the conda environment in `prefix` does to variables.
 * @param contentAt where its files are now
 * @param runScript runs a script of bash with exactly these variables, where the environment is at `prefix`
 */
export async function conda(
  place: {
    readonly prefix: string;
    readonly contentAt: string;
    readonly buildDirectory: string;
    readonly envName: string;
  },
  scripts: readonly string[],
  runScript: (path: string, variables: Variables) => Promise<number>,
): Promise<readonly EnvironmentEdit[]> {
  const script = join(place.buildDirectory, '_activate.sh');
  const output = join(place.buildDirectory, '_activated');
  const text = `${condaActivation}cw_activate\nunset env_root CW_ENV_NAME\nenv -0 > ${output}\n`;
  await writeFileAtomic(script, text, { mode: 0o600 });
  const bare: Variables = { PATH: systemSearchPath, HOME: '/', LANG: 'C.UTF-8', TERM: 'dumb' };
  const activate = async (before: Variables): Promise<{ before: Variables; after: Variables }> => {
    const status = await runScript(script, { ...before, env_root: place.prefix, CW_ENV_NAME: place.envName });
    const bytes = await readFileIfPresent(output, { maxBytes: maxTextBytes });
    if (status !== 0 || bytes === undefined) {
      throw new SlipwayError('wrap-script-failed', { what: 'activation of the environment', status });
    }
    return { before, after: parseVariables(bytes) };
  };
  const alone = await activate(bare);
  const named = [...scripts.flatMap(variablesNamedIn), ...Object.keys(alone.after)];
  // What runs the scripts must go on working: it finds what it needs behind the known text.
  const known = Object.fromEntries(
    named.filter((name) => !(name in bare) && !shellVariables.test(name)).map((name) => [name, knownText(name)]),
  );
  const changed = await activate({ ...known, ...bare, PATH: `${knownText('PATH')}:${systemSearchPath}` });
  return inPlace(environmentDifference(alone, changed), place.prefix);
}

/** Of bash: set by it, or such that it would not run as it should. */
const shellVariables =
  /^(?:BASH.*|IFS|PS[0-4]|EUID|UID|PPID|SHELLOPTS|OPTIND|OPTARG|SHELL|LD_.*|env_root|CW_.*|cw_.*|local|for|in|do|done|if|then|else|elif|fi|case|esac|while|function|return|export|unset)$/;

/** Edits with the installation's place as a mark. */
export function inPlace(edits: readonly EnvironmentEdit[], prefix: string): readonly EnvironmentEdit[] {
  const mark = (text: string): string =>
    text
      .split(prefix)
      .reduce(
        (before, after) => (after === '' || /^[/:;, ]/.test(after) ? before + placeMark : before + prefix) + after,
      );
  return edits.map((edit) => ('value' in edit ? { ...edit, value: mark(edit.value) } : edit));
}

export type ExtraEdits = {
  readonly edits: readonly EnvironmentEdit[];
  /** What a shell has to read before each program; '' where nothing is left to it. */
  readonly shellText: string;
};

/** What the configuration adds, and `--environ`. @throws SlipwayError `wrap-source-missing` */
export async function extraEdits(extras: readonly ExtraEnvironment[], workdir: string): Promise<ExtraEdits> {
  const edits: EnvironmentEdit[] = [];
  let shellText = '';
  for (const extra of extras) {
    if ('file' in extra) {
      const text = await readFileIfPresent(join(extra.file.startsWith('/') ? '/' : workdir, extra.file), {
        maxBytes: maxTextBytes,
      });
      if (text === undefined) throw new SlipwayError('wrap-source-missing', { path: extra.file, what: 'file' });
      const known = shellText === '' ? editsOfEnvironText(text.toString()) : undefined;
      if (known === undefined) shellText += `${text.toString()}\n`;
      else edits.push(...known);
      continue;
    }
    const { type, name, value } = extra;
    edits.push(type === 'set' ? { edit: 'set', name, value } : { edit: type, name, value, separator: ':' });
  }
  return { edits, shellText };
}

/** The words that have bash read a text and then become the program: see EXEC_NAMESAKE. */
export function starterFor(shellText: string): readonly string[] {
  if (shellText === '') return [];
  return ['/bin/bash', '-c', `_cw_called=$1; shift\n${shellText}\nexec -a "$_cw_called" "$0" "$@"`];
}
