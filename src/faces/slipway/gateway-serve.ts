// SPDX-License-Identifier: Apache-2.0
import { serveGateway } from '../../gateway/index.ts';
import { describeError } from '../../model/index.ts';
import { build } from '../terminal/build.ts';
import { proxySettings } from '../../site/index.ts';
import type { CommandContext } from './context.ts';
import { problemText, type ReadConfig, readGatewayConfig, validGatewayConfig } from './gateway-config.ts';
import type { GatewayLine } from './gateway.ts';

/** Runs the gateway until it is told to stop. */
export async function serve(line: GatewayLine, context: CommandContext): Promise<number> {
  const { environment, signal } = context;
  const { variables, clock, stdout } = environment;
  const given = line.value('config');
  const read = await validGatewayConfig(given, environment);
  const isSet = (name: string): boolean => (variables[name] ?? '') !== '';
  const gateway = await serveGateway({
    config: read.config,
    clock,
    version: build.version,
    tellsLabels: isSet('ENABLE_LABELS'),
    logTo: { write: (text) => stdout.write(text) },
    settings: {
      workerCommand: workerCommand(),
      proxy: proxySettings(variables),
      writesAccess: !isSet('DISABLE_ACL_METADATA'),
    },
  });
  const tell = ({ path, problems }: ReadConfig): void => {
    for (const problem of problems) gateway.log.warn({ path, severity: problem.severity }, problemText(problem));
  };
  tell(read);
  const readAnew = async (): Promise<void> => {
    try {
      const anew = await readGatewayConfig(given, environment);
      tell(anew);
      // A configuration with errors changes nothing: the service goes on as it was.
      if (anew.config === undefined) gateway.log.error({ path: anew.path }, 'the configuration is not taken over');
      else await gateway.reconfigure(anew.config);
    } catch (error) {
      gateway.log.error({ err: describeError(error) }, 'the configuration can not be read');
    }
  };
  context.takeHangUp(() => void readAnew());
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  await gateway.stop();
  return 0;
}

/** This program again, as the launcher starts it. */
function workerCommand(): readonly [string, ...string[]] {
  const entry = process.argv[1];
  if (entry === undefined) throw new Error('this process has no script');
  return [process.execPath, entry, '--', 'slipway', 'gateway', 'worker'];
}
