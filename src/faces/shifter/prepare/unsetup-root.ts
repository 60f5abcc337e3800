// SPDX-License-Identifier: Apache-2.0
// `unsetupRoot`: root takes away what setupRoot left, also where the job was killed.
import { describeGetoptError, parseArguments, renderHelp } from '../../../formats/getopt/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { defaultUdiRootPath, readUdiRoot } from '../../../site/index.ts';
import { systemClock } from '../../../sys/clock.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { loopImagesIn } from '../../../sys/loop-devices.ts';
import { mountsBelow, unmountTree } from '../../../sys/mounts.ts';
import { deviceOf, endProcess, processesRootedOn, processesWithCommand } from '../../../sys/processes.ts';
import { removeTree } from '../../../sys/files.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { supervise } from '../../terminal/supervise.ts';
import { unsetupRoot, unsetupRootOptions } from './description.ts';
import { isHelpWanted } from './help.ts';
import { dropNodeCaches } from './node-caches.ts';
import { layerDirectory, sshdPath } from './places.ts';

const patienceMs = 15_000;

export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise(unsetupRoot.name, environment, async (signal) => {
    if (isHelpWanted(unsetupRootOptions, [unsetupRoot.name, ...argv])) {
      environment.stdout.write(renderHelp(unsetupRoot, environment.stdout.size().columns));
      return 0;
    }
    const parsed = parseArguments(unsetupRootOptions, argv, unsetupRoot.rules);
    const usage = (reason: string): never => {
      throw new SlipwayError('usage', { command: unsetupRoot.name, reason });
    };
    if (!parsed.ok) return usage(describeGetoptError(parsed.error));
    if (parsed.operands.length > 0) return usage(`unexpected argument "${parsed.operands[0]}"`);
    if (environment.uid !== 0) throw new SlipwayError('shifter-root-needed', { command: unsetupRoot.name });
    const config = parsed.options.findLast(({ name }) => name === 'config')?.value ?? defaultUdiRootPath;
    const udiRoot = readUdiRoot(config, createInputs({ environment: {}, cwd: '/' }));
    const { udiMount, loopMount, imagePath } = udiRoot;
    await endServers(signal);
    if (mountsBelow(udiMount).length > 0) await endInside(udiMount, signal);
    const before = mountsBelow(udiMount).length === 0 ? 0 : loopImagesIn(imagePath).length;
    for (const path of [udiMount, loopMount, layerDirectory]) await takeAway(path, signal);
    await oneLoopFewer(before, imagePath, signal);
    await dropNodeCaches(udiRoot);
    await removeTree(layerDirectory);
    return 0;
  });
}

/** Ends each sshd of a container on this node: the job is over. */
async function endServers(signal: AbortSignal): Promise<void> {
  for (const pid of await processesWithCommand(sshdPath)) await endProcess(pid, { graceMs: 2000, signal });
}

/** Ends what still runs in the container: those who logged in, and what they left. */
async function endInside(udiMount: string, signal: AbortSignal): Promise<void> {
  const device = await deviceOf(udiMount);
  if (device === undefined) return;
  // A process may start another one meanwhile.
  for (let tries = 0; tries < 3; tries += 1) {
    const found = await processesRootedOn(device);
    await Promise.all(found.map((pid) => endProcess(pid, { graceMs: 2000, signal })));
    if (found.length === 0) return;
  }
}

/** Unmounts all at the path and below it. What a process still uses goes with its last user. */
async function takeAway(path: string, signal: AbortSignal): Promise<void> {
  let left = mountsBelow(path);
  for (let fewest = left.length + 1; left[0] !== undefined; left = mountsBelow(path)) {
    signal.throwIfAborted();
    if (left.length >= fewest)
      throw new SlipwayError('shifter-root-stays', { path, reason: `${left.length} mounts are left` });
    fewest = left.length;
    unmountTree(left[0]);
  }
}

/**
 * Waits until the container's loop device is free: it goes with the last process that has the image mounted, a rank that
 * is being killed for instance. Others may show images of the same directory.
 */
async function oneLoopFewer(before: number, imagePath: string, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 100) {
    const left = loopImagesIn(imagePath);
    const [one] = left;
    if (one === undefined || before === 0 || left.length < before) return;
    if (waitedMs >= patienceMs) {
      throw new SlipwayError('shifter-root-stays', {
        path: one.image,
        reason: `${one.device} still shows it to some process`,
      });
    }
    await systemClock.sleep(100, signal);
  }
}
