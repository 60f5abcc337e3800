// SPDX-License-Identifier: Apache-2.0
// Starts the sshd of a container that root has prepared: as the job's user, by the same `shifter` as his tasks, so that who
// logs in is where the tasks are, with all their mounts and no more privilege.
import { dirname } from 'node:path';
import { describeError, SlipwayError } from '../../../model/index.ts';
import { type UdiRoot, volumeSignature } from '../../../site/index.ts';
import { speaks, startServer } from '../../../sys/background-program.ts';
import { becomeUser } from '../../../sys/become-user.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { PlanningContext } from '../../terminal/planner.ts';
import type { SetupRootAsk } from '../prepare/ask-setup-root.ts';
import { sshdPath } from '../prepare/places.ts';
import { portOf, serverDirectory } from './server-files.ts';

const checkTimeoutMs = 60_000;
const startTimeoutMs = 60_000;

/** @throws SlipwayError `shifter-sshd-failed` */
export async function serve(ask: SetupRootAsk, udiRoot: UdiRoot, context: PlanningContext): Promise<void> {
  const inputs = createInputs(context);
  const sshd = inputs.readText(`${udiRoot.optUdiImage ?? ''}/etc/sshd_config`) ?? '';
  const port = portOf({ site: { sshd, ssh: '' } });
  const fail = (reason: string, cause?: unknown): never => {
    throw new SlipwayError('shifter-sshd-failed', { port, reason }, { cause });
  };
  if (await speaks(port)) return fail('another server has this port on the node');
  becomeUser({ name: ask.userName, uid: ask.uid, gid: ask.gid });
  const argv = [
    `${dirname(context.launcher)}/shifter`,
    `--image=${ask.image.request}`,
    ...(ask.volumes.length === 0 ? [] : [`--volume=${volumeSignature(ask.volumes)}`]),
    `--module=${(ask.moduleNames ?? udiRoot.defaultModules).join(',') || 'none'}`,
    '--workdir=/',
    sshdPath,
    '-f',
    `${serverDirectory}/sshd_config`,
  ] as const;
  const environment = { PATH: systemSearchPath, SLIPWAY_UDIROOT_CONF: ask.configPath };
  // The server itself says nothing: nobody would read it, and what a user can make it say would fill the node.
  const { exitStatus, output } = await runProgram({
    argv: [...argv, '-t'],
    environment,
    mergesErrors: true,
    maxOutputBytes: 64 << 10,
    timeoutMs: checkTimeoutMs,
    signal: context.signal,
  });
  if (exitStatus !== 0) fail(output.toString('utf8').trim() || `it ended with ${exitStatus}`);
  await startServer({ argv: [...argv, '-D'], environment, port, timeoutMs: startTimeoutMs }).catch((cause: unknown) =>
    fail(describeError(cause), cause),
  );
}
