// SPDX-License-Identifier: Apache-2.0
// At submission: which image a name means now. The job keeps this one, whatever the name comes to mean while it waits.
import { dirname } from 'node:path';
import { openStore, storePath } from '../../../image/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { statIfPresent } from '../../../sys/files.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import type { AnswerLine } from './answer.ts';
import type { JobWords } from './words.ts';

/** Where a site of Shifter has its configuration unless plugstack.conf says otherwise. */
const defaultConfig = '/etc/shifter/udiRoot.conf';
const lookupTimeoutMs = 60_000;

/**
 * The variables of a job that asks for an image: with Shifter's configuration those of Shifter, and without it the digest
 * of the image in the submitter's store, for `slipway run`.
 * @throws SlipwayError `job-image-missing`, `job-image-unknown`, `job-option-unusable`, and those of the store.
 */
export async function submit(
  words: JobWords,
  environment: FaceEnvironment,
  signal: AbortSignal,
): Promise<readonly AnswerLine[]> {
  for (const [option, value] of [
    ['--image', words.image],
    ['--volume', words.volume],
    ['--module', words.module],
  ] as const) {
    if (/[\r\n]/.test(value)) throw new SlipwayError('job-option-unusable', { option, reason: 'it has a line break' });
  }
  const config = words.settings.get('shifter_config');
  if (config !== undefined || (await statIfPresent(defaultConfig)) !== undefined)
    return await submitToShifter(words, environment, signal);
  return await submitToSlipway(words, environment);
}

async function submitToSlipway(words: JobWords, { variables }: FaceEnvironment): Promise<readonly AnswerLine[]> {
  const [option] = [words.volume && '--volume', words.module && '--module', words.isCcm && '--ccm'].filter(Boolean);
  if (option !== undefined) {
    const reason = `this site has no ${defaultConfig}; give mounts to slipway run instead`;
    throw new SlipwayError('job-option-unusable', { option: String(option), reason });
  }
  const digest =
    inherited('SLIPWAY_JOB_IMAGE', words.image, variables) ??
    (await openStore(storePath(variables, variables['HOME']))).findImage(words.image).image.digest;
  return [
    { word: 'job', name: 'SLIPWAY_JOB_IMAGE', value: digest },
    { word: 'job', name: 'SLIPWAY_JOB_IMAGEREQUEST', value: words.image },
    { word: 'env', name: '_SLURM_SPANK_OPTION_shifter_image', value: digest },
  ];
}

/**
 * What the job has already, for the same name: Slurm gives an srun within a job the options of the job as they were typed.
 * It shows them under a name of its own too where the job does not get its submitter's variables.
 */
function inherited(name: string, requested: string, variables: FaceEnvironment['variables']): string | undefined {
  const [first, second] = ['', 'SLURM_SPANK_'].map((prefix) =>
    variables[`${prefix}${name}REQUEST`] === requested ? variables[`${prefix}${name}`] : undefined,
  );
  return first ?? second;
}

/** `docker:name` and `custom:name` are looked up by the gateway; `id:` and `local:` are what they are. */
async function submitToShifter(
  words: JobWords,
  environment: FaceEnvironment,
  signal: AbortSignal,
): Promise<readonly AnswerLine[]> {
  const requested = words.image === '' ? (environment.variables['SHIFTER_IMAGE'] ?? '') : words.image;
  if (requested === '') throw new SlipwayError('job-image-missing', {});
  const found = /^(docker|custom|id|local):(.*)$/s.exec(requested);
  const [type, name] = found === null ? ['docker', requested] : [found[1] ?? '', found[2] ?? ''];
  const isPinned = type === 'id' || type === 'local';
  const image = isPinned
    ? { type, id: name }
    : { type: 'id', id: await lookUp(`${type}:${name}`, environment, signal) };
  const optional = (variable: string, value: string): readonly AnswerLine[] =>
    value === '' ? [] : [{ word: 'job', name: variable, value }];
  return [
    { word: 'job', name: 'SHIFTER_IMAGE', value: image.id },
    { word: 'job', name: 'SHIFTER_IMAGETYPE', value: image.type },
    { word: 'job', name: 'SHIFTER_IMAGEREQUEST', value: requested },
    ...optional('SHIFTER_VOLUME', words.volume),
    ...optional('SHIFTER_MODULE', words.module),
    ...optional('SHIFTER_CCM', words.isCcm ? '1' : ''),
    { word: 'env', name: '_SLURM_SPANK_OPTION_shifter_image', value: `${image.type}:${image.id}` },
  ];
}

async function lookUp(image: string, { launcher, variables }: FaceEnvironment, signal: AbortSignal): Promise<string> {
  const program = `${dirname(launcher)}/shifterimg`;
  const { exitStatus, output } = await runProgram({
    argv: [program, 'lookup', image],
    environment: variables,
    mergesErrors: true,
    maxOutputBytes: 64 << 10,
    timeoutMs: lookupTimeoutMs,
    signal,
  });
  const said = output.toString('utf8').trim();
  if (exitStatus === 0 && /^[0-9a-zA-Z_-]+$/.test(said)) return said;
  throw new SlipwayError('job-image-unknown', { image, reason: said.split('\n', 1)[0] || 'the gateway has none' });
}
