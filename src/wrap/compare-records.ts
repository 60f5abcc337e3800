// SPDX-License-Identifier: Apache-2.0
// What differs between two installations.
import { normalName } from './read-packages.ts';
import type { InstallationRecord, PackageRecord } from './record.ts';

export type RecordDifference = {
  readonly name: string;
  readonly by: 'conda' | 'pip' | 'python' | 'image';
  /** How it is in each; undefined: not there. */
  readonly first: string | undefined;
  readonly second: string | undefined;
};

/** The differences, by name. */
export function compareRecords(first: InstallationRecord, second: InstallationRecord): readonly RecordDifference[] {
  const python: RecordDifference = {
    name: 'python',
    by: 'python',
    first: first.python?.version,
    second: second.python?.version,
  };
  const image: RecordDifference = { name: 'image', by: 'image', first: first.container, second: second.container };
  return [
    ...(python.first === python.second ? [] : [python]),
    ...(image.first === image.second ? [] : [image]),
    ...comparePackages('conda', first.conda, second.conda),
    ...comparePackages('pip', first.pip, second.pip),
  ];
}

function comparePackages(
  by: 'conda' | 'pip',
  first: readonly PackageRecord[],
  second: readonly PackageRecord[],
): readonly RecordDifference[] {
  const [one, other] = [first, second].map(
    (packages) => new Map(packages.map((each) => [normalName(each.name), each])),
  );
  const names = [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])].toSorted();
  return names.flatMap((name) => {
    const [left, right] = [one?.get(name), other?.get(name)];
    if (left !== undefined && right !== undefined && isSame(left, right)) return [];
    return [{ name, by, first: shown(left, right), second: shown(right, left) }];
  });
}

function isSame(left: PackageRecord, right: PackageRecord): boolean {
  const hasDigests = left.sha256 !== undefined && right.sha256 !== undefined;
  return left.version === right.version && left.build === right.build && (!hasDigests || left.sha256 === right.sha256);
}

/** The version; with the digest where only that differs. */
function shown(each: PackageRecord | undefined, other: PackageRecord | undefined): string | undefined {
  if (each === undefined) return undefined;
  const version = each.build === undefined ? each.version : `${each.version}-${each.build}`;
  const isAlike = other !== undefined && other.version === each.version && other.build === each.build;
  return isAlike && each.sha256 !== undefined ? `${version} (sha256 ${each.sha256.slice(0, 12)})` : version;
}
