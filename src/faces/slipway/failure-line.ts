// SPDX-License-Identifier: Apache-2.0
import { describeError, SlipwayError } from '../../model/index.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';

/** The last of the JSON lines when a command fails. */
export function failureLine(error: unknown, { clock }: FaceEnvironment): string {
  const about = error instanceof SlipwayError ? { code: error.code, hint: error.hint } : {};
  return `${JSON.stringify({ time: clock.now().toISOString(), type: 'failed', message: describeError(error), ...about })}\n`;
}
