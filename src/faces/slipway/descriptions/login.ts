// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

const credentialsVariable = {
  term: 'REGISTRY_AUTH_FILE',
  help: 'the only file to read and write credentials',
} as const;

export const login: CommandDescription<'username' | 'password-stdin' | 'plain-http' | 'help'> = {
  name: 'slipway login',
  summary: 'keep a name and password for a registry',
  description: [
    'Shows them to the registry first, and keeps them only where it lets them in. They are then used by slipway, podman and skopeo alike.',
    'They are kept by the helper program that ~/.docker/config.json or registries.conf sets for the registry; else in the file that has an entry for it; else in ~/.config/containers/auth.json. A file is readable for its owner only, but the password stands in it as it is: prefer an access token to the password of an account.',
    'With REGISTRY/NAMESPACE they are for the repositories below that alone.',
  ],
  operands: [{ name: 'REGISTRY[/NAMESPACE]', help: 'docker.io if not said', isOptional: true }],
  options: [
    {
      long: 'username',
      short: 'u',
      argument: 'required',
      argumentName: 'NAME',
      help: 'who you are; asked for on a terminal if not said',
    },
    {
      long: 'password-stdin',
      argument: 'none',
      help: 'read the password from standard input; else it is asked for on a terminal and not shown',
    },
    { long: 'plain-http', argument: 'none', help: 'speak HTTP without TLS, password included' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [credentialsVariable] }],
  examples: [
    { command: 'slipway login registry.example.org', help: 'Asks for name and password' },
    { command: 'slipway login -u me --password-stdin registry.example.org <token', help: 'From a file, for scripts' },
  ],
};

export const logout: CommandDescription<'all' | 'help'> = {
  name: 'slipway logout',
  summary: 'forget the name and password for a registry',
  description: ['Removes them from every file and helper program in which they are; those are printed.'],
  operands: [{ name: 'REGISTRY[/NAMESPACE]', help: 'docker.io if not said', isOptional: true }],
  options: [{ long: 'all', short: 'a', argument: 'none', help: 'forget all registries that files have' }, helpOption],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment variables', items: [credentialsVariable] }],
  examples: [{ command: 'slipway logout registry.example.org', help: 'Forget one registry' }],
};
