// SPDX-License-Identifier: Apache-2.0

const units: Readonly<Record<string, number>> = { '': 1, 'K': 2 ** 10, 'M': 2 ** 20, 'G': 2 ** 30, 'T': 2 ** 40 };

/** `512M` in bytes: a whole number with an optional K, M, G or T (powers of 1024, any case, `iB` or `B` allowed). */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]{1,15})([KMGT]?)(?:i?B)?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (units[(match[2] ?? '').toUpperCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
