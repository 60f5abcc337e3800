// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each module is loaded when its command is given: `slipway images` loads no HTTP client.
import type { CommandDescription, CompletionTree } from '../../formats/getopt/index.ts';
import type { CommandModule } from './context.ts';
import { access } from './descriptions/access.ts';
import { bundle } from './descriptions/bundle.ts';
import { completion } from './descriptions/completion.ts';
import { config } from './descriptions/config.ts';
import { convert } from './descriptions/convert.ts';
import { doctor } from './descriptions/doctor.ts';
import { gateway } from './descriptions/gateway.ts';
import { fsck } from './descriptions/fsck.ts';
import { gc } from './descriptions/gc.ts';
import { help } from './descriptions/help.ts';
import { images } from './descriptions/images.ts';
import { inject } from './descriptions/inject.ts';
import { inspect } from './descriptions/inspect.ts';
import { login, logout } from './descriptions/login.ts';
import { pull } from './descriptions/pull.ts';
import { push } from './descriptions/push.ts';
import { remote } from './descriptions/remote.ts';
import { rm } from './descriptions/rm.ts';
import { explain, run } from './descriptions/run.ts';
import { slipway } from './descriptions/slipway.ts';
import { verify } from './descriptions/verify.ts';
import { wrap } from './descriptions/wrap.ts';

export type Command = {
  /** The word that stands after `slipway`. */
  readonly name: string;
  readonly description: CommandDescription;
  readonly load: () => Promise<CommandModule>;
};

export const commands: readonly Command[] = [
  { name: 'pull', description: pull, load: () => import('./pull.ts') },
  { name: 'login', description: login, load: () => import('./login.ts') },
  { name: 'logout', description: logout, load: () => import('./logout.ts') },
  { name: 'verify', description: verify, load: () => import('./verify.ts') },
  { name: 'images', description: images, load: () => import('./images.ts') },
  { name: 'run', description: run, load: () => import('./run.ts') },
  { name: 'explain', description: explain, load: () => import('./explain.ts') },
  { name: 'bundle', description: bundle, load: () => import('./bundle.ts') },
  { name: 'inspect', description: inspect, load: () => import('./inspect.ts') },
  { name: 'inject', description: inject, load: () => import('./inject.ts') },
  { name: 'push', description: push, load: () => import('./push.ts') },
  { name: 'convert', description: convert, load: () => import('./convert.ts') },
  { name: 'wrap', description: wrap, load: () => import('./wrap.ts') },
  { name: 'rm', description: rm, load: () => import('./rm.ts') },
  { name: 'remote', description: remote, load: () => import('./remote.ts') },
  { name: 'gateway', description: gateway, load: () => import('./gateway.ts') },
  { name: 'access', description: access, load: () => import('./access.ts') },
  { name: 'gc', description: gc, load: () => import('./gc.ts') },
  { name: 'fsck', description: fsck, load: () => import('./fsck.ts') },
  { name: 'doctor', description: doctor, load: () => import('./doctor.ts') },
  { name: 'config', description: config, load: () => import('./config.ts') },
  { name: 'completion', description: completion, load: () => import('./completion.ts') },
  { name: 'help', description: help, load: () => import('./help.ts') },
];

/** `slipway` itself, with its subcommands. */
export const rootDescription: CommandDescription = {
  ...slipway,
  subcommands: commands.map(({ name, description }) => ({ name, summary: description.summary })),
};

/** For the completion scripts: `slipway help` completes the commands' names. */
export const completionTree: CompletionTree = {
  command: rootDescription,
  subcommands: commands.map(({ description }) =>
    description.name === help.name
      ? {
          ...description,
          operands: help.operands.map((operand) => ({ ...operand, completion: commands.map(({ name }) => name) })),
        }
      : description,
  ),
  listImages: ['slipway', 'images', '--quiet'],
};

/** @throws nothing: undefined where there is no such command. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}
