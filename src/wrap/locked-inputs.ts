// SPDX-License-Identifier: Apache-2.0
// From a record to what an installer is told, so that it installs the same again, and refuses anything else.
import type { InstallationRecord, PackageRecord } from './record.ts';

/** conda's explicit list: by URL, with the digest. */
export function explicitList(record: InstallationRecord): string | undefined {
  if (record.conda.length === 0) return undefined;
  const lines = record.conda.map((each) => {
    if (each.url === undefined) return `${each.name}=${each.version}=${each.build ?? ''}`;
    return each.md5 === undefined ? each.url : `${each.url}#${each.md5}`;
  });
  return `@EXPLICIT\n${lines.join('\n')}\n`;
}

export type LockedRequirements = {
  /** Those whose archives have a known digest, which pip is to insist on. */
  readonly hashed: string;
  /** The others: of directories, or installed in ways that tell no digest. */
  readonly plain: string;
};

/** pip's requirements, in two files: where one line has a digest, pip wants one on all. */
export function lockedRequirements(record: InstallationRecord): LockedRequirements {
  // Whatever makes the environment brings its own.
  const packages = record.pip.filter(({ name }) => name !== 'pip' && name !== 'setuptools');
  const isHashed = (each: PackageRecord): boolean => each.sha256 !== undefined && each.url === undefined;
  const lines = (each: PackageRecord): string => {
    if (each.url !== undefined) return each.isEditable === true ? `-e ${each.url}` : `${each.name} @ ${each.url}`;
    const digest = each.sha256 === undefined ? '' : ` --hash=sha256:${each.sha256}`;
    return `${each.name}==${each.version}${digest}`;
  };
  const text = (chosen: readonly PackageRecord[]): string => chosen.map((each) => `${lines(each)}\n`).join('');
  return { hashed: text(packages.filter(isHashed)), plain: text(packages.filter((each) => !isHashed(each))) };
}
