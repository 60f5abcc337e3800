// SPDX-License-Identifier: Apache-2.0
// Whether a registry lets somebody in (distribution-spec, "Determining Support": GET /v2/).
import { discardBody } from './answers.ts';
import type { Credentials } from './credentials-file.ts';
import { openSession, type SessionSettings } from './open-session.ts';
import { unexpectedAnswer } from './session.ts';

export type LoginCheck = Omit<SessionSettings, 'reference' | 'credentials'> & {
  readonly registry: string;
  readonly credentials: Credentials;
};

/**
 * Shows credentials to a registry, or to the token server that it names.
 * @returns `not-asked` where the registry lets everybody in, so that nothing is known about the credentials
 * @throws SlipwayError `registry-denied`, and as `createRegistrySource`
 */
export async function checkLogin(check: LoginCheck, signal: AbortSignal): Promise<'accepted' | 'not-asked'> {
  const { registry, credentials } = check;
  let wasAsked = false;
  const session = openSession({
    ...check,
    reference: { registry, repository: '' },
    credentials: () => {
      wasAsked = true;
      return Promise.resolve(credentials);
    },
  });
  const task = `log in to ${registry}`;
  try {
    await session.get({ path: '', isAboutRegistry: true, task }, signal, async (response) => {
      if (response.status !== 200) throw await unexpectedAnswer(response, task, registry);
      await discardBody(response);
    });
    return wasAsked ? 'accepted' : 'not-asked';
  } finally {
    await session.close();
  }
}
