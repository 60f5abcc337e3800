// SPDX-License-Identifier: Apache-2.0
// What the image service says a name means now.
import { dirname } from 'node:path';
import { describeError, SlipwayError } from '../../model/index.ts';
import type { UdiRoot } from '../../site/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import { runProgram } from '../../sys/run-program.ts';
import type { PlanningContext } from '../terminal/planner.ts';

const timeoutMs = 300_000;
const maxOutputBytes = 64 << 10;

/**
 * The identity of `docker:NAME` or `custom:NAME`: the first line without a colon that the site's shifterimg prints.
 * @throws SlipwayError `shifter-image-unknown`
 */
export async function lookUpImage(
  image: string,
  udiRoot: Pick<UdiRoot, 'udiRootPath'>,
  context: Pick<PlanningContext, 'environment' | 'cwd' | 'launcher' | 'signal'>,
): Promise<string> {
  const ofSite = `${udiRoot.udiRootPath}/bin/shifterimg`;
  const program = createInputs(context).kindOf(ofSite) === 'file' ? ofSite : `${dirname(context.launcher)}/shifterimg`;
  const { environment, signal } = context;
  try {
    const { exitStatus, output } = await runProgram({
      argv: [program, 'lookup', image],
      environment,
      maxOutputBytes,
      timeoutMs,
      signal,
    });
    const identity = output
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '' && !line.includes(':'));
    if (exitStatus === 0 && identity !== undefined && /^[A-Za-z0-9_+-][A-Za-z0-9_.+-]*$/.test(identity))
      return identity;
  } catch (cause) {
    throw new SlipwayError('shifter-image-unknown', { image, reason: describeError(cause) }, { cause });
  }
  throw new SlipwayError('shifter-image-unknown', { image, reason: 'the image service has none of this name for you' });
}
