// SPDX-License-Identifier: Apache-2.0
// What must be so before anything is begun, in Tykky's words.
import { join, resolve } from 'node:path';
import { statFollowed } from '../../sys/place-files.ts';
import type { Order } from './asked.ts';
import type { TykkyProgram } from './commands.ts';

export type Objections = {
  /** The first that ends the command. */
  readonly fault: string | undefined;
  readonly warnings: readonly string[];
};

export function checkOrder(
  program: TykkyProgram,
  order: Order,
  given: { readonly workingDirectory: string; readonly searchPath: string },
): Objections {
  const exists = (path: string): boolean => statFollowed(resolve(given.workingDirectory, path)) !== undefined;
  const files = (['post-install', 'pre-install', 'environ', 'requirement', 'requirements-file', 'yaml'] as const)
    .map((name) => order.value(name))
    .filter((path) => path !== undefined);
  const missing = files.find((path) => !exists(path));
  const inPath = installationsIn(given.searchPath);
  const isNew = order.form.verb === 'new';
  const shown = inPath.join(', ');
  const faults = [
    missing === undefined ? undefined : `The file ${missing} does not exist!`,
    operandFault(program, order, given.workingDirectory),
    wrapperPathsFault(program, order),
    isNew && inPath.length > 0
      ? `Remove [${shown}] from PATH before running the tool, as it would use the programs there`
      : undefined,
  ];
  return {
    fault: faults.find((text) => text !== undefined),
    warnings: [
      ...(!isNew && inPath.length > 0 ? [`PATH holds the installation ${shown}`] : []),
      ...(program === 'conda-containerize' && order.has('uv') && !order.has('mamba')
        ? ['--uv has no effect without --mamba']
        : []),
      ...(order.value('pyver') !== undefined && !order.has('slim') && !order.has('uv')
        ? ['--pyver has no effect without --slim or --uv']
        : []),
    ],
  };
}

function operandFault(program: TykkyProgram, order: Order, workingDirectory: string): string | undefined {
  const { operand, form } = order;
  const stats = statFollowed(resolve(workingDirectory, operand));
  if (form.verb === 'update') {
    if (statFollowed(join(resolve(workingDirectory, operand), 'share/conf.yaml')) !== undefined) return undefined;
    return `Directory ${operand} does not exist or is not a valid installation ( missing share/conf.yaml )`;
  }
  switch (program) {
    case 'conda-containerize':
      return stats?.isFile() === true ? undefined : `Env file ${operand} does not exist`;
    case 'pip-containerize':
      return stats === undefined ? `The file ${operand} does not exist!` : undefined;
    case 'wrap-install':
      return stats?.isDirectory() === true ? undefined : `The directory ${operand} does not exist!`;
    case 'wrap-container':
      return undefined;
  }
}

function wrapperPathsFault(program: TykkyProgram, order: Order): string | undefined {
  if (program !== 'wrap-container' && program !== 'wrap-install') return undefined;
  const paths = order.value('wrapper-paths');
  if (paths === undefined) return `Tool ${program} requires -w/--wrapper-paths to be used`;
  const isRelative = paths.split(',').some((path) => path !== '' && !path.startsWith('/'));
  return program === 'wrap-container' && isRelative
    ? 'Only absolute paths are accepted for --wrapper-paths/-w'
    : undefined;
}

/** Directories of PATH that hold wrappers. */
function installationsIn(searchPath: string): readonly string[] {
  return searchPath
    .split(':')
    .filter((path) => path.startsWith('/') && path.length > 1)
    .filter((path) => {
      const is = (name: string): boolean => statFollowed(join(path, '..', name)) !== undefined;
      return is('common.sh') && is('bin') && (is('bin/.slipway-plan') || is('_bin'));
    });
}
