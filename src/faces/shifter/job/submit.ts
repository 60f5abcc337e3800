// SPDX-License-Identifier: Apache-2.0
// At submission: which image a name means now. The job keeps this one, whatever the name comes to mean while it waits.
import { randomBytes } from 'node:crypto';
import { openStore, storePath } from '../../../image/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { statIfPresent } from '../../../sys/files.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { defaultUdiRootPath, readUdiRoot, splitModules, type UdiRoot } from '../../../site/index.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { readVolumes } from '../ask.ts';
import { chooseImage, type ImageChoice } from '../image-choice.ts';
import { lookUpImage } from '../look-up.ts';
import { selectModules } from '../modules.ts';
import { identityOfJob } from '../ssh/server-identity.ts';
import type { AnswerLine } from './answer.ts';
import { isOn, type JobWords } from './words.ts';

/**
 * The variables of a job that asks for an image: with Shifter's configuration those of Shifter, and without it the digest
 * of the image in the submitter's store, for `slipway run`.
 * @throws SlipwayError `job-image-missing`, `job-option-unusable`, those of the store and of `shifter`'s own words.
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
  if (config !== undefined || (await statIfPresent(defaultUdiRootPath)) !== undefined)
    return await submitToShifter(words, environment, signal);
  return await submitToSlipway(words, environment);
}

async function submitToSlipway(words: JobWords, { variables }: FaceEnvironment): Promise<readonly AnswerLine[]> {
  const [option] = [words.volume && '--volume', words.module && '--module', words.isCcm && '--ccm'].filter(Boolean);
  if (option !== undefined) {
    const reason = `this site has no ${defaultUdiRootPath}; give mounts to slipway run instead`;
    throw new SlipwayError('job-option-unusable', { option: String(option), reason });
  }
  const digest =
    inherited({ request: 'SLIPWAY_JOB_IMAGEREQUEST', value: 'SLIPWAY_JOB_IMAGE' }, words.image, variables) ??
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
function inherited(
  { request, value }: { readonly request: string; readonly value: string },
  requested: string,
  variables: FaceEnvironment['variables'],
): string | undefined {
  const [first, second] = ['', 'SLURM_SPANK_'].map((prefix) =>
    variables[`${prefix}${request}`] === requested ? variables[`${prefix}${value}`] : undefined,
  );
  return first ?? second;
}

/** Of several --volume of a job Slurm gives an srun in it the last alone. */
function volumesOfJob(given: string, variables: FaceEnvironment['variables']): string {
  const all = variables['SHIFTER_VOLUME'] || variables['SLURM_SPANK_SHIFTER_VOLUME'] || '';
  return all.endsWith(`;${given}`) ? all : given;
}

/** What --ccm runs everything in: a container of the node's own system. */
const ownSystem: ImageChoice = { type: 'local', name: '/', request: 'local:/' };

/** @throws SlipwayError `job-option-unusable` */
function requireCcm(words: JobWords, image: string | undefined, udiRoot: UdiRoot): void {
  const refuse = (reason: string): never => {
    throw new SlipwayError('job-option-unusable', { option: '--ccm', reason });
  };
  if (image !== undefined && image !== ownSystem.request)
    refuse('it runs all of the job in local:/, so no --image goes with it');
  if (!udiRoot.allowLocalChroot) refuse('the site must set allowLocalChroot=1 in udiRoot.conf for it');
  if (!isOn(words.settings.get('enable_sshd'))) refuse('the site must set enable_sshd=1 beside enable_ccm=1 for it');
}

/** A key that this job alone has. The public half is what Shifter's own plugin told the nodes. */
function sshLines(): readonly AnswerLine[] {
  const secret = randomBytes(32);
  return [
    { word: 'secret', name: 'SHIFTER_SSH_SECRET', value: secret.toString('base64') },
    { word: 'job', name: 'SHIFTER_SSH_PUBKEY', value: identityOfJob(secret).authorizedKey },
  ];
}

/** `docker:name` and `custom:name` are looked up by the gateway; `id:` and `local:` are what they are. */
async function submitToShifter(
  words: JobWords,
  environment: FaceEnvironment,
  signal: AbortSignal,
): Promise<readonly AnswerLine[]> {
  const { variables, workingDirectory, launcher } = environment;
  const config = words.settings.get('shifter_config') || defaultUdiRootPath;
  const udiRoot = readUdiRoot(config, createInputs({ environment: variables, cwd: workingDirectory }));
  const asked = words.image === '' ? undefined : words.image;
  const image = words.isCcm ? ownSystem : chooseImage(asked, (name) => variables[name], udiRoot.defaultImageType);
  if (image === undefined) throw new SlipwayError('job-image-missing', {});
  if (words.isCcm) requireCcm(words, asked, udiRoot);
  readVolumes(words.volume);
  selectModules(splitModules(words.module), udiRoot);
  const { type, name, request } = image;
  const isPinned = type === 'id' || type === 'local';
  const site = { ...variables, SLIPWAY_UDIROOT_CONF: config };
  const asker = { environment: site, cwd: workingDirectory, launcher, signal };
  const own = { request: 'SHIFTER_IMAGEREQUEST', value: 'SHIFTER_IMAGE' };
  const ofJob = variables['SLURM_JOB_ID'] === undefined ? undefined : inherited(own, request, variables);
  const pinned = isPinned
    ? { type, id: name }
    : { type: 'id', id: ofJob ?? (await lookUpImage(`${type}:${name}`, udiRoot, asker)) };
  const optional = (variable: string, value: string): readonly AnswerLine[] =>
    value === '' ? [] : [{ word: 'job', name: variable, value }];
  return [
    { word: 'job', name: 'SHIFTER_IMAGE', value: pinned.id },
    { word: 'job', name: 'SHIFTER_IMAGETYPE', value: pinned.type },
    { word: 'job', name: 'SHIFTER_IMAGEREQUEST', value: request },
    ...optional('SHIFTER_VOLUME', ofJob === undefined ? words.volume : volumesOfJob(words.volume, variables)),
    ...optional('SHIFTER_MODULE', words.module),
    ...optional('SHIFTER_CCM', words.isCcm ? '1' : ''),
    ...(isOn(words.settings.get('enable_sshd')) ? sshLines() : []),
    ...(config === defaultUdiRootPath ? [] : [{ word: 'env', name: 'SLIPWAY_UDIROOT_CONF', value: config } as const]),
    { word: 'env', name: '_SLURM_SPANK_OPTION_shifter_image', value: `${pinned.type}:${pinned.id}` },
  ];
}
