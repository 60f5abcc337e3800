// SPDX-License-Identifier: Apache-2.0
// The stores in which an image is looked for: the caller's own, and then those that a site offers to all.
import { hasCode, SlipwayError } from '../../model/index.ts';
import { isErrno } from '../../sys/file-errors.ts';
import { storePath } from './layout.ts';
import { type FoundImage, resolveStored, type StoreReader } from './lookup.ts';

/** A store's path a line; empty lines and those that begin with # say nothing. */
const siteStoresFile = '/etc/slipway/site-stores';

/** What decides where stores are. */
export const storeVariables = ['SLIPWAY_STORE', 'XDG_DATA_HOME', 'SLIPWAY_SITE_STORE'] as const;

/**
 * The caller's store, and the site's: those of SLIPWAY_SITE_STORE (with colons between them; empty: none), or else of
 * /etc/slipway/site-stores.
 * @param readText a file's text, or undefined where there is none
 * @throws SlipwayError `store-path-unusable`
 */
export function storesToSearch(
  variables: Readonly<Record<string, string | undefined>>,
  home: string | undefined,
  readText: (path: string) => string | undefined,
): readonly [own: string, ...site: string[]] {
  const own = storePath(variables, home);
  const given = variables['SLIPWAY_SITE_STORE'];
  const site =
    given === undefined ? (readText(siteStoresFile) ?? '').split('\n').map((line) => line.trim()) : given.split(':');
  const paths = site.filter((path) => path !== '' && !path.startsWith('#'));
  for (const path of paths) {
    if (path.startsWith('/')) continue;
    const where = given === undefined ? siteStoresFile : 'SLIPWAY_SITE_STORE';
    throw new SlipwayError('store-path-unusable', { reason: `${where} has "${path}", which is no absolute path` });
  }
  return [own, ...new Set(paths.filter((path) => path !== own))];
}

/** An image, and the store that has it. */
export type FoundInStore = FoundImage & { readonly store: string };

/**
 * The image that `text` names, in the first of the stores that knows one.
 * @throws SlipwayError as `resolveStored`, of the first store where none has it; `image-denied` where one has records that
 *   the caller may not read
 */
export function resolveInStores(
  text: string,
  stores: readonly [string, ...string[]],
  reader: StoreReader,
): FoundInStore {
  let missing: unknown;
  let deniedBy: string | undefined;
  for (const store of stores) {
    const careful = unlessDenied(reader, () => {
      deniedBy ??= store;
    });
    try {
      return { ...resolveStored(text, store, careful), store };
    } catch (error) {
      if (!hasCode(error, 'image-not-found')) throw error;
      missing ??= error;
    }
  }
  if (deniedBy !== undefined) throw new SlipwayError('image-denied', { reference: text, store: deniedBy });
  throw missing;
}

/** What the caller may not read is not there, and is noted. */
function unlessDenied(reader: StoreReader, onDenied: () => void): StoreReader {
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!isDenial(error)) throw error;
      onDenied();
      return undefined;
    }
  };
  return {
    readText: (path) => attempt(() => reader.readText(path)),
    listDirectory: (path) => attempt(() => reader.listDirectory(path)),
  };
}

/** Whether an error says that this user may not. */
export function isDenial(error: unknown): boolean {
  if (hasCode(error, 'permission-denied')) return true;
  return error instanceof SlipwayError && isErrno(error.cause, 'EACCES', 'EPERM');
}
