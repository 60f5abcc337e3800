// SPDX-License-Identifier: Apache-2.0
// A container's annotations, by which hooks are chosen: those that options stand for, the person's own, and, where
// neither says anything, the image's labels.
import { levelAnnotation } from '../../launch/index.ts';
import type { SlipwayError } from '../../model/index.ts';
import { run } from './descriptions/run.ts';
import type { Line } from './read-line.ts';
import type { RunOption } from './descriptions/run.ts';
import { usageError } from './read-line.ts';

/** @throws SlipwayError `sarus-usage` */
export function annotationsOf(
  line: Line<RunOption>,
  given: {
    readonly labels: Readonly<Record<string, string>>;
    readonly defaultMpiType: string | undefined;
    /** Those of `sarus` itself, before `run`. */
    readonly ownOptions: readonly string[];
  },
): ReadonlyMap<string, string> {
  const annotations = new Map(Object.entries(given.labels));
  annotations.set(levelAnnotation, levelOf(given.ownOptions));
  const hasMpi = line.has('mpi') || line.has('mpi-type');
  if (hasMpi || line.has('glibc')) annotations.set('com.hooks.glibc.enabled', 'true');
  if (hasMpi) annotations.set('com.hooks.mpi.enabled', 'true');
  const type = line.value('mpi-type') ?? (hasMpi ? given.defaultMpiType : undefined);
  if (type !== undefined) annotations.set('com.hooks.mpi.type', type);
  if (line.has('ssh')) {
    annotations.set('com.hooks.ssh.enabled', 'true');
    annotations.set('com.hooks.slurm-global-sync.enabled', 'true');
  }
  for (const text of line.values('annotation')) {
    const { key, value } = parseAnnotation(text);
    annotations.set(key, value);
  }
  return annotations;
}

/** How much hooks are to say. */
function levelOf(options: readonly string[]): string {
  if (options.includes('--debug')) return '0';
  return options.includes('--verbose') ? '1' : '2';
}

function parseAnnotation(text: string): { readonly key: string; readonly value: string } {
  const fail = (reason: string): SlipwayError => usageError(run, `--annotation "${text}": ${reason}`);
  if (text === '') throw fail('it is empty');
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key === '') throw fail('there is no key before "="');
  return { key, value: equals < 0 ? '' : text.slice(equals + 1) };
}
