// SPDX-License-Identifier: Apache-2.0

/** This process's working directory, or '' where it has been removed: only who needs it should fail for that. */
export function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
