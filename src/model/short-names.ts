// SPDX-License-Identifier: Apache-2.0
// Names without a registry (containers-registries.conf(5), "SHORT-NAME RESOLUTION"): first the aliases, then the
// registries that are to be searched, and where none are named, docker.io.
import { SlipwayError } from './errors.ts';
import { type ImageReference, namesRegistry, parseImageReference } from './image-reference.ts';
import type { RegistryRules } from './registry-rules.ts';

/**
 * What a name that a person typed may mean: the references to try, in order; the first that exists is meant.
 * @throws SlipwayError `reference-malformed`, `short-name-ambiguous` where several registries are to be searched and the
 *   rules do not let a program choose
 */
export function expandImageName(text: string, rules: RegistryRules): readonly [ImageReference, ...ImageReference[]] {
  const plain = text.startsWith('docker://') ? text.slice('docker://'.length) : text;
  const asTyped = parseImageReference(plain);
  // What is spelled docker://NAME is a full name, as it is to skopeo.
  if (plain !== text || namesRegistry(plain)) return [asTyped];
  const end = /[:@]/.exec(plain)?.index ?? plain.length;
  const alias = rules.aliases.get(plain.slice(0, end));
  if (alias !== undefined) return [parseImageReference(`${alias}${plain.slice(end)}`)];
  const [first, ...others] = rules.searched.map((registry) => parseImageReference(`${registry}/${plain}`));
  if (first === undefined) return [asTyped];
  if (others.length > 0 && rules.shortNames === 'enforcing') {
    const candidates = rules.searched.map((registry) => `${registry}/${plain}`).join(', ');
    throw new SlipwayError('short-name-ambiguous', { name: text, candidates });
  }
  return [first, ...others];
}
