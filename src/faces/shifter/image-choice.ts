// SPDX-License-Identifier: Apache-2.0
// Which image is meant, by the command line and the variables that a batch system sets.
import { SlipwayError } from '../../model/index.ts';

const imageTypes = ['docker', 'custom', 'id', 'local'] as const;
export type ImageType = (typeof imageTypes)[number];

export type ImageChoice = {
  readonly type: ImageType;
  readonly name: string;
  /** As it was asked for: SHIFTER_IMAGEREQUEST in the container. */
  readonly request: string;
};

/** What may stand in a name. A slash separates in names of registries and gateways, and in paths. */
const namePattern = /^[A-Za-z0-9_:.+@/-]+$/;
/** An image's identity is a file's name. */
const idPattern = /^[A-Za-z0-9_+-][A-Za-z0-9_.+-]*$/;

/**
 * The image of `option` (--image), else of the variables, or undefined where none names one.
 * @throws SlipwayError `shifter-image-malformed`
 */
export function chooseImage(
  option: string | undefined,
  variable: (name: string) => string | undefined,
  defaultType: string,
): ImageChoice | undefined {
  if (option !== undefined) return parseImage(option, defaultType);
  const whole = variable('SHIFTER');
  if (whole !== undefined && whole !== '') return parseImage(whole, defaultType);
  const [type, name, request] = ['SHIFTER_IMAGETYPE', 'SHIFTER_IMAGE', 'SHIFTER_IMAGEREQUEST'].map(
    (own) => variable(own) || variable(`SLURM_SPANK_${own}`),
  );
  if (type && name) {
    const choice = parseImage(`${type}:${name}`, defaultType);
    return request ? { ...choice, request } : choice;
  }
  return request ? parseImage(request, defaultType) : undefined;
}

/**
 * `docker:debian:12`, `id:…`, `local:/path`; without one of these words in front the site's default type is meant.
 * @throws SlipwayError `shifter-image-malformed`
 */
export function parseImage(text: string, defaultType: string): ImageChoice {
  const fail = (reason: string): never => {
    throw new SlipwayError('shifter-image-malformed', { image: text.slice(0, 300), reason });
  };
  const given = text.trim();
  const colon = given.indexOf(':');
  const prefix = imageTypes.find((type) => type === given.slice(0, Math.max(colon, 0)));
  const type =
    prefix ??
    imageTypes.find((known) => known === defaultType) ??
    fail(`the site's default type "${defaultType}" is none`);
  // Workflow programs hand a registry's URL on.
  const name = (prefix === undefined ? given : given.slice(colon + 1)).replace(/^(?:docker:)?\/\/(?=[^/])/, (slashes) =>
    type === 'docker' ? '' : slashes,
  );
  if (name === '') fail('it names nothing');
  if (!namePattern.test(name)) fail('a name has letters, digits and _ : . + @ / - only');
  if (type === 'id' && !idPattern.test(name)) fail('an identity has letters, digits and _ . + - only');
  if (type === 'local' && (!name.startsWith('/') || name.split('/').includes('..')))
    fail('local: wants an absolute path without ..');
  return { type, name, request: given };
}
