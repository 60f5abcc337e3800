// SPDX-License-Identifier: Apache-2.0
// What activating a conda environment does to variables, worked out once, by activating it where it will stand.
import { join } from 'node:path';
import { type EnvironmentEdit, SlipwayError } from '../model/index.ts';
import { readFileIfPresent, writeFileAtomic } from '../sys/files.ts';
import { systemSearchPath } from '../sys/process.ts';
import { markPlace } from './extra-environment.ts';
import {
  environmentDifference,
  knownText,
  parseVariables,
  type Variables,
  variablesNamedIn,
} from './environment-difference.ts';
import { condaActivation } from './conda-script.ts';
import { shellWord } from './install-script.ts';

const maxTextBytes = 1 << 20;

/**
 * What activating the conda environment in `prefix` does to variables.
 * @param runScript runs a script of bash with exactly these variables, where the environment is at `prefix`
 */
export async function condaActivationEdits(
  place: { readonly prefix: string; readonly buildDirectory: string; readonly envName: string },
  scripts: readonly string[],
  runScript: (path: string, variables: Variables) => Promise<number>,
): Promise<readonly EnvironmentEdit[]> {
  const script = join(place.buildDirectory, '_activate.sh');
  const output = join(place.buildDirectory, '_activated');
  const text = `${condaActivation}cw_activate\nunset env_root CW_ENV_NAME\nenv -0 > ${shellWord(output)}\n`;
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
  return markPlace(environmentDifference(alone, changed), place.prefix);
}

/** Of bash: set by it, or such that it would not run as it should. */
const shellVariables =
  /^(?:BASH.*|IFS|PS[0-4]|EUID|UID|PPID|SHELLOPTS|OPTIND|OPTARG|SHELL|LD_.*|env_root|CW_.*|cw_.*|local|for|in|do|done|if|then|else|elif|fi|case|esac|while|function|return|export|unset)$/;
