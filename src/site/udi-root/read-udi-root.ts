// SPDX-License-Identifier: Apache-2.0
// The udiRoot.conf of this machine, believed only where root alone can have written it: what it forbids would otherwise
// be anyone's to allow.
import { SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { parseUdiRoot } from './parse-udi-root.ts';
import type { UdiRoot, UdiRootReading } from './udi-root.ts';

/** Where Shifter's packages put it. */
export const defaultUdiRootPath = '/etc/shifter/udiRoot.conf';

const maxBytes = 4 << 20;

/**
 * Reads and checks a configuration.
 * @throws SlipwayError `udi-root-missing`, `udi-root-unsafe`, `udi-root-invalid` with the first fault.
 */
export function readUdiRoot(path: string, inputs: Inputs): UdiRoot {
  const { udiRoot, faults } = examineUdiRoot(path, inputs);
  const [first, ...more] = faults;
  if (udiRoot !== undefined) return udiRoot;
  throw new SlipwayError('udi-root-invalid', {
    path,
    line: first?.line ?? 0,
    reason: `${first?.text ?? 'it cannot be read'}${more.length === 0 ? '' : ` (and ${more.length} more)`}`,
  });
}

/**
 * The same with all that is to be said about it.
 * @throws SlipwayError `udi-root-missing`, `udi-root-unsafe`
 */
export function examineUdiRoot(path: string, inputs: Inputs): UdiRootReading {
  const text = inputs.readText(path, maxBytes);
  if (text === undefined) throw new SlipwayError('udi-root-missing', { path });
  const reason = unsafeReason(inputs.ownerOf(path));
  if (reason !== undefined) throw new SlipwayError('udi-root-unsafe', { path, reason });
  return parseUdiRoot(text);
}

/**
 * Why a file can't be taken for the site's word; undefined where it can. In a user namespace without the machine's root,
 * root's files show the overflow id: whoever is in there rules over nothing else anyway.
 */
export function unsafeReason(
  status: { readonly uid: number; readonly mode: number; readonly isRootMapped: boolean } | undefined,
): string | undefined {
  if (status === undefined) return 'it is missing';
  const overflowId = 65_534;
  if (status.uid !== 0 && (status.isRootMapped || status.uid !== overflowId))
    return `it belongs to uid ${status.uid}, not to root`;
  return (status.mode & 0o022) === 0 ? undefined : 'others than root can write it';
}
