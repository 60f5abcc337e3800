// SPDX-License-Identifier: Apache-2.0
// Which member of an index runs on a platform. The rules are those of the image-spec ("Image Index", platform) with
// the equivalences that makers of images rely on: uname's names for architectures, and an absent variant that means
// the architecture's baseline (amd64 v1, arm64 v8, arm v7).
import type { Platform } from '../../model/index.ts';

const architectureAliases: ReadonlyMap<string, { readonly architecture: string; readonly variant?: string }> = new Map([
  ['x86_64', { architecture: 'amd64' }],
  ['x86-64', { architecture: 'amd64' }],
  ['aarch64', { architecture: 'arm64' }],
  ['armhf', { architecture: 'arm', variant: 'v7' }],
  ['armel', { architecture: 'arm', variant: 'v6' }],
  ['i386', { architecture: '386' }],
]);
const baselines: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm64', 'v8'],
  ['arm', 'v7'],
]);

/** The platform in the specification's spelling; the baseline variant is left out. */
export function normalizePlatform(platform: Platform): Platform {
  const given = platform.architecture.toLowerCase();
  const alias = architectureAliases.get(given);
  const architecture = alias?.architecture ?? given;
  const variant = platform.variant === undefined || platform.variant === '' ? alias?.variant : platform.variant;
  const os = platform.os.toLowerCase();
  if (variant === undefined || variant === baselines.get(architecture)) return { os, architecture };
  return { os, architecture, variant };
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined || platform.variant === '' ? '' : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/**
 * How well an image for `offered` runs on `wanted`: undefined not at all, otherwise the higher the better.
 * Within one architecture a lower variant runs on a higher one (arm v6 on v7, amd64 v2 on v3).
 */
export function platformFit(offered: Platform, wanted: Platform): number | undefined {
  const offer = normalizePlatform(offered);
  const want = normalizePlatform(wanted);
  if (offer.os !== want.os || offer.architecture !== want.architecture) return undefined;
  const offerVariant = offer.variant ?? baselines.get(offer.architecture);
  const wantVariant = want.variant ?? baselines.get(want.architecture);
  if (offerVariant === wantVariant) return Number.MAX_SAFE_INTEGER;
  const offerLevel = variantLevel(offerVariant);
  const wantLevel = variantLevel(wantVariant);
  return offerLevel === undefined || wantLevel === undefined || offerLevel > wantLevel ? undefined : offerLevel;
}

/** `v8` or `v8.2` as a number that orders variants. */
function variantLevel(variant: string | undefined): number | undefined {
  const match = /^v(\d{1,3})(?:\.(\d{1,3}))?$/.exec(variant ?? '');
  return match === null ? undefined : Number(match[1]) * 1000 + Number(match[2] ?? 0);
}
