// SPDX-License-Identifier: Apache-2.0
// The specifications that are installed on this machine.
import { describeError, SlipwayError } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { CdiRegistry } from './resolve-devices.ts';
import type { CdiSpec } from './spec.ts';

/** What is generated at boot stands above what an administrator installed. */
export const cdiDirectories: readonly string[] = ['/etc/cdi', '/var/run/cdi'];

const maxSpecBytes = 8 << 20;
const specName = /\.(?:json|yaml)$/;

/** Reads one file. @throws SlipwayError `cdi-spec-malformed` */
export async function readCdiFile(path: string, inputs: Inputs): Promise<CdiSpec> {
  const text = inputs.readText(path, maxSpecBytes);
  if (text === undefined)
    throw new SlipwayError('cdi-spec-malformed', { path, line: 1, reason: 'there is no such file' });
  const { parseCdiSpec } = await import('./parse-spec.ts');
  return parseCdiSpec(text, path);
}

/** Reads every specification below `directories`. One that can't be used is a fault, not an error: another may do. */
export async function readCdiRegistry(
  inputs: Inputs,
  directories: readonly string[] = cdiDirectories,
): Promise<CdiRegistry> {
  const found = directories.map((path) => ({
    path,
    files: (inputs.listDirectory(path) ?? []).filter((name) => specName.test(name)).map((name) => `${path}/${name}`),
  }));
  if (found.every(({ files }) => files.length === 0)) {
    return { directories: found.map(({ path }) => ({ path, specs: [] })), faults: [] };
  }
  const { parseCdiSpec } = await import('./parse-spec.ts');
  const faults: { path: string; reason: string }[] = [];
  const read = (path: string): readonly CdiSpec[] => {
    try {
      const text = inputs.readText(path, maxSpecBytes);
      return text === undefined ? [] : [parseCdiSpec(text, path)];
    } catch (error) {
      faults.push({ path, reason: describeError(error) });
      return [];
    }
  };
  return { directories: found.map(({ path, files }) => ({ path, specs: files.flatMap(read) })), faults };
}
