// SPDX-License-Identifier: Apache-2.0
import { arch } from 'node:os';

/** GOARCH for Node's names, where they differ (image-spec, "platform": values are those of Go). */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** This machine's architecture as images call it. */
export function machineArchitecture(): string {
  return goArchitectures[arch()] ?? arch();
}
