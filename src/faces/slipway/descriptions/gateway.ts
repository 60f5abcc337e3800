// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

export const gateway: CommandDescription<'config' | 'from' | 'to' | 'database' | 'help'> = {
  name: 'slipway gateway',
  summary: 'run and look after the image gateway',
  description: [
    "The image gateway pulls images for a whole centre and puts them where its systems look for them. It speaks the interface of Shifter's gateway and reads its configuration, imagemanager.json.",
    '`serve` runs it in the foreground, with a log of JSON lines on standard output. SIGHUP has it read its configuration again; SIGTERM stops it: what runs is finished, or handed over after StopTimeout seconds.',
    '`check` reads the configuration and says what is wrong with it, and which keys decide nothing, by line. `migrate` copies the records from one database to another. `ui` prints a link to the page of the gateway, for administrators.',
  ],
  usage: [
    'serve [OPTION...]',
    'check [OPTION...] [CONFIG]',
    'migrate --from=URI --to=URI [OPTION...]',
    'ui [OPTION...] [SYSTEM]',
  ],
  operands: [
    { name: 'ACTION', help: 'serve, check, migrate or ui', completion: ['serve', 'check', 'migrate', 'ui'] },
    { name: 'ARG', help: 'a configuration file to check; the system whose page is wanted', isOptional: true },
  ],
  options: [
    {
      long: 'config',
      short: 'c',
      argument: 'required',
      argumentName: 'FILE',
      completion: 'file',
      help: 'the configuration; without it $GWCONFIG, or else /etc/shifter/imagemanager.json',
    },
    {
      long: 'from',
      argument: 'required',
      argumentName: 'URI',
      help: 'with migrate: the database that has the records, sqlite:PATH, postgresql://… or mongodb://…',
    },
    { long: 'to', argument: 'required', argumentName: 'URI', help: 'with migrate: the database that gets them' },
    {
      long: 'database',
      argument: 'required',
      argumentName: 'NAME',
      help: 'with migrate: the name of the database in MongoDB; Shifter unless given',
    },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    {
      title: 'Environment variables',
      items: [
        { term: 'GWCONFIG', help: 'path of the configuration' },
        { term: 'ENABLE_LABELS', help: "if set, answers tell images' labels" },
        { term: 'DISABLE_ACL_METADATA', help: 'if set, the files beside images name no access lists' },
        { term: 'HTTPS_PROXY, HTTP_PROXY, NO_PROXY', help: 'how registries are reached' },
      ],
    },
    { title: 'Files', items: [{ term: '/etc/shifter/imagemanager.json', help: 'the configuration' }] },
  ],
  examples: [
    { command: 'slipway gateway check imagemanager.json', help: 'See what is wrong with a configuration' },
    { command: 'slipway gateway serve --config=imagemanager.json', help: 'Run the gateway' },
  ],
};
