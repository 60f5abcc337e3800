// SPDX-License-Identifier: Apache-2.0
// A command line of `slipway run`, planned with what it only names: devices, whose specifications go before what the person
// asks for, and hooks, which come after it.
import { type AskedRun, planRun, type ReadyPlan } from '../../launch/index.ts';
import { findCdiDevices } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { askRun, type AskedSlipwayRun } from './ask-run.ts';

/**
 * Plans `words`, which are argv, `slipway run` first. `writeStderr` is told once, in lines, what a person should know.
 * @throws SlipwayError `usage`, `cdi-spec-malformed`, `cdi-device-unknown`, `cdi-device-ambiguous`, `hook-file`, those of planRun
 */
export async function planCommandLine(
  words: readonly string[],
  context: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    readonly runDirectory: string;
    readonly signal: AbortSignal;
    readonly writeStderr: (text: string) => void;
  },
): Promise<{ readonly ready: ReadyPlan; readonly annotations: ReadonlyMap<string, string> }> {
  const said = new Set<string>();
  const variableNames = Object.keys(context.environment);
  let annotations: ReadonlyMap<string, string> = new Map();
  const ready = await planRun(
    async (inputs) => {
      const asked = askRun(words, inputs);
      annotations = asked.hooks?.annotations ?? annotations;
      return await completeRun(asked, { inputs, variableNames, say: (text) => said.add(text) });
    },
    { ...context, nowNs: wallClockNs },
  );
  for (const text of said) context.writeStderr(`slipway: ${text}\n`);
  return { ready, annotations };
}

async function completeRun(
  { devices, hooks, ...asked }: AskedSlipwayRun,
  given: { readonly inputs: Inputs; readonly variableNames: readonly string[]; readonly say: (text: string) => void },
): Promise<AskedRun> {
  const found = await findCdiDevices(devices, given.inputs);
  const { request } = asked;
  const withDevices = { ...asked, request: { ...request, adaptations: [...found, ...request.adaptations] } };
  if (hooks === undefined || hooks.directories.length === 0) return withDevices;
  const { withHooks } = await import('./with-hooks.ts');
  return withHooks(withDevices, { ...given, ...hooks });
}
