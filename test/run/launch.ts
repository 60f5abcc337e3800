// SPDX-License-Identifier: Apache-2.0
// `slipway run` as the test user, and what the launcher's trace says it did.
import type { CommandResult } from '../support/command.ts';
import type { TestUser, UserCommandOptions } from '../support/user.ts';

export type Launch = CommandResult & {
  /** Whether a kept plan was used, or Node made one. */
  readonly wasPlanned: boolean;
  /** Why kept plans were not used: `LACK_FILE /etc/x`, as often as the launcher looked. */
  readonly changed: readonly string[];
  /** Why plan files were ignored before anything of them was believed. */
  readonly ignored: readonly string[];
  readonly holder: 'none' | 'joined' | 'started';
  /** stderr without the trace. */
  readonly said: string;
};

/** Runs `slipway run` with these words, started by those `before` it, and reads the launcher's trace. */
export async function launch(
  user: TestUser,
  words: readonly string[],
  { before = [], ...options }: UserCommandOptions & { readonly before?: readonly string[] } = {},
): Promise<Launch> {
  const result = await user.run([...before, 'slipway', 'run', ...words], {
    ...options,
    env: { SLIPWAY_TRACE: '1', ...options.env },
  });
  return readTrace(result);
}

/** The same, and the status must be 0; gives stdout. */
export async function launchOk(
  user: TestUser,
  words: readonly string[],
  options: UserCommandOptions = {},
): Promise<string> {
  return await user.runOk(['slipway', 'run', ...words], options);
}

export function readTrace(result: CommandResult): Launch {
  const lines = result.stderr.split('\n');
  const traced = lines
    .filter((line) => line.startsWith('slipway-trace: '))
    .map((line) => line.slice('slipway-trace: '.length));
  const after = (pattern: RegExp): readonly string[] => traced.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  const isStarted = traced.some((line) => line.startsWith('starting holder '));
  const isJoined = traced.some((line) => line.startsWith('joined holder '));
  return {
    ...result,
    wasPlanned: traced.includes('no plan holds; planning'),
    changed: after(/^changed: (.*)$/),
    ignored: after(/^plan \S+ ignored: (.*)$/),
    holder: isStarted ? 'started' : isJoined ? 'joined' : 'none',
    said: lines.filter((line) => !line.startsWith('slipway-trace: ')).join('\n'),
  };
}
