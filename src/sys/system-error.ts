// SPDX-License-Identifier: Apache-2.0
// The system's errors by name, for those who find out without asking the kernel what it would say.
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';

export type SystemErrorName = keyof typeof constants.errno;

/** An error as node:fs throws it, with `code`, `errno` and `syscall`. */
export function systemError(name: SystemErrorName, syscall = ''): Error {
  const errno = -constants.errno[name];
  return Object.assign(new Error(`${name}: ${getSystemErrorMessage(errno)}`), { code: name, errno, syscall });
}

// Where libuv, whose texts Node has, differs from the C library in more than a capital.
const cTexts: Readonly<Record<string, string>> = {
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ETXTBSY: 'Text file busy',
  EIO: 'Input/output error',
};

/** The number and the C library's text (strerror(3)) of a system call's error; undefined for any other. */
export function errnoDetails(error: unknown): { readonly number: number; readonly text: string } | undefined {
  if (!(error instanceof Error && 'errno' in error && 'code' in error) || typeof error.errno !== 'number') {
    return undefined;
  }
  const text = getSystemErrorMessage(error.errno);
  return {
    number: Math.abs(error.errno),
    text: cTexts[String(error.code)] ?? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`,
  };
}
