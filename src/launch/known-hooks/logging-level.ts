// SPDX-License-Identifier: Apache-2.0
// How much hooks say: Sarus's levels, which a container's annotation names and hooks of Sarus's kind read.
import { SlipwayError } from '../../model/index.ts';

export const levelAnnotation = 'com.hooks.logging.level';

/** DEBUG, INFO, WARN, ERROR, GENERAL. */
export type LoggingLevel = 0 | 1 | 2 | 3 | 4;
const levels: readonly LoggingLevel[] = [0, 1, 2, 3, 4];

/** WARN where nothing is said. @throws SlipwayError `hook-setting` */
export function loggingLevel(annotations: ReadonlyMap<string, string>): LoggingLevel {
  const text = annotations.get(levelAnnotation);
  if (text === undefined) return 2;
  const level = levels.find((each) => String(each) === text.trim());
  if (level !== undefined) return level;
  const reason = `"${text}" is no level from 0 (all) to 4 (what can't be left out)`;
  throw new SlipwayError('hook-setting', { hook: levelAnnotation, reason });
}
