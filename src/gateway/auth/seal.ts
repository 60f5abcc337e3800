// SPDX-License-Identifier: Apache-2.0
// Registry credentials of a pull that waits: kept where the record is kept, so that whoever does the work has them, but
// legible to the gateway's own user only. munged encrypts them, and refuses them to any other uid on any machine.
import type { GatewayConfig } from '../../site/index.ts';
import { mungeDecode, mungeEncode } from '../../sys/munge-socket.ts';
import type { Session } from './session.ts';

export type Seal = {
  /** Null where there is nothing to seal. */
  readonly close: (session: Session, signal: AbortSignal) => Promise<string | null>;
  readonly open: (sealed: string | null, system: string, signal: AbortSignal) => Promise<ReadonlyMap<string, string>>;
};

export function createSeal(config: () => GatewayConfig): Seal {
  // Mock authentication has no munged; its credentials do not outlive the process.
  const held = new Map<string, ReadonlyMap<string, string>>();
  const socketOf = (system: string): string => config().platforms.get(system)?.mungeSocketPath ?? '';
  return {
    close: async ({ tokens, system }, signal) => {
      if (tokens.size === 0) return null;
      if (config().authentication === 'mock') {
        const name = `mock-${held.size}`;
        held.set(name, tokens);
        return name;
      }
      const options = { socketPath: socketOf(system), signal, onlyUid: process.geteuid?.() ?? 0 };
      return await mungeEncode(JSON.stringify([...tokens]), options);
    },
    open: async (sealed, system, signal) => {
      if (sealed === null) return new Map();
      const mock = held.get(sealed);
      if (mock !== undefined) return mock;
      const answer = await mungeDecode(sealed, { socketPath: socketOf(system), signal });
      // Its age and how often it was opened don't matter here; who made it does.
      const isOurs = ['success', 'expired', 'replayed', 'rewound'].includes(answer.status);
      if (!isOurs || answer.uid !== (process.geteuid?.() ?? 0)) return new Map();
      return new Map(JSON.parse(answer.payload.toString('utf8')) as readonly (readonly [string, string])[]);
    },
  };
}
