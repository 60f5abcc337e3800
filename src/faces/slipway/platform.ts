// SPDX-License-Identifier: Apache-2.0
import type { Platform } from '../../model/index.ts';

const pattern = /^(?<os>[a-z0-9]+)\/(?<architecture>[a-z0-9_]+)(?:\/(?<variant>[a-z0-9.]+))?$/;

/** GOARCH for process.arch, where they differ (image-spec, "platform": values are those of Go). */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** Reads `linux/arm64/v8`; undefined for what is no platform. */
export function parsePlatform(text: string): Platform | undefined {
  const parts = pattern.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const variant = parts['variant'];
  return {
    os: parts['os'] ?? '',
    architecture: parts['architecture'] ?? '',
    ...(variant === undefined ? {} : { variant }),
  };
}

/** `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** What images made for this machine say; `architecture` as process.arch has it. */
export function machinePlatform(architecture: string): Platform {
  return { os: 'linux', architecture: goArchitectures[architecture] ?? architecture };
}
