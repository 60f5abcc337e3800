// SPDX-License-Identifier: Apache-2.0
// Tykky's four commands: their words, their messages, their statuses.
import { resolve } from 'node:path';
import { describeError, SlipwayError } from '../../model/index.ts';
import {
  type Configuration,
  construct,
  expandConfiguration,
  mergeConfiguration,
  readConfigurationFile,
  readKeptConfiguration,
  readSettings,
  readSiteConfiguration,
} from '../../wrap/index.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { supervise } from '../terminal/supervise.ts';
import { wrapTools } from '../terminal/wrap-tools.ts';
import { askedConfiguration, type Order } from './asked.ts';
import { checkOrder } from './check-order.ts';
import type { TykkyProgram } from './commands.ts';
import { createMessages, type Messages } from './messages.ts';
import { readWords } from './read-words.ts';

/** Runs one of the commands with the words after its name, and gives the exit status. Never rejects. */
export function mainOf(
  program: TykkyProgram,
): (argv: readonly string[], environment: FaceEnvironment) => Promise<number> {
  return async (argv, environment) =>
    await supervise(program, environment, (signal) => run(program, argv, { environment, signal }));
}

type Context = { readonly environment: FaceEnvironment; readonly signal: AbortSignal };

async function run(program: TykkyProgram, argv: readonly string[], context: Context): Promise<number> {
  const { environment, signal } = context;
  const words = readWords(program, argv);
  if (words.kind === 'help') {
    environment.stdout.write(words.text);
    return 0;
  }
  if (words.kind === 'fault') {
    environment.stderr.write(words.text);
    return 2;
  }
  const early = createMessages(environment, levelOf(environment.variables['CW_LOG_LEVEL'] ?? 2));
  const { fault, warnings } = checkOrder(program, words, {
    workingDirectory: environment.workingDirectory,
    searchPath: environment.variables['PATH'] ?? '',
  });
  for (const text of warnings) early.emit({ type: 'warning', text });
  if (fault !== undefined) {
    early.error(fault);
    return 1;
  }
  let messages = early;
  try {
    const configuration = await readAll(program, words, environment);
    early.close();
    messages = createMessages(
      environment,
      levelOf(environment.variables['CW_LOG_LEVEL'] ?? configuration['log_level'] ?? 2),
    );
    await install(configuration, { ...context, messages });
    return 0;
  } catch (error) {
    if (signal.aborted) throw error;
    messages.error(failureText(error));
    messages.error('Installation failed');
    if ((environment.variables['CW_DEBUG_KEEP_FILES'] ?? '') === '') {
      messages.info('Set CW_DEBUG_KEEP_FILES to keep the build files, and CW_LOG_LEVEL=3 to see more');
    }
    return 1;
  } finally {
    messages.close();
  }
}

function levelOf(value: unknown): number {
  const level = Number(value);
  return Number.isSafeInteger(level) ? Math.max(0, Math.min(level, 4)) : 2;
}

function failureText(error: unknown): string {
  const hint = error instanceof SlipwayError && error.hint !== undefined ? `\nhint: ${error.hint}` : '';
  return `${describeError(error)}${hint}`;
}

/** The site's configuration, that of the installation that is updated, --yaml, and the options. */
async function readAll(program: TykkyProgram, order: Order, environment: FaceEnvironment): Promise<Configuration> {
  const { variables, workingDirectory } = environment;
  const site = await readSiteConfiguration(variables);
  const yaml = order.value('yaml');
  const more = yaml === undefined ? {} : await readConfigurationFile(resolve(workingDirectory, yaml), true);
  const before =
    order.form.verb === 'update' ? await readKeptConfiguration(resolve(workingDirectory, order.operand)) : {};
  const asked = askedConfiguration(program, order, workingDirectory);
  const merged = mergeConfiguration(site, { ...before, ...more, ...asked, ...joined(before, asked) });
  return expandConfiguration(merged, { variables, workingDirectory });
}

/** Lists that an update adds to. */
function joined(before: Configuration, asked: Configuration): Configuration {
  const both = (['wrapper_paths', 'extra_envs'] as const).flatMap((key) => {
    const [old, added] = [before[key], asked[key]];
    return Array.isArray(old) && Array.isArray(added) ? [[key, [...new Set([...old, ...added])]] as const] : [];
  });
  return Object.fromEntries(both);
}

async function install(
  configuration: Configuration,
  { environment, signal, messages }: Context & { readonly messages: Messages },
): Promise<void> {
  const tools = wrapTools(environment);
  const settings = readSettings(configuration);
  const { clock } = tools;
  const start = clock.now().getTime();
  await construct(settings, { ...tools, emit: messages.emit, signal });
  messages.info(`Done, duration: ${Math.round((clock.now().getTime() - start) / 1000)}s`);
  messages.info(
    `Program has been installed to ${settings.prefix}\nTo use add the bin folder to your path e.g:\nexport PATH="${settings.prefix}/bin:$PATH"`,
  );
}
