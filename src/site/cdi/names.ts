// SPDX-License-Identifier: Apache-2.0
// Names of the Container Device Interface: `vendor/class=device`.

/** A device by its full name. */
export type CdiName = { readonly kind: string; readonly device: string };

const kindPattern = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$/;
const devicePattern = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;
const maxNameLength = 512;

/**
 * Reads a full name; undefined where the text is none, and so may be a path.
 * @example parseCdiName('nvidia.com/gpu=0')
 */
export function parseCdiName(text: string): CdiName | undefined {
  const equals = text.indexOf('=');
  const [kind, device] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
  return text.length <= maxNameLength && isCdiKind(kind) && isCdiDeviceName(device) ? { kind, device } : undefined;
}

export function isCdiKind(text: string): boolean {
  return kindPattern.test(text);
}

export function isCdiDeviceName(text: string): boolean {
  return devicePattern.test(text);
}
