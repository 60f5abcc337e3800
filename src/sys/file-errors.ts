// SPDX-License-Identifier: Apache-2.0
// Turns what node:fs throws into rows of the error table, in one place: callers say what they attempted and on which
// path, and people read that with the errno's name.
import { getSystemErrorMessage } from 'node:util';
import { SlipwayError } from '../model/index.ts';

/** The errno's name (`ENOENT`), or undefined where `error` does not come from a system call. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Whether `error` is a system call's, with one of these names. */
export function isErrno(error: unknown, ...names: readonly string[]): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && names.includes(errno);
}

/**
 * The SlipwayError for a system call's error; anything else comes back as it is.
 * @param attempt verb and kind of object, before the path: `write the file`.
 * @returns code `disk-full` (ENOSPC, EDQUOT), `permission-denied` (EACCES, EPERM), `read-only-file-system` (EROFS),
 *   else `file-operation-failed`.
 */
export function toFileError(error: unknown, attempt: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const options = { cause: error };
  switch (errno) {
    case 'ENOSPC':
      return new SlipwayError('disk-full', { attempt, path, errno, reason: 'no space is left' }, options);
    case 'EDQUOT':
      return new SlipwayError('disk-full', { attempt, path, errno, reason: 'the quota is used up' }, options);
    case 'EACCES':
    case 'EPERM':
      return new SlipwayError('permission-denied', { attempt, path, errno }, options);
    case 'EROFS':
      return new SlipwayError('read-only-file-system', { attempt, path, errno }, options);
    default:
      return new SlipwayError('file-operation-failed', { attempt, path, errno, reason: reasonOf(error) }, options);
  }
}

/** Runs `work`; its system errors are thrown as `toFileError` translates them. */
export async function attempting<T>(attempt: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFileError(error, attempt, path);
  }
}

/** The same for work that does not wait. */
export function attemptingSync<T>(attempt: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toFileError(error, attempt, path);
  }
}

/** The system's own words for a system call's error. */
export function reasonOf(error: unknown): string {
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
  return typeof errno === 'number' ? getSystemErrorMessage(errno) : 'unknown reason';
}
