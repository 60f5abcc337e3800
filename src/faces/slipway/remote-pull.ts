// SPDX-License-Identifier: Apache-2.0
import { readIds, readImage, waitingStates } from '../../gateway/index.ts';
import { parseJson, SlipwayError } from '../../model/index.ts';
import { capabilitiesOf } from '../terminal/capabilities.ts';
import { createLiveBlock } from '../terminal/live-block.ts';
import { progressLine } from '../terminal/progress-bar.ts';
import type { Remote } from './remote.ts';

const pollMs = 500;

/**
 * Has an image pulled and waits for it; prints its id. With --json a line for each change of its state.
 * @throws SlipwayError `gateway-pull-failed` with the gateway's reason
 */
export async function pullRemote(
  image: { readonly type: string; readonly tag: string },
  asking: Remote,
): Promise<number> {
  const { line, environment, signal, ask } = asking;
  const { stdout, stderr, clock } = environment;
  const [users, groups] = [
    await readIds(line.value('user') ?? '', 'passwd', signal),
    await readIds(line.value('group') ?? '', 'group', signal),
  ];
  const body = JSON.stringify({
    ...(users.length === 0 ? {} : { allowed_uids: users.join(',') }),
    ...(groups.length === 0 ? {} : { allowed_gids: groups.join(',') }),
  });
  const { canRedraw, hasColor, isUnicode } = capabilitiesOf(stderr, environment.variables);
  const isJson = line.has('json');
  const block = canRedraw && !isJson && !line.has('quiet') ? createLiveBlock(stderr, hasColor) : undefined;
  let last = '';
  try {
    for (;;) {
      const { text } = await ask(`pull ${image.tag}`, { mode: 'pull', method: 'POST', image, body });
      const { status, statusMessage, id } = readImage(parseJson(text));
      if (isJson && `${status} ${statusMessage}` !== last) {
        stdout.write(
          `${JSON.stringify({ time: clock.now().toISOString(), image: image.tag, status, message: statusMessage, id })}\n`,
        );
      } else if (block === undefined && !line.has('quiet') && status !== last.split(' ')[0]) {
        stderr.write(`${image.tag}: ${status}\n`);
      }
      last = `${status} ${statusMessage}`;
      if (status === 'FAILURE')
        throw new SlipwayError('gateway-pull-failed', { image: image.tag, reason: statusMessage });
      if (!waitingStates.has(status)) {
        block?.clear();
        if (!isJson) stdout.write(`${id}\n`);
        return 0;
      }
      if (block !== undefined) block.draw([{ text: await progressOf(image.tag, status, asking, isUnicode) }]);
      await clock.sleep(pollMs, signal);
    }
  } finally {
    block?.clear();
  }
}

async function progressOf(
  tag: string,
  status: string,
  { pulls, environment }: Remote,
  isUnicode: boolean,
): Promise<string> {
  const pull = (await pulls()).find((each) => each.tag === tag || each.tag === `${tag}:latest`);
  const measure = pull?.progress ?? { doneBytes: 0, totalBytes: 0 };
  return progressLine(status.toLowerCase(), measure, environment.stderr.size().columns, isUnicode);
}
