// SPDX-License-Identifier: Apache-2.0
// `shifter`: the launcher asks for a plan when it has none that holds; this makes it.
import { type AskedRun, planRun } from '../../launch/index.ts';
import { type Adaptation, SlipwayError } from '../../model/index.ts';
import { defaultUdiRootPath, findCdiDevices, readUdiRoot, type UdiRoot } from '../../site/index.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { mountsBelow } from '../../sys/mounts.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { errorText } from '../terminal/error-text.ts';
import { handOver } from '../terminal/hand-over.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { askShifter, isHelpWanted, type ShifterAsk } from './ask.ts';
import { batchScriptOf } from './batch-script.ts';
import { containerUser } from './container-user.ts';
import { shifter } from './description.ts';
import type { ImageChoice } from './image-choice.ts';
import { lookUpImage } from './look-up.ts';
import { selectModules } from './modules.ts';
import { requestOf } from './request.ts';
import {
  preparedConfigPath,
  preparedImagePath,
  readPreparedImage,
  readShifterConfig,
  shifterConfigText,
} from './shifter-config.ts';
import { findSiteImage, type SiteImage } from './site-image.ts';

/** A registry's name means what the gateway said for so long. */
const lookUpAgeMs = 10_000;

/** Plans `shifter …`: `words` are argv. Gives 1 where shifter itself fails, whatever the reason. */
export async function planShifter(words: readonly string[], context: PlanningContext): Promise<number> {
  const isDetailed = (context.environment['SLIPWAY_DEBUG'] ?? '') !== '';
  try {
    return await plan(words, context);
  } catch (error) {
    context.writeStderr(errorText(shifter.name, error, isDetailed));
    return 1;
  }
}

async function plan(words: readonly string[], context: PlanningContext): Promise<number> {
  if (isHelpWanted(words)) {
    const { renderHelp } = await import('../../formats/getopt/index.ts');
    context.writeStdout(renderHelp(shifter, context.columns()));
    return 0;
  }
  const found = await identify(words, context);
  const ready = await planRun(
    async (inputs) => askedRun(words, inputs, { ...found, devices: await findCdiDevices(found.ask.devices, inputs) }),
    { ...context, nowNs: wallClockNs },
  );
  handOver(ready, context);
  if (found.ask.isVerbose) context.writeStderr(verboseText(found.ask, found.image));
  return 0;
}

type Identified = {
  readonly ask: ShifterAsk;
  readonly image: ImageChoice & { readonly type: 'id' | 'local' };
  /** Set where a gateway was asked. */
  readonly maxAgeMs?: number;
};

/** Which image is meant; a name is looked up here, before anything is read for the plan. */
async function identify(words: readonly string[], context: PlanningContext): Promise<Identified> {
  const inputs = createInputs(context);
  const udiRoot = siteConfiguration(inputs);
  const ask = askShifter(words, inputs.environment, udiRoot);
  const image = ask.image ?? imageOfJob(udiRoot, inputs);
  const { type, name, request } = image;
  if (type === 'id' || type === 'local') return { ask, image: { type, name, request } };
  const identity = await lookUpImage(`${type}:${name}`, udiRoot, context);
  return { ask, image: { type: 'id', name: identity, request }, maxAgeMs: lookUpAgeMs };
}

/** The image of the container that is prepared on this node, where nothing else says which is meant. */
function imageOfJob(udiRoot: UdiRoot, inputs: Inputs): ImageChoice {
  const prepared = readShifterConfig(inputs.readText(preparedConfigPath(udiRoot.udiMount)) ?? '');
  const user = containerUser(udiRoot, inputs.identity(), inputs);
  if (prepared === undefined || prepared.user !== user.name) throw new SlipwayError('shifter-no-image', {});
  const { identifier } = prepared;
  return { type: identifier.startsWith('/') ? 'local' : 'id', name: identifier, request: identifier };
}

function askedRun(
  words: readonly string[],
  inputs: Inputs,
  found: Identified & { readonly devices: readonly Adaptation[] },
): AskedRun {
  const udiRoot = siteConfiguration(inputs);
  const ask = askShifter(words, inputs.environment, udiRoot);
  const user = containerUser(udiRoot, inputs.identity(), inputs);
  const modules = selectModules(ask.moduleNames, udiRoot);
  const config = shifterConfigText({
    identifier: found.image.name,
    user: user.name,
    volumes: ask.volumes,
    modules: modules.map(({ name }) => name),
  });
  // What root prepared has no mount points for what devices bring.
  const isPrepared = found.devices.length === 0 && inputs.readText(preparedConfigPath(udiRoot.udiMount)) === config;
  const image = isPrepared
    ? preparedImage(found, udiRoot, inputs)
    : withNothingMounted(findSiteImage(found.image, { udiRoot, user, inputs }));
  const script = batchScriptOf(ask.command);
  // The plan shows this script: it is no plan for another.
  const covered = script === undefined ? ask.consumed : words.length;
  const command = script === undefined ? ask.command : [];
  return {
    image: image.located,
    request: (opened) => {
      const request = requestOf(
        {
          ask,
          udiRoot,
          user,
          modules,
          image,
          inputs,
          config,
          devices: found.devices,
          ...(isPrepared ? { preparedAt: udiRoot.udiMount } : {}),
        },
        opened,
      );
      if (script === undefined || request.conventions === undefined) return request;
      return {
        ...request,
        conventions: { ...request.conventions, words: [...request.conventions.words, ...ask.command] },
      };
    },
    covers: { words: [shifter.name, ...words.slice(1, covered)], isExact: command.length === 0 },
    ...(found.maxAgeMs === undefined ? {} : { maxAgeMs: found.maxAgeMs }),
  };
}

/** The root that the prolog left: what is known of the image stands in it, where its own file may be closed to a person. */
function preparedImage(found: Identified, udiRoot: UdiRoot, inputs: Inputs): SiteImage {
  const { udiMount } = udiRoot;
  const config = readPreparedImage(inputs.readText(preparedImagePath(udiMount)) ?? '');
  return {
    identifier: found.image.name,
    config,
    located: { subject: found.image.request, root: { kind: 'directory', path: udiMount }, config },
    isConverted: true,
  };
}

/** clone_private_mount of the kernel: what is mounted below a directory stays there for a user, and nothing covers it. */
function withNothingMounted(image: SiteImage): SiteImage {
  const { root } = image.located;
  if (root.kind === 'directory' && mountsBelow(root.path).some((point) => point !== root.path))
    throw new SlipwayError('shifter-local-needs-root', { path: root.path });
  return image;
}

function siteConfiguration(inputs: Inputs): UdiRoot {
  return readUdiRoot(inputs.environment('SLIPWAY_UDIROOT_CONF') || defaultUdiRootPath, inputs);
}

function verboseText(ask: ShifterAsk, image: ImageChoice): string {
  const volumes = ask.volumes.map(({ from, to }) => `${from} on ${to}`).join(', ') || 'none';
  return `shifter: image ${image.type}:${image.name} (asked for as ${image.request}); modules ${ask.moduleNames.join(', ') || 'none'}; volumes ${volumes}\n`;
}
