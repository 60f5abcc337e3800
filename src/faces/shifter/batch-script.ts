// SPDX-License-Identifier: Apache-2.0
// A job's script with `#!/usr/bin/shifter /bin/bash` in its first line: Slurm starts shifter with the interpreter and the
// path of its own copy of the script, in a directory of the node that no container shows.
import { basename } from 'node:path';
import type { Adaptation } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { GuestView } from './guest-view.ts';

/** The script's copy by slurmd. */
const scriptName = 'slurm_script';

/** The path of the script, where these are the words of one. */
export function batchScriptOf(command: readonly string[]): string | undefined {
  const script = command[1];
  return script !== undefined && script.startsWith('/') && basename(script) === scriptName ? script : undefined;
}

/** A mount that shows the script under its own path, where the container would not. */
export function batchScriptMounts(command: readonly string[], view: GuestView, inputs: Inputs): readonly Adaptation[] {
  const script = batchScriptOf(command);
  if (script === undefined || view.kindOf(script) !== undefined || inputs.kindOf(script) !== 'file') return [];
  const flags = { readOnly: true, nosuid: true, nodev: true };
  return [
    { origin: "the job's script", mounts: [{ kind: 'bind', source: script, target: script, flags }], environment: [] },
  ];
}
