// SPDX-License-Identifier: Apache-2.0
// From the words and variables of `shifter` to what is asked for.
import { describeGetoptError, parseArguments } from '../../formats/getopt/index.ts';
import { SlipwayError } from '../../model/index.ts';
import {
  type CdiName,
  parseCdiName,
  parseUserVolumes,
  splitModules,
  type UdiRoot,
  type VolumeMap,
} from '../../site/index.ts';
import { shifter, shifterOptions } from './description.ts';
import { chooseImage, type ImageChoice } from './image-choice.ts';

export type ShifterAsk = {
  /** Absent: no image was named. */
  readonly image?: ImageChoice;
  readonly volumes: readonly VolumeMap[];
  /** In this order. */
  readonly moduleNames: readonly string[];
  /** In this order. */
  readonly devices: readonly CdiName[];
  /** Undefined: the image's entry point is not wanted. No value: its own. */
  readonly entrypoint?: { readonly program?: string };
  readonly workdir?: { readonly path?: string };
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  readonly envFiles: readonly string[];
  readonly clearsEnvironment: boolean;
  readonly isVerbose: boolean;
  readonly command: readonly string[];
  /** How many words of argv come before the command. */
  readonly consumed: number;
};

/** Whether the words ask for help, wherever else they go wrong. */
export function isHelpWanted(words: readonly string[]): boolean {
  return parseArguments(shifterOptions, words.slice(1), shifter.rules).options.some(({ name }) => name === 'help');
}

/**
 * Reads `words` (argv) and the variables that the batch system sets.
 * @throws SlipwayError `usage`, `shifter-image-malformed`, `shifter-volume-invalid`
 */
export function askShifter(
  words: readonly string[],
  variable: (name: string) => string | undefined,
  udiRoot: Pick<UdiRoot, 'defaultImageType' | 'defaultModules'>,
): ShifterAsk {
  const parsed = parseArguments(shifterOptions, words.slice(1), shifter.rules);
  if (!parsed.ok) throw usage(describeGetoptError(parsed.error));
  const given = (name: string): readonly (string | undefined)[] =>
    parsed.options.filter((option) => option.name === name).map(({ value }) => value);
  const volumeOptions = given('volume');
  const volumeText = volumeOptions.length > 0 ? volumeOptions.join(';') : fromEither('SHIFTER_VOLUME', variable);
  const moduleText = given('module').at(-1) ?? fromEither('SHIFTER_MODULE', variable);
  const image = chooseImage(given('image').at(-1), variable, udiRoot.defaultImageType);
  const entrypoints = given('entrypoint');
  const workdirs = given('workdir');
  const program = entrypoints.at(-1);
  const path = workdirs.at(-1);
  return {
    ...(image === undefined ? {} : { image }),
    volumes: readVolumes(volumeText ?? ''),
    moduleNames: moduleText === undefined ? udiRoot.defaultModules : splitModules(moduleText),
    devices: given('device').map((text) => readDevice(text ?? '')),
    ...(entrypoints.length === 0 ? {} : { entrypoint: program ? { program } : {} }),
    ...(workdirs.length === 0 ? {} : { workdir: path ? { path } : {} }),
    variables: given('env').map((text) => parseVariable(text ?? '', '--env')),
    envFiles: given('env-file').map((file) => file ?? ''),
    clearsEnvironment: given('clearenv').length > 0,
    isVerbose: given('verbose').length > 0,
    command: parsed.operands,
    consumed: 1 + parsed.consumed,
  };
}

/** `NAME=VALUE`; Shifter takes no empty value. @throws SlipwayError `usage` */
export function parseVariable(text: string, where: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf('=');
  if (equals <= 0) throw usage(`${where}: "${text}" is not NAME=VALUE`);
  if (equals === text.length - 1) throw usage(`${where}: "${text}" has no value`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function readDevice(text: string): CdiName {
  const name = parseCdiName(text);
  if (name === undefined) throw usage(`--device: "${text}" is not VENDOR/CLASS=NAME`);
  return name;
}

/** @throws SlipwayError `shifter-volume-invalid` */
export function readVolumes(text: string): readonly VolumeMap[] {
  const read = parseUserVolumes(text);
  if (read.ok) return read.maps;
  throw new SlipwayError('shifter-volume-invalid', { ...read.fault });
}

function fromEither(name: string, variable: (name: string) => string | undefined): string | undefined {
  return variable(name) || variable(`SLURM_SPANK_${name}`) || undefined;
}

function usage(reason: string): SlipwayError {
  return new SlipwayError('usage', { command: shifter.name, reason });
}
