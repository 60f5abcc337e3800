// SPDX-License-Identifier: Apache-2.0
// What a site or person has laid down about registries (containers-registries.conf(5)), and what follows for one image:
// where it may be fetched from, in which order. Pure; the file's reader is in src/site.
import { type Digest, parseDigest } from './digest.ts';
import { formatImageReference, type ImageReference } from './image-reference.ts';

/** A registry, or a part of it, under another address. */
export type RegistryMirror = {
  /** `host[:port][/path]`. */
  readonly location: string;
  /** Certificates are not checked, and where there is no TLS, HTTP will do. */
  readonly isInsecure: boolean;
  readonly pullFrom: 'all' | 'digest-only' | 'tag-only';
};

export type RegistryRule = {
  /** `host[:port][/path][:tag|@digest]`, or `*.domain`: the longest that an image's name begins with decides. */
  readonly prefix: string;
  /** What stands in the place of the prefix; empty: the prefix itself. */
  readonly location: string;
  readonly isInsecure: boolean;
  readonly isBlocked: boolean;
  /** Asked before the location, in order. */
  readonly mirrors: readonly RegistryMirror[];
};

export type RegistryRules = {
  readonly rules: readonly RegistryRule[];
  /** Registries in which a name without a registry is looked for, in order; empty: docker.io. */
  readonly searched: readonly string[];
  /** Short names and the full name that each stands for, without tag. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Whether a short name may be looked for in several registries one after the other. */
  readonly shortNames: 'enforcing' | 'permissive' | 'disabled';
  /** Helper programs to ask for credentials; `containers-auth.json` stands for the files. */
  readonly credentialHelpers: readonly string[];
};

export const noRegistryRules: RegistryRules = {
  rules: [],
  searched: [],
  aliases: new Map(),
  shortNames: 'enforcing',
  credentialHelpers: ['containers-auth.json'],
};

/** Where to ask for an image. */
export type ImagePlace = { readonly reference: ImageReference; readonly isInsecure: boolean };

/** The places to ask for an image, in order; or the prefix of the rule that blocks it. */
export function placesOf(
  reference: ImageReference,
  rules: readonly RegistryRule[],
): readonly ImagePlace[] | { readonly blockedBy: string } {
  const name = formatImageReference(reference);
  const found = findRule(name, rules);
  if (found === undefined) return [{ reference, isInsecure: false }];
  const { rule, length } = found;
  if (rule.isBlocked) return { blockedBy: rule.prefix };
  const rest = name.slice(length);
  const kind = reference.digest === undefined ? 'tag-only' : 'digest-only';
  const mirrors = rule.mirrors
    .filter(({ pullFrom }) => pullFrom === 'all' || pullFrom === kind)
    .map(({ location, isInsecure }) => ({ reference: splitName(`${location}${rest}`), isInsecure }));
  const own = rule.location === '' ? reference : splitName(`${rule.location}${rest}`);
  return [...mirrors, { reference: own, isInsecure: rule.isInsecure }];
}

function findRule(
  name: string,
  rules: readonly RegistryRule[],
): { readonly rule: RegistryRule; readonly length: number } | undefined {
  let best: { readonly rule: RegistryRule; readonly length: number } | undefined;
  for (const rule of rules) {
    const length = matchPrefix(name, rule.prefix);
    if (length !== undefined && (best === undefined || weightOf(rule) > weightOf(best.rule))) best = { rule, length };
  }
  return best;
}

/** The longer prefix decides, and of two that are as long the one that names a host. */
function weightOf({ prefix }: RegistryRule): number {
  return prefix.length + (prefix.startsWith('*.') ? 0 : 0.5);
}

/** How much of `name` a prefix covers; undefined where it does not. A prefix ends where a component, tag or digest does. */
function matchPrefix(name: string, prefix: string): number | undefined {
  if (prefix.startsWith('*.')) {
    const host = name.slice(0, name.indexOf('/'));
    return host.endsWith(prefix.slice(1)) ? host.length : undefined;
  }
  if (!name.startsWith(prefix)) return undefined;
  const next = name[prefix.length];
  return next === undefined || next === '/' || next === ':' || next === '@' ? prefix.length : undefined;
}

/** A full name whose first component is a host whatever it looks like. Its parts have been checked before. */
function splitName(name: string): ImageReference {
  const slash = name.indexOf('/');
  const [rest = '', digestText] = name.slice(slash + 1).split('@');
  const colon = rest.lastIndexOf(':');
  const digest: Digest | undefined = digestText === undefined ? undefined : parseDigest(digestText);
  return {
    registry: name.slice(0, slash),
    repository: colon < 0 ? rest : rest.slice(0, colon),
    ...(colon < 0 ? {} : { tag: rest.slice(colon + 1) }),
    ...(digest === undefined ? {} : { digest }),
  };
}
