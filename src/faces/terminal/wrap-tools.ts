// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';
import { type WrapTools, wrapperProgram } from '../../wrap/index.ts';
import { build } from './build.ts';
import type { FaceEnvironment } from './environment.ts';

/**
 * What a command that wraps has to wrap with.
 * @throws SlipwayError `launcher-missing` where it was not started by the launcher, which wrappers are made of
 */
export function wrapTools(
  environment: Pick<FaceEnvironment, 'launcher' | 'variables' | 'workingDirectory' | 'clock'>,
): Omit<WrapTools, 'emit' | 'signal'> {
  const { launcher, variables, workingDirectory, clock } = environment;
  if (launcher === '') throw new SlipwayError('launcher-missing', { command: 'wrap' });
  const { id, version } = build;
  return { wrapper: wrapperProgram(launcher), build: id, version, variables, workingDirectory, clock };
}
