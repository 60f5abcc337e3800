// SPDX-License-Identifier: Apache-2.0
import { wrapText } from '../../formats/getopt/index.ts';
import { examineHost, type Finding, thisMachine, worstState } from '../../host/index.ts';
import { capabilitiesOf } from '../terminal/capabilities.ts';
import { printable } from '../terminal/printable.ts';
import { paint } from '../terminal/paint.ts';
import type { CommandContext } from './context.ts';
import { doctor } from './descriptions/doctor.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { userStorePath } from './store.ts';

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const { environment, signal } = context;
  const line = readCommandLine(doctor, argv);
  const [topic, image] = line.operands;
  if (topic !== undefined) {
    if (topic !== 'mpi') throw usageError(doctor, `"${topic}" is nothing to be examined: mpi is`);
    if (image === undefined) throw usageError(doctor, 'IMAGE is missing');
    const { doctorMpi } = await import('./doctor-mpi.ts');
    return await doctorMpi(image, context, line.has('json'));
  }
  const { stdout, variables, uid } = environment;
  const findings = await examineHost({
    reader: thisMachine({ uid, environment: variables, signal }),
    storeDirectory: userStorePath(environment),
  });
  signal.throwIfAborted();
  if (line.has('json')) {
    stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
  } else {
    const shown = line.has('quiet') ? findings.filter(({ state }) => state !== 'ok') : findings;
    const { hasColor } = capabilitiesOf(stdout, variables);
    const width = Math.min(stdout.size().columns, 100);
    for (const finding of shown) stdout.write(findingText(finding, width, hasColor));
  }
  return worstState(findings) === 'missing' ? 1 : 0;
}

const colors = { ok: 'green', warning: 'yellow', missing: 'red' } as const;
const stateWidth = 9;

function findingText({ state, what, detail, remedy }: Finding, width: number, hasColor: boolean): string {
  const indent = ' '.repeat(stateWidth);
  const wrapped = (text: string): string =>
    wrapText(printable(text), Math.max(30, width - stateWidth))
      .map((each) => `${indent}${each}\n`)
      .join('');
  const head = `${paint(state.padEnd(stateWidth), colors[state], hasColor)}${wrapped(`${what}: ${detail}`).slice(stateWidth)}`;
  if (remedy === undefined) return head;
  return `${head}${wrapped(`you: ${remedy.user}`)}${wrapped(`administrator: ${remedy.administrator}`)}`;
}
