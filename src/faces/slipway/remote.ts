// SPDX-License-Identifier: Apache-2.0
// `slipway remote ACTION`: the image gateway for people, and for programs that read JSON.
import {
  type GatewayAnswer,
  type GatewayClient,
  type GatewayRequest,
  openUserClient,
  type Overview,
  readImage,
  readImageName,
  readUserSite,
} from '../../gateway/index.ts';
import { describeError, parseJson, SlipwayError } from '../../model/index.ts';
import { build } from '../terminal/build.ts';
import type { CommandContext } from './context.ts';
import { remote } from './descriptions/remote.ts';
import { type CommandLine, readCommandLine, usageError } from './read-command-line.ts';
import { listImages, listPulls } from './remote-lists.ts';
import { pullRemote } from './remote-pull.ts';

export type RemoteLine = CommandLine<'gateway' | 'system' | 'user' | 'group' | 'mine' | 'json' | 'quiet' | 'help'>;

export type Remote = CommandContext & {
  readonly line: RemoteLine;
  /** @throws SlipwayError `gateway-unreachable`, `gateway-refused` */
  readonly ask: (task: string, request: GatewayRequest) => Promise<GatewayAnswer>;
  /** Undefined for 404. @throws as `ask` */
  readonly find: (task: string, request: GatewayRequest) => Promise<GatewayAnswer | undefined>;
  readonly overview: () => Promise<Overview>;
  readonly pulls: () => Promise<Overview['pulls']>;
};

type ImageNamed = { readonly type: string; readonly tag: string };

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const line = readCommandLine(remote, argv);
  const [action, operand] = line.operands;
  const isAboutImage = action === 'pull' || action === 'lookup' || action === 'rm' || action === 'cancel';
  if (!isAboutImage && action !== 'images' && action !== 'pulls') {
    throw usageError(remote, `there is no action "${action ?? ''}"`);
  }
  if (isAboutImage && operand === undefined) throw usageError(remote, 'IMAGE is missing');
  const client = await openClient(line, context);
  try {
    const asking = remoteOf(client, line, context);
    if (!isAboutImage) return action === 'images' ? await listImages(asking) : await listPulls(asking);
    const image = readImageName(operand ?? '', 'docker');
    if (action === 'pull') return await pullRemote(image, asking);
    if (action === 'cancel') return await cancel(image, asking);
    return action === 'lookup' ? await lookup(image, asking) : await remove(image, asking);
  } finally {
    await client.close();
  }
}

async function openClient(line: RemoteLine, { environment, signal }: CommandContext): Promise<GatewayClient> {
  const given = line.options.filter(({ name }) => name === 'gateway').map(({ value }) => value ?? '');
  const settings = { ...environment, signal, userAgent: `slipway/${build.version}` };
  const system = line.value('system');
  const site = given.length > 0 && system !== undefined ? undefined : readUserSite(settings);
  const bad = given.find((url) => !/^https?:\/\//.test(url));
  if (bad !== undefined) throw usageError(remote, `--gateway: "${bad}" is not http[s]://HOST[:PORT]`);
  return await openUserClient(
    settings,
    {
      system: system ?? site?.system ?? '',
      gateways: given.length > 0 ? given : (site?.imageGateways ?? []),
      timeoutSec: site?.gatewayTimeoutS,
    },
    (failure) => {
      if (failure.kind !== 'unreachable') return;
      environment.stderr.write(`slipway: warning: ${failure.gateway}: ${describeError(failure.error)}\n`);
    },
  );
}

function remoteOf(client: GatewayClient, line: RemoteLine, context: CommandContext): Remote {
  const find: Remote['find'] = async (task, request) => {
    const answer = await client.request(request, context.signal);
    if (answer.status === 200) return answer;
    const body = parseJson(answer.text) as { readonly error?: unknown; readonly reason?: unknown } | undefined;
    if (answer.status === 404 && body?.error === 'image not found' && body.reason === undefined) return undefined;
    const reason = [body?.error, body?.reason].filter((each) => typeof each === 'string' && each !== 'None').join(': ');
    throw new SlipwayError('gateway-refused', {
      task,
      status: answer.status,
      reason: reason === '' ? 'no reason' : reason,
    });
  };
  const ask: Remote['ask'] = async (task, request) => {
    const answer = await find(task, request);
    if (answer !== undefined) return answer;
    throw new SlipwayError('gateway-refused', { task, status: 404, reason: 'image not found' });
  };
  return {
    ...context,
    line,
    find,
    ask,
    overview: async () => {
      const { text } = await ask('list images', { mode: 'overview', method: 'GET' });
      return parseJson(text) as Overview;
    },
    pulls: async () => {
      const { text } = await ask('list pulls', { mode: 'pulls', method: 'GET' });
      return (parseJson(text) as Pick<Overview, 'pulls'>).pulls;
    },
  };
}

async function lookup(image: ImageNamed, { line, environment, find }: Remote): Promise<number> {
  const { stdout, stderr } = environment;
  const answer = await find(`look up ${image.tag}`, { mode: 'lookup', method: 'GET', image });
  if (answer === undefined) {
    stderr.write(`slipway: the gateway has no image ${image.tag}\n  hint: pull it: slipway remote pull ${image.tag}\n`);
    return 1;
  }
  stdout.write(line.has('json') ? `${answer.text}\n` : `${readImage(parseJson(answer.text)).id}\n`);
  return 0;
}

async function cancel(image: ImageNamed, { line, environment, ask }: Remote): Promise<number> {
  const { stdout, stderr } = environment;
  const { text } = await ask(`cancel ${image.tag}`, { mode: 'cancel', method: 'POST', image });
  const { status, reason } = parseJson(text) as { readonly status: boolean | null; readonly reason?: string };
  if (line.has('json')) stdout.write(`${text}\n`);
  if (status === true) return 0;
  stderr.write(
    status === null
      ? `slipway: no pull of ${image.tag} is on its way\n`
      : `slipway: the pull of ${image.tag} is not yours to cancel: ${reason ?? 'another user has asked for it'}\n`,
  );
  return 1;
}

async function remove(image: ImageNamed, { line, environment, ask }: Remote): Promise<number> {
  const { stdout, stderr } = environment;
  const { text } = await ask(`remove ${image.tag}`, { mode: 'remove', method: 'POST', image });
  const { status, reason } = parseJson(text) as { readonly status: boolean | null; readonly reason?: string };
  if (line.has('json')) stdout.write(`${text}\n`);
  if (status === true) return 0;
  stderr.write(
    status === null
      ? `slipway: the gateway has no image ${image.tag}\n`
      : `slipway: ${image.tag} is not yours to remove: ${reason ?? 'others use it'}\n`,
  );
  return 1;
}
