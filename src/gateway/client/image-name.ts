// SPDX-License-Identifier: Apache-2.0

const types: ReadonlySet<string> = new Set(['docker', 'custom', 'id', 'local']);

/**
 * Splits `TYPE:TAG`. What stands before the first colon is a type only if it is one; characters that no image's name has
 * are dropped, and slashes in other types than docker and local, as Shifter does.
 */
export function readImageName(text: string, defaultType: string): { readonly type: string; readonly tag: string } {
  const colon = text.indexOf(':');
  const first = text.slice(0, Math.max(colon, 0));
  const [type, tag] = types.has(first) ? [first, text.slice(colon + 1)] : [defaultType, text];
  const hasSlashes = type === 'docker' || type === 'local';
  return { type, tag: tag.replaceAll(hasSlashes ? /[^A-Za-z0-9_:.+@/-]/g : /[^A-Za-z0-9_:.+@-]/g, '') };
}
