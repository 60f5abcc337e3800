// SPDX-License-Identifier: Apache-2.0
// What exactly is installed: by package, with where it came from and its digest as far as the installer tells. Kept in
// the installation as share/slipway.json; from it the same can be made again, and two can be compared.
import { join } from 'node:path';
import { z } from 'zod';
import { describeError, SlipwayError } from '../model/index.ts';
import { readFileIfPresent } from '../sys/files.ts';
import { type WrapMode, wrapModes } from './settings.ts';

export type PackageRecord = {
  readonly name: string;
  readonly version: string;
  /** conda's build string. */
  readonly build?: string | undefined;
  readonly url?: string | undefined;
  readonly sha256?: string | undefined;
  readonly md5?: string | undefined;
  /** Installed so that changes of its source show. */
  readonly isEditable?: boolean | undefined;
};

export type InstallationRecord = {
  readonly format: 1;
  readonly made: string;
  readonly slipway: string;
  readonly mode: WrapMode;
  readonly prefix: string;
  /** Of a virtual environment: the version of Python, and where it stands. */
  readonly python?: { readonly version: string; readonly home: string } | undefined;
  /** The image in which it runs. */
  readonly container?: string | undefined;
  readonly source?: string | undefined;
  /** Whether scripts were run, which may have done more than install packages. */
  readonly hasScripts: boolean;
  readonly conda: readonly PackageRecord[];
  readonly pip: readonly PackageRecord[];
};

const short = z.string().max(300);
const long = z.string().max(4096);

const packageSchema: z.ZodType<PackageRecord> = z.object({
  name: short.min(1).regex(/^[^\s#@;]+$/),
  version: short.regex(/^[^\s#@;]+$/),
  build: short.regex(/^[^\s#@;]*$/).optional(),
  url: long.regex(/^[^\s]+$/).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  md5: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  isEditable: z.boolean().optional(),
});

const recordSchema: z.ZodType<InstallationRecord> = z.object({
  format: z.literal(1),
  made: short,
  slipway: short,
  mode: z.enum(wrapModes),
  prefix: long,
  python: z.object({ version: short, home: long }).optional(),
  container: long.optional(),
  source: long.optional(),
  hasScripts: z.boolean(),
  conda: z.array(packageSchema).max(100_000),
  pip: z.array(packageSchema).max(100_000),
});

/** In an installation. */
export const recordPath = 'share/slipway.json';
const maxBytes = 64 << 20;

/** The record of an installation, or the file itself. @throws SlipwayError `wrap-record-unreadable` */
export async function readRecord(path: string): Promise<InstallationRecord> {
  const bytes =
    (await readFileIfPresent(join(path, recordPath), { maxBytes })) ??
    (await readRecordFile(path).catch(() => undefined));
  if (bytes === undefined) throw new SlipwayError('wrap-record-unreadable', { path, reason: 'there is none' });
  try {
    return recordSchema.parse(JSON.parse(bytes.toString()));
  } catch (cause) {
    throw new SlipwayError('wrap-record-unreadable', { path, reason: describeError(cause) }, { cause });
  }
}

async function readRecordFile(path: string): Promise<Buffer | undefined> {
  return await readFileIfPresent(path, { maxBytes });
}
