// SPDX-License-Identifier: Apache-2.0
import type { PlatformConfig } from '../../site/index.ts';
import type { Destination } from './destination.ts';
import { localDestination } from './local-destination.ts';
import { remoteDestination } from './remote-destination.ts';

/** A system's image directory, here or there. */
export function destinationOf(platform: PlatformConfig): Destination {
  return platform.remote === undefined
    ? localDestination(platform.name, platform.imageDirectory)
    : remoteDestination(platform, platform.remote);
}
