// SPDX-License-Identifier: Apache-2.0
// One process that pulls: `pull-worker.ts STORE REFERENCE DELAY_MS [UMASK]`. Its events go to stdout as lines of JSON, and at
// last its result or the error's code. It waits DELAY_MS before and after the image is put together, to be killed then.
import { assembleImage, createRegistrySource, noCredentials, openStore, pullImage } from '../../src/image/index.ts';
import { hasCode, parseImageReference, SlipwayError } from '../../src/model/index.ts';
import { systemClock } from '../../src/sys/clock.ts';

const [path = '', name = '', delayMs = '0', umask = '022'] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
const { signal } = new AbortController();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const reference = parseImageReference(name);
const source = createRegistrySource({
  reference,
  platform: { os: 'linux', architecture: 'amd64' },
  credentials: noCredentials,
  emit: say,
  userAgent: 'slipway-test',
});
try {
  const pulled = await pullImage({
    reference,
    source,
    store: await openStore(path),
    assemble: async (layers, order) => {
      await systemClock.sleep(Number(delayMs), order.signal);
      const result = await assembleImage(layers, order);
      await systemClock.sleep(Number(delayMs), order.signal);
      return result;
    },
    emit: say,
    signal,
    clock: systemClock,
  });
  say({ type: 'pulled', ...pulled });
} catch (error) {
  if (!(error instanceof SlipwayError) || hasCode(error, 'usage')) throw error;
  say({ type: 'failed', code: error.code, message: error.message, hint: error.hint });
  process.exitCode = 1;
} finally {
  await source.close();
}
