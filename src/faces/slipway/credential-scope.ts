// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../formats/getopt/index.ts';
import type { CredentialScope } from '../../image/index.ts';
import { defaultRegistry, parseImageReference } from '../../model/index.ts';
import { usageError } from './read-command-line.ts';

/** `REGISTRY[/NAMESPACE]`, or an address of which only that is meant; docker.io where there is none. */
export function readCredentialScope(text: string | undefined, command: CommandDescription): CredentialScope {
  const name = (text ?? defaultRegistry).replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const slash = name.indexOf('/');
  const registry = slash < 0 ? name : name.slice(0, slash);
  const namespace = slash < 0 || /^v[12]$/.test(name.slice(slash + 1)) ? undefined : name.slice(slash + 1);
  // A registry's name is what may stand before a repository; one without a dot is a host all the same.
  const spelled = /[.:]/.test(registry) ? registry : `${registry}.x`;
  try {
    const checked = parseImageReference(`${spelled}/${namespace ?? 'x'}:1`);
    if (checked.registry !== spelled && registry !== 'index.docker.io') throw new Error('it is no registry');
  } catch {
    throw usageError(command, `"${text ?? ''}" is no registry or part of one`);
  }
  return {
    registry: registry === 'index.docker.io' ? defaultRegistry : registry,
    ...(namespace === undefined ? {} : { namespace }),
  };
}
