// SPDX-License-Identifier: Apache-2.0
// What the plugin hands over: the event, the words of plugstack.conf (each behind --with), and what was asked for.
import { describeGetoptError, type OptionTable, parseArguments } from '../../../formats/getopt/index.ts';
import { SlipwayError } from '../../../model/index.ts';

const events = ['submit', 'prolog', 'epilog', 'step', 'extern'] as const;

export type JobWords = {
  readonly event: (typeof events)[number];
  /** plugstack.conf's `NAME=VALUE`; a name alone has the value ''. */
  readonly settings: ReadonlyMap<string, string>;
  readonly image: string;
  readonly volume: string;
  readonly module: string;
  readonly isCcm: boolean;
  /** Of a step; '' and NaN at other events. */
  readonly job: string;
  readonly uid: number;
};

const options = [
  { long: 'with', argument: 'required', argumentName: 'NAME=VALUE', help: '' },
  { long: 'image', argument: 'required', argumentName: 'IMAGE', help: '' },
  { long: 'volume', argument: 'required', argumentName: 'VOLUMES', help: '' },
  { long: 'module', argument: 'required', argumentName: 'MODULES', help: '' },
  { long: 'job', argument: 'required', argumentName: 'ID', help: '' },
  { long: 'uid', argument: 'required', argumentName: 'UID', help: '' },
  { long: 'ccm', argument: 'none', help: '' },
] as const satisfies OptionTable;

/** @throws SlipwayError `usage`: plugin and program are of different versions. */
export function parseJobWords(argv: readonly string[]): JobWords {
  const [word, ...rest] = argv;
  const usage = (reason: string): never => {
    throw new SlipwayError('usage', { command: 'shifter-job', reason });
  };
  const event = events.find((known) => known === word) ?? usage(`"${word ?? ''}" is no event of a job`);
  const parsed = parseArguments(options, rest, { mode: 'permute' });
  if (!parsed.ok) return usage(describeGetoptError(parsed.error));
  const last = (name: (typeof options)[number]['long']): string =>
    parsed.options.findLast((option) => option.name === name)?.value ?? '';
  const settings = parsed.options.flatMap(({ name, value }) => {
    if (name !== 'with' || value === undefined) return [];
    const equals = value.indexOf('=');
    return [[equals < 0 ? value : value.slice(0, equals), equals < 0 ? '' : value.slice(equals + 1)] as const];
  });
  return {
    event,
    settings: new Map(settings),
    image: last('image'),
    volume: last('volume'),
    module: last('module'),
    job: last('job'),
    uid: last('uid') === '' ? Number.NaN : Number(last('uid')),
    isCcm: parsed.options.some(({ name }) => name === 'ccm'),
  };
}

/** For setupRoot and unsetupRoot: the configuration that plugstack.conf names. */
export function configWords(words: JobWords): readonly string[] {
  const path = words.settings.get('shifter_config');
  return path === undefined || path === '' ? [] : ['-c', path];
}

/** Whether plugstack.conf sets a flag: `NAME` alone, or `NAME=` anything but 0. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '0';
}
