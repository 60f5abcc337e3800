// SPDX-License-Identifier: Apache-2.0
import type { Emit, PullEvent } from '../../model/index.ts';
import { capabilitiesOf } from './capabilities.ts';
import type { FaceEnvironment } from './environment.ts';
import { reportPullAsJson } from './pull-as-json.ts';
import { reportPullInLines } from './pull-in-lines.ts';
import { reportPullOnTerminal } from './pull-on-terminal.ts';

/** Shows what a pull does. */
export type PullReporter = {
  readonly emit: Emit<PullEvent>;
  /** Ends the showing, whether the pull succeeded or not. */
  readonly close: () => void;
};

/**
 * - `people`: a live view on stderr if it is a terminal that can draw, plain lines there otherwise;
 * - `quiet`: warnings on stderr only;
 * - `json`: every event as a line of JSON on stdout, and nothing on stderr.
 */
export type PullReport = 'people' | 'quiet' | 'json';

export function createPullReporter(environment: FaceEnvironment, report: PullReport): PullReporter {
  switch (report) {
    case 'json':
      return reportPullAsJson(environment);
    case 'quiet':
      return reportPullInLines(environment, { isQuiet: true });
    case 'people': {
      const capabilities = capabilitiesOf(environment.stderr, environment.variables);
      return capabilities.canRedraw
        ? reportPullOnTerminal(environment, capabilities)
        : reportPullInLines(environment, { isQuiet: false });
    }
    default:
      throw new Error(`unknown report ${String(report satisfies never)}`);
  }
}
