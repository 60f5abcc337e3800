// SPDX-License-Identifier: Apache-2.0
import type { Logger } from 'pino';
import type { GatewayConfig } from '../site/index.ts';
import type { Clock } from '../sys/clock.ts';
import type { People } from '../sys/people.ts';
import type { Authenticate } from './auth/authenticate.ts';
import type { Seal } from './auth/seal.ts';
import type { LookupNotes } from './lookup-notes.ts';
import type { Meters } from './meters.ts';
import type { Records } from './records/types.ts';

/** What the parts of a running gateway share. */
export type GatewayContext = {
  /** As it is now: SIGHUP changes it. */
  readonly config: () => GatewayConfig;
  readonly records: Records;
  readonly authenticate: Authenticate;
  readonly people: People;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: Meters;
  readonly lookups: LookupNotes;
  /** There may be work: the queue looks at once. */
  readonly kick: () => void;
  /** The job of a record was cancelled: it need not run on until it notices. */
  readonly cancelled: (key: string) => void;
  /** The text of the metrics page and the like says it. */
  readonly version: string;
  /** ENABLE_LABELS of Shifter. */
  readonly tellsLabels: boolean;
};

/** Seconds since 1970. */
export function nowSec(clock: Clock): number {
  return clock.now().getTime() / 1000;
}
