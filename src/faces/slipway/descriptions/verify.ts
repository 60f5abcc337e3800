// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption, policyOption } from './common.ts';

export const verify: CommandDescription<'key' | 'policy' | 'platform' | 'plain-http' | 'json' | 'help'> = {
  name: 'slipway verify',
  summary: 'check the signatures of an image in a registry',
  description: [
    'Asks the registry for the image and its signatures, and downloads nothing else. With --key an image passes that has a sigstore signature by that key (as `cosign sign --key` makes it, beside the image or attached to it) which names its repository; without, one that has the signatures which policy.json asks for.',
    'On success its exact name is printed, which `slipway pull` can be given.',
  ],
  operands: [{ name: 'IMAGE', help: '[docker://][REGISTRY/]NAME[:TAG][@DIGEST]' }],
  options: [
    {
      long: 'key',
      short: 'k',
      argument: 'required',
      argumentName: 'FILE',
      help: 'public key (PEM); if repeated, one of them has to have signed',
      completion: 'file',
    },
    policyOption,
    {
      long: 'platform',
      argument: 'required',
      argumentName: 'OS/ARCH[/VARIANT]',
      help: "which of an image's platforms is meant; this machine's if not said",
    },
    { long: 'plain-http', argument: 'none', help: 'speak HTTP without TLS, credentials included' },
    { long: 'json', argument: 'none', help: 'print what was found as one JSON object' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  examples: [
    { command: 'slipway verify --key cosign.pub registry.example.org/team/app:1.2', help: 'Check one image' },
    { command: 'slipway pull "$(slipway verify -k cosign.pub NAME)"', help: 'Pull exactly what was checked' },
  ],
};
