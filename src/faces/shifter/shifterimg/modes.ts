// SPDX-License-Identifier: Apache-2.0
// What shifterimg prints, mode by mode. Batch systems, Nextflow and many a script read these lines.
import {
  type GatewayRequest,
  type ImageAnswer,
  readIds,
  readImage,
  readImageName,
  waitingStates,
} from '../../../gateway/index.ts';
import { parseJson, SlipwayError } from '../../../model/index.ts';
import type { Asking } from './asking.ts';
import { shifterimg } from './options.ts';

type Mode = (operand: string | undefined, asking: Asking) => Promise<number>;

const pollMs = 500;

export const modes: Readonly<Record<string, Mode | undefined>> = {
  images,
  lookup,
  pull: (operand, asking) => pull(operand, asking, { waits: true }),
  pullnb: (operand, asking) => pull(operand, asking, { waits: false }),
  expire: (operand, asking) => expire({ mode: 'expire', method: 'GET', image: imageOf(operand, asking) }, asking),
  autoexpire: (_operand, asking) => expire({ mode: 'autoexpire', method: 'GET' }, asking),
};

/** The status is 0 whatever became of it, as scripts know it; people are told. */
async function expire(request: GatewayRequest, asking: Asking): Promise<number> {
  const answer = await asking.ask(request);
  if (answer === undefined) return 1;
  const { status } = (parseJson(answer.text) ?? {}) as { readonly status?: unknown };
  const { stderr } = asking.environment;
  if (status === false) stderr.write(`shifterimg: ${request.mode}: only administrators of this system may do this\n`);
  if (status === null) stderr.write(`shifterimg: ${request.mode}: there is no image ${request.image?.tag ?? ''}\n`);
  return 0;
}

function imageOf(operand: string | undefined, { site }: Asking): { readonly type: string; readonly tag: string } {
  if (operand === undefined || operand === '') {
    throw new SlipwayError('usage', { command: shifterimg.name, reason: 'TYPE:TAG is missing' });
  }
  return readImageName(operand, site().defaultImageType);
}

async function images(_operand: string | undefined, asking: Asking): Promise<number> {
  const { stdout } = asking.environment;
  const answer = await asking.ask({ mode: 'list', method: 'GET' });
  if (answer === undefined) return 1;
  const list = (parseJson(answer.text) as { readonly list?: unknown } | undefined)?.list;
  const found = (Array.isArray(list) ? list : []).map(readImage);
  const lines = found.flatMap((image) => image.tags.map((tag) => ({ image, tag })));
  lines.sort((left, right) => (left.tag < right.tag ? -1 : left.tag > right.tag ? 1 : 0));
  for (const { image, tag } of lines) stdout.write(`${listLine(image, tag)}\n`);
  return found.length > 0 && lines.length === 0 ? 1 : 0;
}

/** `printf "%-10s %-10s %-8s %-.10s   %s %-30s"`. */
function listLine({ system, itype, status, id, lastPull }: ImageAnswer, tag: string): string {
  const time = localTime(new Date(lastPull * 1000));
  return `${system.padEnd(10)} ${itype.padEnd(10)} ${status.padEnd(8)} ${id.slice(0, 10)}   ${time} ${tag.padEnd(30)}`;
}

async function lookup(operand: string | undefined, asking: Asking): Promise<number> {
  const answer = await asking.ask({ mode: 'lookup', method: 'GET', image: imageOf(operand, asking) });
  if (answer === undefined) return 1;
  const { id } = readImage(parseJson(answer.text));
  if (id === '') return 1;
  asking.environment.stdout.write(`${id}\n`);
  return 0;
}

async function pull(
  operand: string | undefined,
  asking: Asking,
  { waits }: { readonly waits: boolean },
): Promise<number> {
  const { environment, isVerbose, signal } = asking;
  const { stdout, stderr, clock } = environment;
  const image = imageOf(operand, asking);
  const body = await accessBody(asking);
  for (let isFirst = true; ; isFirst = false) {
    const answer = await asking.ask({ mode: 'pull', method: 'POST', image, body });
    if (answer === undefined) {
      const reason = asking.refusal() ?? 'the image gateway did not accept it; see -v';
      stderr.write(`shifterimg: pull ${image.type}:${image.tag}: ${reason}\n`);
      return 1;
    }
    const { status, statusMessage, lastPull } = readImage(parseJson(answer.text));
    const line = `${localTime(clock.now())} Pulling Image: ${image.type}:${image.tag}, status: ${status}`;
    stdout.write(isVerbose ? `${line}\n` : `\r\x1B[2K${line}`);
    const isWaiting = waitingStates.has(status);
    if (isWaiting && waits) {
      await clock.sleep(pollMs, signal);
      continue;
    }
    stdout.write('\n');
    if (status === 'FAILURE') {
      stderr.write(`shifterimg: pull ${image.type}:${image.tag}: ${statusMessage}\n`);
      // Nothing was begun: the service keeps a failure for a while (PullUpdateTimeout).
      if (isFirst && lastPull > 0)
        stderr.write(
          `  this was at ${localTime(new Date(lastPull * 1000))}; some minutes after it a pull begins anew\n`,
        );
      return 1;
    }
    return waits || isWaiting ? 0 : 1;
  }
}

async function accessBody({ access, signal }: Asking): Promise<string> {
  const users = await readIds(access.users, 'passwd', signal);
  const groups = await readIds(access.groups, 'group', signal);
  if (users.length + groups.length === 0) return '';
  return JSON.stringify({
    ...(users.length === 0 ? {} : { allowed_uids: users.join(',') }),
    ...(groups.length === 0 ? {} : { allowed_gids: groups.join(',') }),
  });
}

/** strftime(3)'s `%Y-%m-%dT%H:%M:%S` in local time. */
function localTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date}T${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
