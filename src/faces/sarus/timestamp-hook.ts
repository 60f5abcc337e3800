// SPDX-License-Identifier: Apache-2.0
// `timestamp_hook`: appends a line with the time to the file that the container's TIMESTAMP_HOOK_LOGFILE names, as the
// container's user. At any stage, by any runtime.
import { containerVariable, readHookBundle } from '../../launch/index.ts';
import { appendLine, monotonicTime } from '../../sys/append-line.ts';
import { becomeUser } from '../../sys/drop-privilege.ts';
import { createInputs } from '../../sys/inputs.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { supervise } from '../terminal/supervise.ts';

/** Never rejects. */
export async function main(_: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('timestamp_hook', environment, () => {
    const bundle = readHookBundle(createInputs({ environment: environment.variables, cwd: '/' }));
    const file = containerVariable(bundle, 'TIMESTAMP_HOOK_LOGFILE');
    if (file === undefined || file === '') return Promise.resolve(0);
    becomeUser(bundle.uid, bundle.gid);
    const { seconds, nanoseconds } = monotonicTime();
    const message = environment.variables['TIMESTAMP_HOOK_MESSAGE'] ?? '';
    appendLine(file, `[${seconds}.${nanoseconds}] [${process.pid}] [hook] [INFO] Timestamp hook: ${message}`);
    return Promise.resolve(0);
  });
}
