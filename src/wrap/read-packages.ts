// SPDX-License-Identifier: Apache-2.0
// Which packages an environment holds, by the records that installers leave in it: conda-meta/*.json, and *.dist-info
// (the "recording installed projects" and "direct URL" standards of Python packaging).
import { join } from 'node:path';
import { parseJson } from '../model/index.ts';
import { listDirectoryIfPresentSync, readFileIfPresentSync } from '../sys/files.ts';
import type { PackageRecord } from './record.ts';

const maxBytes = 64 << 20;

/** conda's packages, by name. */
export function readCondaPackages(environment: string): readonly PackageRecord[] {
  const directory = join(environment, 'conda-meta');
  return (listDirectoryIfPresentSync(directory) ?? [])
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const fields = readJson(join(directory, name));
      const [title, version, build] = [text(fields, 'name'), text(fields, 'version'), text(fields, 'build')];
      if (title === undefined || version === undefined) return [];
      const [url, sha256, md5] = [text(fields, 'url'), text(fields, 'sha256'), text(fields, 'md5')];
      return [
        {
          name: title,
          version,
          ...(build === undefined ? {} : { build }),
          ...(url === undefined ? {} : { url }),
          ...(sha256 === undefined ? {} : { sha256 }),
          ...(md5 === undefined ? {} : { md5 }),
        },
      ];
    });
}

/** Python's packages, by name, with the digests that pip's reports in `reports` give. */
export function readPythonPackages(environment: string, reports: readonly string[]): readonly PackageRecord[] {
  const owned = ownedByConda(environment);
  const digests = new Map(reports.flatMap((path) => reportedDigests(path)));
  return (listDirectoryIfPresentSync(join(environment, 'lib')) ?? [])
    .filter((name) => /^python\d/.test(name))
    .map((name) => join(environment, 'lib', name, 'site-packages'))
    .flatMap((directory) =>
      (listDirectoryIfPresentSync(directory) ?? [])
        .filter((name) => name.endsWith('.dist-info') && !owned.has(name))
        .flatMap((name) => readDistribution(join(directory, name), digests)),
    )
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** Directories of Python's records that came in conda's packages, which have records of their own. */
function ownedByConda(environment: string): ReadonlySet<string> {
  const directory = join(environment, 'conda-meta');
  const records = (listDirectoryIfPresentSync(directory) ?? []).filter((name) => name.endsWith('.json'));
  const names = records.flatMap((name) => {
    const files = field(readJson(join(directory, name)), 'files');
    return !Array.isArray(files)
      ? []
      : files.flatMap((file: unknown) => /([^/]+\.dist-info)\//.exec(typeof file === 'string' ? file : '')?.[1] ?? []);
  });
  return new Set(names);
}

function readDistribution(directory: string, digests: ReadonlyMap<string, string>): readonly PackageRecord[] {
  const metadata = readText(join(directory, 'METADATA')) ?? '';
  const header = metadata.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const name = /^Name:[ \t]*(\S+)/m.exec(header)?.[1];
  const version = /^Version:[ \t]*(\S+)/m.exec(header)?.[1];
  if (name === undefined || version === undefined) return [];
  const direct = readJson(join(directory, 'direct_url.json'));
  const url = text(direct, 'url');
  const isEditable = field(field(direct, 'dir_info'), 'editable') === true;
  const sha256 = digests.get(`${normalName(name)}==${version}`);
  return [
    {
      name,
      version,
      ...(url === undefined ? {} : { url }),
      ...(isEditable ? { isEditable } : {}),
      ...(sha256 === undefined ? {} : { sha256 }),
    },
  ];
}

/** Names of Python packages are the same in any case, and with any of `-`, `_` and `.` (PEP 503). */
export function normalName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** What `pip install --report` says of the archives that it installed. */
function reportedDigests(path: string): readonly (readonly [string, string])[] {
  const items = field(readJson(path), 'install');
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown) => {
    const [name, version] = [text(field(item, 'metadata'), 'name'), text(field(item, 'metadata'), 'version')];
    const digest = archiveDigest(field(field(item, 'download_info'), 'archive_info'));
    if (name === undefined || version === undefined || digest === undefined) return [];
    return [[`${normalName(name)}==${version}`, digest] as const];
  });
}

/** PEP 610's archive_info: `hashes`, or the older `hash`, which pip 23.0 alone gives for files. */
function archiveDigest(archive: unknown): string | undefined {
  const digest = text(field(archive, 'hashes'), 'sha256') ?? text(archive, 'hash')?.replace(/^sha256=/, '');
  return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}

function readText(path: string): string | undefined {
  return readFileIfPresentSync(path, { maxBytes })?.toString();
}

function readJson(path: string): unknown {
  return parseJson(readText(path) ?? 'null');
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function text(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
